//! A password is in the program's memory while it logs in and nowhere after; the passphrase is gone before that.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, Stdio};

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser, Misbehavior, Observed};
use ostler_suite::PASSPHRASE;

use crate::world::World;

const PASSWORD: &str = "unmistakable-password-81723";

/// Counts how often the bytes stand in the writable memory of a process.
fn occurrences(process: &Child, wanted: &str) -> usize {
    let id = process.id();
    let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
    let memory = File::open(format!("/proc/{id}/mem")).expect("reading another process's memory needs root");
    let mut found = 0;
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        // Special mappings of the kernel can't be read; memory that was never touched has nothing to find.
        if !rights.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        found += search(&memory, from, to, wanted.as_bytes());
    }
    found
}

/// Searches one mapping, piece by piece; pieces overlap so that nothing hides on a border.
fn search(memory: &File, from: u64, to: u64, wanted: &[u8]) -> usize {
    const PIECE: u64 = 1 << 20;
    let (mut at, mut found) = (from, 0);
    while at < to {
        let length = (to - at).min(PIECE + wanted.len() as u64 - 1);
        let mut bytes = vec![0; usize::try_from(length).unwrap()];
        if memory.read_exact_at(&mut bytes, at).is_ok() {
            found += memchr::memmem::find_iter(&bytes, wanted).count();
        }
        at += PIECE;
    }
    found
}

#[test]
fn a_password_is_in_memory_while_it_logs_in_and_gone_afterwards_and_the_passphrase_is_never_there() {
    let user = FakeUser { name: "deploy".to_owned(), login: FakeLogin::Password(PASSWORD.to_owned()) };
    let options = FakeSshOptions {
        users: vec![user],
        misbehavior: Misbehavior::HoldPassword,
        ..FakeSshOptions::default()
    };
    let server = FakeSshServer::start(options).unwrap();
    let ostler = World::new();
    let (port, password) = (server.port().to_string(), ostler.file("password", PASSWORD));
    let added = ostler.run(&[
        "connection",
        "add",
        "target",
        "--type",
        "ssh",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        "deploy",
        "--set",
        // The search takes its time while the log-in waits.
        "ssh.connect-timeout-seconds=300",
        "--password-file",
        password.to_str().unwrap(),
    ]);
    assert_eq!(added.code, 0, "{}", added.stderr);

    // `cat` holds the session open as long as its input is.
    let mut child = ostler
        .command(&["connect", "target", "--host-key", "accept-new", "--", "cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(server.wait_for(|log| log.contains(&Observed::PasswordHeld)), "{:?}", server.log());
    let before = occurrences(&child, PASSWORD);
    let passphrase_before = occurrences(&child, PASSPHRASE);
    server.answer_password();
    assert!(server.wait_for(|log| log.contains(&Observed::Command("cat".to_owned()))), "{:?}", server.log());
    let after = occurrences(&child, PASSWORD);
    let passphrase_after = occurrences(&child, PASSPHRASE);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());

    assert!(before > 0, "the search itself works: a password on its way is found");
    assert_eq!(after, 0, "the password is gone after the log-in");
    assert_eq!(
        (passphrase_before, passphrase_after),
        (0, 0),
        "the passphrase is gone once the store is open"
    );
}
