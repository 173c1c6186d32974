//! The whole program listing a store: start, Argon2id, unlocking, reading, printing JSON.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::measure::{Limit, Measure, alone, millis};
use crate::store::{LargeStore, PASSPHRASE};

/// Measures `ostler connection list` on a store of so many connections, with a limit in milliseconds.
#[expect(clippy::disallowed_methods, reason = "starting a program is what is measured")]
pub(crate) fn measure(program: &Path, connections: usize, limit: f64) -> anyhow::Result<Measure> {
    let store = LargeStore::make(connections, 0)?;
    let home = store.directory.path();
    let passphrase = home.join("passphrase");
    crate::sshd::write(&passphrase, PASSPHRASE.as_bytes())?;
    let list = || {
        let output = Command::new(program)
            .args(["--json", "--store"])
            .arg(&store.path)
            .arg("--passphrase-file")
            .arg(&passphrase)
            .args(["connection", "list"])
            .env_clear()
            .env("HOME", home)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} can't be run", program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the list ended with {}: {said}", output.status);
        let listed = output.stdout.windows(8).filter(|part| part == b"\"server-").count();
        // A name and a path each.
        ensure!(
            listed == 2 * connections,
            "{listed} names and paths of {connections} connections were listed"
        );
        Ok(())
    };
    // The first start waits: the device has not seen this store before.
    list()?;
    Ok(Measure { unit: "ms", own: alone(|| millis(list))?, peer: None, limit: Limit::Value(limit) })
}
