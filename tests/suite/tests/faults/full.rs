//! A full disk, under everything that writes: what was acknowledged stays, what was not is told, and with space again
//! everything goes on.

use std::fs;

use anyhow::Context as _;
use ostler_fakes::ssh::Observed;
use ostler_suite::{Bench, Ostler, PASSPHRASE};
use serde_json::Value;

use crate::disk::{Disk, names, says_full};

/// How much is left for a command, in KiB: from nothing to enough for everything.
const LEFT: [u64; 10] = [0, 4, 8, 16, 24, 40, 56, 72, 96, 512];

fn listed(disk: &Disk<'_>) -> String {
    disk.run(&["connection", "list"]).succeeded().unwrap().text()
}

fn healthy(disk: &Disk<'_>) {
    for check in disk.run(&["doctor", "--json"]).json().unwrap().as_array().unwrap() {
        assert_ne!(check["state"], "bad", "{check}");
    }
}

#[test]
fn the_doctor_tells_how_much_space_there_is() {
    let ostler = Ostler::with_store().unwrap();
    let disk = Disk::over(&ostler, "store", 2048);
    let state = |disk: &Disk<'_>| {
        let checks = disk.run(&["doctor", "--json"]).json().unwrap();
        let found = checks.as_array().unwrap().iter().find(|check| check["name"] == "disk space").cloned();
        found.unwrap()["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&disk), "warning");
    disk.fill(4);
    assert_eq!(state(&disk), "bad");
    disk.free();
    assert_eq!(state(&disk), "warning");
}

#[test]
fn a_change_of_the_store_is_made_or_refused_and_told_however_little_space_is_left() {
    let ostler = Ostler::with_store().unwrap();
    let rows: String = (0..60).map(|row| format!("i{row},imported.example,Secret-{row}\n")).collect();
    ostler.file("list.csv", format!("Name,Host,Password\n{rows}")).unwrap();
    ostler
        .run(&["connection", "add", "kept", "--type", "ssh", "--host", "kept.example"])
        .unwrap()
        .succeeded()
        .unwrap();
    ostler.run(&["doctor"]).unwrap().succeeded().unwrap();
    let disk = Disk::over(&ostler, "store", 2048);
    let (mut made, mut refused) = (0, 0);
    for (number, left) in LEFT.into_iter().enumerate() {
        let name = format!("n{number}");
        let folder = format!("F{number}");
        let commands: [Vec<&str>; 3] = [
            vec!["connection", "add", &name, "--type", "ssh", "--host", "h.example"],
            vec!["connection", "edit", "kept", "--note", &name],
            vec!["import", "list.csv", "--type", "ssh", "--into", &folder],
        ];
        for words in commands {
            let before = listed(&disk);
            disk.fill(left);
            let output = disk.run(&words);
            disk.free();
            let after = listed(&disk);
            if output.code == 0 {
                made += 1;
                assert!(words[1] == "edit" || after != before, "{words:?} was acknowledged and is not there");
            } else {
                refused += 1;
                assert!(
                    output.code == 8 && says_full(&output),
                    "{words:?}: {} {}",
                    output.code,
                    output.stderr
                );
                assert_eq!(before, after, "{words:?} was refused and made, with {left} KiB");
            }
        }
        healthy(&disk);
    }
    assert!(made > 0 && refused > 0, "{made} made, {refused} refused");
}

#[test]
fn a_change_of_passphrase_on_a_full_disk_leaves_the_old_one_in_force() {
    let ostler = Ostler::with_store().unwrap();
    ostler.file("other", "Battery-Staple-8").unwrap();
    let disk = Disk::over(&ostler, "store", 2048);
    for left in LEFT {
        disk.fill(left);
        let output = disk.run(&["store", "passwd", "--new-passphrase-file", "other"]);
        disk.free();
        let opens = |file: &str| disk.run(&["store", "info", "--passphrase-file", file]).code == 0;
        if output.code == 0 {
            assert!(!opens("passphrase") && opens("other"), "{left} KiB");
            // Back again.
            ostler.file("first", PASSPHRASE).unwrap();
            let words = ["store", "passwd", "--passphrase-file", "other", "--new-passphrase-file", "first"];
            disk.run(&words).succeeded().unwrap();
        } else {
            assert!(says_full(&output), "{left} KiB: {}", output.stderr);
            assert!(opens("passphrase"), "{left} KiB");
        }
    }
}

#[test]
fn a_backup_that_has_no_room_leaves_nothing_behind() {
    let ostler = Ostler::with_store().unwrap();
    let disk = Disk::over(&ostler, "backups", 256);
    for left in [0, 4, 16, 32] {
        disk.fill(left);
        let output = disk.run(&["store", "backup", "../backups/copy.db"]);
        assert!(output.code == 8 && says_full(&output), "{left} KiB: {} {}", output.code, output.stderr);
        assert_eq!(names(&disk.inside("")), ["filler"]);
        disk.free();
    }
    disk.run(&["store", "backup", "../backups/copy.db"]).succeeded().unwrap();
    assert_eq!(names(&disk.inside("")), ["copy.db"]);
}

#[test]
fn a_session_that_need_not_be_recorded_goes_on_without_its_recording() {
    let bench = Bench::new().unwrap();
    bench.on_server("true").unwrap().succeeded().unwrap();
    for (left, count) in [(0, 10), (12, 30_000)] {
        let disk = Disk::over(&bench.ostler, "store/recordings", 1024);
        disk.fill(left);
        let command = format!("ticks {count} 0");
        let words = ["connect", Bench::CONNECTION, "--", &command];
        let output = disk.run(&words).succeeded().unwrap();
        assert_eq!(output.stdout.len(), count * 24);
        assert_eq!(output.stderr.matches("not recorded any more").count(), 1, "{}", output.stderr);
        assert!(says_full(&output), "{}", output.stderr);
        disk.free();
        let list = disk.run(&["recording", "list", "--json"]).succeeded().unwrap().json().unwrap();
        assert!(
            list.as_array()
                .unwrap()
                .iter()
                .all(|one| one["state"] != "complete" || one["command"] != *command)
        );
        let again = disk.run(&["connect", Bench::CONNECTION, "--", "echo", "again"]).succeeded().unwrap();
        assert_eq!((again.text().as_str(), again.stderr.as_str()), ("again\n", ""));
        let end = last(&disk, "session.end");
        assert!(end["details"]["recording"].is_null(), "{end}");
    }
}

#[test]
fn a_session_that_must_be_recorded_ends_where_it_can_not_be() {
    let bench = Bench::new().unwrap();
    bench.on_server("true").unwrap().succeeded().unwrap();
    let required = ["connection", "edit", Bench::CONNECTION, "--set", "recording=required"];
    bench.ostler.run(&required).unwrap().succeeded().unwrap();
    // No room for the header, for the only segment, for more than one.
    for (left, count) in [(0, 30_000), (4, 1), (12, 30_000)] {
        let disk = Disk::over(&bench.ostler, "store/recordings", 1024);
        disk.fill(left);
        let before = commands(&bench);
        let output = disk.run(&["connect", Bench::CONNECTION, "--", &format!("ticks {count} 0")]);
        let output = output.failed(255, "the session must be recorded and can't be").unwrap();
        assert!(says_full(&output) && output.stderr.contains("hint: free"), "{}", output.stderr);
        assert!(count == 1 || output.stdout.len() < count * 24);
        assert_eq!(
            commands(&bench) - before,
            usize::from(left > 0),
            "nothing opens where nothing can be recorded"
        );
        disk.free();
        let end = last(&disk, "session.end");
        assert_eq!(end["outcome"], "failure", "{end}");
        assert!(end["reason"].as_str().unwrap().contains("must be recorded"), "{end}");
        disk.run(&["connect", Bench::CONNECTION, "--", "echo", "again"]).succeeded().unwrap();
    }
}

#[test]
fn what_can_not_be_written_down_does_not_happen() {
    let bench = Bench::new().unwrap();
    bench.on_server("true").unwrap().succeeded().unwrap();
    let disk = Disk::over(&bench.ostler, "store/audit", 512);
    let lines = fs::read(disk.inside("log")).unwrap();
    let before = commands(&bench);
    // Room for the sign-in, but not for what follows: the log and its hashes are in pages of 4 KiB.
    for left in [0, 4] {
        loop {
            disk.fill(left);
            let output = disk.run(&["connect", Bench::CONNECTION, "--", "echo", "unseen"]);
            disk.free();
            if output.code != 0 {
                assert!(
                    output.code == 255 && output.stderr.contains("audit log can't be used"),
                    "{}",
                    output.stderr
                );
                assert!(says_full(&output) && output.stderr.contains("hint:"), "{}", output.stderr);
                break;
            }
        }
    }
    let opened = commands(&bench) - before;
    assert!(fs::read(disk.inside("log")).unwrap().starts_with(&lines));
    disk.run(&["audit", "verify"]).succeeded().unwrap();
    let events = disk.run(&["audit", "show", "--json"]).succeeded().unwrap().json().unwrap();
    let started = events.as_array().unwrap().iter().filter(|event| event["class"] == "session.start").count();
    assert!(started > opened, "{started} sessions are in the log, {opened} reached the server");
    healthy(&disk);
}

#[test]
fn a_log_file_that_takes_no_more_stops_nothing() {
    let ostler = Ostler::with_store().unwrap();
    ostler.run(&["store", "info"]).unwrap().succeeded().unwrap();
    let disk = Disk::over(&ostler, "state", 64);
    disk.fill(0);
    let output = disk.run(&["connection", "add", "a", "--type", "ssh", "--host", "h"]).succeeded().unwrap();
    assert!(output.stderr.lines().count() <= 1, "{}", output.stderr);
    disk.free();
    assert_eq!(disk.run(&["connection", "list"]).succeeded().unwrap().stderr, "");
}

#[test]
fn a_plugin_is_installed_whole_or_not_at_all() {
    let ostler = Ostler::with_store().unwrap();
    let file = ostler.file("guest.wasm", fs::read(guest()).unwrap()).unwrap();
    let disk = Disk::over(&ostler, "store/plugins", 256);
    disk.fill(8);
    let output = disk.run(&["plugin", "install", file.to_str().unwrap()]);
    assert!(output.code != 0 && says_full(&output), "{} {}", output.code, output.stderr);
    assert_eq!(names(&disk.inside("")), ["filler"]);
    disk.free();
    disk.run(&["plugin", "install", file.to_str().unwrap()]).succeeded().unwrap();
    assert_eq!(names(&disk.inside("")).len(), 1);
}

#[test]
fn a_cache_that_takes_no_more_only_costs_time() {
    let bench = Bench::new().unwrap();
    let disk = Disk::over(&bench.ostler, "cache", 64);
    disk.fill(0);
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", "echo", "hello"];
    let output = disk.run(&words).succeeded().unwrap();
    assert_eq!((output.text().as_str(), output.stderr.as_str()), ("hello\n", ""));
    disk.free();
    let left = crate::watch::files(&disk.inside(""));
    assert!(left.iter().all(|path| path.is_dir()), "{left:?}");
}

/// Returns how many commands reached the server.
fn commands(bench: &Bench) -> usize {
    bench.server.log().iter().filter(|seen| matches!(seen, Observed::Command(_))).count()
}

fn last(disk: &Disk<'_>, class: &str) -> Value {
    let events = disk.run(&["audit", "show", "--json"]).succeeded().unwrap().json().unwrap();
    let found = events.as_array().unwrap().iter().rfind(|event| event["class"] == class).cloned();
    found.context(class.to_owned()).unwrap()
}

/// A small plugin that may be installed.
fn guest() -> std::path::PathBuf {
    crate::guest("importer")
}
