//! What is changed on the disk is named: in the store's database, in a recording, in the audit log.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};

use crate::world::World;

/// A store with a connection that was used once.
fn used() -> (World, FakeSshServer) {
    let user = FakeUser { name: "deploy".to_owned(), login: FakeLogin::Nothing };
    let server =
        FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() }).unwrap();
    let ostler = World::new();
    let port = server.port().to_string();
    ostler.ok(&[
        "connection",
        "add",
        "a",
        "--type",
        "ssh",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        "deploy",
    ]);
    ostler.ok(&["connect", "a", "--host-key", "accept-new", "--", "echo", "hello"]);
    (ostler, server)
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_changed_recording_is_damaged_by_name_and_a_removed_one_is_missing() {
    let (ostler, _server) = used();
    let list = ostler.ok(&["recording", "list", "--json"]).json();
    let id = list[0]["id"].as_str().unwrap().to_owned();
    let verified = ostler.ok(&["recording", "verify", "--json"]).json();
    assert_eq!((&verified[0]["state"], &verified[0]["audited"]), (&"complete".into(), &true.into()));
    let folder = ostler.store().join("recordings").join(&id);
    let segment = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.file_name().unwrap().to_string_lossy().starts_with("seg-"))
        .unwrap();
    flip(&segment, 60);
    let output = ostler.run(&["recording", "verify", &id]);
    assert_eq!(output.code, 7, "{}", output.stdout);
    assert!((output.stdout + &output.stderr).contains("seg-"));
    fs::remove_dir_all(&folder).unwrap();
    let output = ostler.run(&["recording", "verify", "--json"]);
    assert_eq!(output.code, 7);
    assert_eq!(output.json()[0]["state"], "missing");
}

#[test]
fn a_changed_audit_log_is_named_and_nothing_opens_any_more_where_it_can_not_go_on() {
    let (ostler, _server) = used();
    let anchor = ostler.file("anchor", &ostler.ok(&["audit", "checkpoint"]).stdout);
    ostler.ok(&["audit", "verify", "--anchor", anchor.to_str().unwrap()]);
    flip(&ostler.store().join("audit/log"), 300);
    let output = ostler.run(&["audit", "verify"]);
    assert_eq!(output.code, 7, "{}", output.stderr);
    assert!(output.stderr.contains("audit log is damaged"), "{}", output.stderr);
    let log: PathBuf = ostler.store().join("audit/log");
    let bytes = fs::read(&log).unwrap();
    fs::write(&log, &bytes[..bytes.len() / 3]).unwrap();
    let output = ostler.run(&["connect", "a", "--", "echo", "unseen"]);
    assert_ne!(output.code, 0);
    assert_eq!(output.stdout, "");
}

#[test]
fn a_changed_database_is_refused_or_says_the_same() {
    let (ostler, _server) = used();
    let before = ostler.ok(&["connection", "list", "--json"]).stdout;
    let path = ostler.store().join("store.db");
    let length = fs::read(&path).unwrap().len();
    for part in 0..12 {
        let at = length * part / 12 + 37;
        flip(&path, at);
        let output = ostler.run(&["connection", "list", "--json"]);
        assert!(output.code != 0 || output.stdout == before, "byte {at}: {}", output.stdout);
        if output.code != 0 {
            assert!(output.stderr.contains("error: "), "byte {at}");
        }
        flip(&path, at);
    }
    assert_eq!(ostler.ok(&["connection", "list", "--json"]).stdout, before);
}
