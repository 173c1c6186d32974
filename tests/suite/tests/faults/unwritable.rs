//! A file system that becomes read-only or goes away in the middle, and directories that may not be used.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ostler_suite::{Bench, Ostler, Output};

use crate::disk::{Disk, names};
use crate::kills::tampered;

/// Runs the program with the rights of the files' owner and no more: root is held to them too.
fn held_to_modes(ostler: &Ostler, words: &[&str]) -> Output {
    let output = if rustix::process::getuid().is_root() {
        let options = ["--bounding-set", "-all", "--inh-caps", "-all", "--"];
        ostler.command_under("setpriv", &options, words).output()
    } else {
        ostler.command(words).output()
    };
    output.unwrap().into()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Removes what lies below a mounted directory, where only we see it.
fn empty(directory: &Path) {
    for name in names(directory) {
        let path = directory.join(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
}

#[test]
fn a_store_that_became_read_only_is_named_and_works_again_when_it_is_writable() {
    let ostler = Ostler::with_store().unwrap();
    let disk = Disk::over(&ostler, "store", 2048);
    let add = |name| disk.run(&["connection", "add", name, "--type", "ssh", "--host", "h"]);
    add("first").succeeded().unwrap();
    disk.remount("ro");
    for words in
        [&["connection", "list"][..], &["connection", "delete", "first", "--yes"], &["store", "verify"]]
    {
        let refused = disk.run(words).failed(8, "read-only").unwrap();
        assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    }
    disk.remount("rw");
    add("second").succeeded().unwrap();
    assert_eq!(disk.run(&["tree"]).succeeded().unwrap().text(), "first  ssh h:22\nsecond  ssh h:22\n");
    disk.run(&["doctor"]).succeeded().unwrap();
}

#[test]
fn a_session_whose_disk_becomes_read_only_goes_on_or_ends_as_its_recording_must() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    bench.on_server("true").unwrap().succeeded().unwrap();
    for required in [false, true] {
        let setting = format!("recording={}", if required { "required" } else { "on" });
        ostler
            .run(&["connection", "edit", Bench::CONNECTION, "--set", &setting])
            .unwrap()
            .succeeded()
            .unwrap();
        // As the kernel does by itself when a disk fails. Each thread may rename twice: the one that signs in its anchor and
        // the recording's folder, the recorder two segments; the session takes longer than three.
        let words = ["connect", Bench::CONNECTION, "--", "ticks 700 10"];
        let output: Output =
            tampered(ostler, &words, "rename", "error=EROFS:when=3+").output().unwrap().into();
        assert!(output.stderr.contains("Read-only file system"), "{}", output.stderr);
        if required {
            output.failed(255, "the session must be recorded and can't be").unwrap();
        } else {
            assert_eq!(output.succeeded().unwrap().stdout.len(), 700 * 24);
        }
        let list = ostler.run(&["recording", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
        let newest = &list.as_array().unwrap()[0];
        assert_eq!(newest["state"], "incomplete", "{newest}");
        assert!(newest["duration_seconds"].as_f64().unwrap() > 1.0, "{newest}");
    }
}

#[test]
fn a_store_that_is_gone_is_missed_by_its_path_and_nothing_is_made_in_its_place() {
    let ostler = Ostler::with_store().unwrap();
    let disk = Disk::over(&ostler, "store", 2048);
    empty(&ostler.store());
    disk.run(&["store", "info"]).succeeded().unwrap();
    disk.unplug();
    let missing = disk.run(&["connection", "add", "a", "--type", "ssh", "--host", "h"]);
    let missing = missing.failed(1, "there is no store in").unwrap();
    assert!(missing.stderr.contains(ostler.store().to_str().unwrap()), "{}", missing.stderr);
    assert_eq!(fs::read_dir(ostler.store()).unwrap().count(), 0);
}

#[test]
fn a_session_whose_store_goes_away_ends_and_says_so() {
    let bench = Bench::new().unwrap();
    bench.on_server("true").unwrap().succeeded().unwrap();
    let disk = Disk::over(&bench.ostler, "store", 4096);
    empty(&bench.ostler.store());
    let mut child = disk.command(&["connect", Bench::CONNECTION, "--", "ticks 300 10"]).spawn().unwrap();
    let mut first = [0; 24];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    disk.unplug();
    let output: Output = child.wait_with_output().unwrap().into();
    // What can't be written down did not end well, whatever the remote command said.
    assert!(output.code == 255 && output.stderr.contains("audit log can't be used"), "{}", output.stderr);
}

#[test]
fn what_may_not_be_used_is_named_and_left_as_it_is() {
    let ostler = Ostler::with_store().unwrap();
    ostler.run(&["folder", "add", "Kept"]).unwrap().succeeded().unwrap();
    ostler.run(&["doctor"]).unwrap().succeeded().unwrap();
    let words = ["connection", "add", "a", "--type", "ssh", "--host", "h"];
    let home = ostler.home();
    // Each with the mode that it gets, and what must be said.
    let cases: [(&str, u32, i32, &str); 6] = [
        ("store", 0o500, 8, "store"),
        ("store", 0o000, 8, "store"),
        ("store/store.db", 0o400, 8, "store"),
        ("store/audit", 0o000, 8, "audit"),
        ("store/audit/log", 0o400, 8, "audit/log"),
        ("state/ostler", 0o000, 8, "device"),
    ];
    for (name, mode, code, complaint) in cases {
        let path = home.join(name);
        let before = fs::metadata(&path).unwrap().permissions().mode();
        set_mode(&path, mode);
        let refused = held_to_modes(&ostler, &words);
        set_mode(&path, before);
        let refused = refused.failed(code, complaint).unwrap();
        assert!(refused.stderr.contains("hint:"), "{name}: {}", refused.stderr);
        assert_eq!(ostler.run(&["tree"]).unwrap().succeeded().unwrap().text(), "Kept/\n", "{name}");
    }
    // What is only convenient stops nothing.
    for name in ["cache/ostler", "state/ostler/log"] {
        let path = home.join(name);
        let before = fs::metadata(&path).unwrap().permissions().mode();
        set_mode(&path, 0o000);
        let worked = held_to_modes(&ostler, &["plugin", "list"]);
        set_mode(&path, before);
        worked.succeeded().unwrap();
    }
}
