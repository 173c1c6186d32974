//! OpenSSH's known_hosts files.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use ostler_core::HostKey;
use ostler_engine_ssh::known_hosts::{KnownHosts, Match, line};

use super::{Taken, project_file};
use crate::Input;

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let plain = format!(
        "# mine\ndb.example,10.0.0.1 {KEY} a comment\n[db.example]:2222 {KEY}\n*.example,!bad.example {KEY}\n\
         @revoked * {KEY}\n@cert-authority *.example {KEY}\n"
    );
    Ok(vec![Input::of(plain), Input::of(project_file("host/engine-ssh/tests/data/known_hosts.hashed")?)])
}

/// Nothing is refused: what can't be understood is left out.
pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let known = KnownHosts::parse(input.bytes());
    let key = HostKey {
        algorithm: "ssh-ed25519".to_owned(),
        openssh: KEY.to_owned(),
        fingerprint: "SHA256:unused".to_owned(),
    };
    for (host, port) in [("db.example", 22), ("db.example", 2222), ("", 0), ("::1", 22), ("\u{e4}*?", 65535)]
    {
        drop((known.lookup(host, port, &key), known.algorithms(host, port)));
    }
    drop(format!("{known:?}"));
    // A line that this program adds is found, whatever stands before it.
    let added = [input.bytes(), b"\n", line("added.example", 2222, &key).as_bytes()].concat();
    let found = KnownHosts::parse(&added).lookup("added.example", 2222, &key);
    ensure!(matches!(found, Match::Known | Match::Revoked), "an added line is not found: {found:?}");
    Ok(Taken::Read)
}
