//! Damaged files of every kind: each is named, with what to do, and nothing is changed, lost or taken for what it is not.

use std::fs;
use std::path::Path;

use ostler_suite::{Bench, Ostler};

use crate::clock::run_at;

/// Two connections and a password, and no process that has the store open.
fn filled() -> Ostler {
    let ostler = Ostler::with_store().unwrap();
    ostler.file("password", "Wonder-Land-42").unwrap();
    for name in ["a", "b"] {
        let words = ["connection", "add", name, "--type", "ssh", "--host", "h", "--user", "u"];
        ostler.run(&[&words[..], &["--password-file", "password"]].concat()).unwrap().succeeded().unwrap();
    }
    ostler.run(&["doctor"]).unwrap().succeeded().unwrap();
    ostler
}

fn listed(ostler: &Ostler) -> String {
    ostler.run(&["tree"]).unwrap().succeeded().unwrap().text()
}

/// Damages a file, and expects that a command names it; the damage stays as it is, and without it all is as before.
fn refused(ostler: &Ostler, file: &str, content: &[u8], words: &[&str], code: i32, complaint: &str) {
    let before = listed(ostler);
    let path = ostler.home().join(file);
    let good = fs::read(&path).unwrap();
    fs::write(&path, content).unwrap();
    let output = ostler.run(words).unwrap().failed(code, complaint).unwrap();
    let told = output.stderr.contains("hint:") || output.stderr.contains("restore a backup");
    assert!(told, "{file}: nothing says what to do: {}", output.stderr);
    assert!(!output.stderr.contains("panicked"), "{}", output.stderr);
    assert_eq!(fs::read(&path).unwrap(), content, "{file} was changed");
    fs::write(&path, good).unwrap();
    assert_eq!(listed(ostler), before);
}

#[test]
fn a_database_that_is_cut_or_overwritten_is_named_and_left_alone() {
    let ostler = filled();
    let good = fs::read(ostler.store().join("store.db")).unwrap();
    let zeroed: Vec<u8> = vec![0; good.len()];
    let mut half_zeroed = good.clone();
    let middle = good.len() / 2;
    half_zeroed[middle..].fill(0);
    for (content, code, complaint) in [
        (&b""[..], 7, "store.db is empty"),
        (&good[..10], 7, "store.db is cut short"),
        (&good[..good.len() / 2], 7, "the store is damaged"),
        (&good[..4096], 7, "the store is damaged"),
        (&zeroed, 7, "store.db is filled with zeros"),
        (&half_zeroed, 7, "the store is damaged"),
        (&b"not a database, but something that is long enough to be one"[..], 1, "is not an Ostler store"),
    ] {
        refused(&ostler, "store/store.db", content, &["connection", "list"], code, complaint);
    }
}

#[test]
fn files_beside_the_database_that_a_crash_or_somebody_else_left_do_no_harm() {
    let ostler = filled();
    let before = listed(&ostler);
    // Garbage that SQLite never wrote is no part of the store.
    for name in ["store.db-wal", "store.db-shm"] {
        for content in [&b""[..], &[0x5A; 70_000]] {
            fs::write(ostler.store().join(name), content).unwrap();
            assert_eq!(listed(&ostler), before, "{name}");
        }
    }
    ostler.run(&["store", "verify"]).unwrap().succeeded().unwrap();
}

#[test]
fn a_write_ahead_log_that_was_taken_away_loses_only_what_stood_in_it() {
    let ostler = filled();
    let before = listed(&ostler);
    // A process that was killed leaves the log behind; what it had acknowledged may stand there alone.
    let words = ["connection", "add", "c", "--type", "ssh", "--host", "h"];
    let killed = crate::kills::tampered(&ostler, &words, "unlink", "signal=SIGKILL:when=1").output().unwrap();
    assert!(killed.status.code().is_none());
    let log = ostler.store().join("store.db-wal");
    assert!(fs::metadata(&log).is_ok_and(|log| log.len() > 0), "the log stays when the program is killed");
    fs::remove_file(&log).unwrap();
    fs::write(ostler.store().join("store.db-shm"), [0x5A; 32_768]).unwrap();
    let after = listed(&ostler);
    assert!(after == before || after.contains("c  ssh"), "{after}");
    ostler.run(&["store", "verify"]).unwrap().succeeded().unwrap();
}

#[test]
fn a_configuration_that_is_garbage_is_named_with_its_place() {
    let ostler = filled();
    let directory = ostler.home().join("config/ostler");
    fs::create_dir_all(&directory).unwrap();
    let file = directory.join("config.toml");
    for content in [&b"[[["[..], b"\xFF\xFE\x00garbage", b"[log]\nlevel = 7\n", b"no-such-key = true\n"] {
        fs::write(&file, content).unwrap();
        let output = ostler.run(&["connection", "list"]).unwrap();
        assert!(output.code == 1 || output.code == 8, "{} {}", output.code, output.stderr);
        assert!(output.stderr.contains("config.toml"), "{}", output.stderr);
    }
    fs::remove_file(&file).unwrap();
    listed(&ostler);
}

#[test]
fn a_device_key_that_is_damaged_or_open_to_others_is_named_and_one_that_is_missing_is_made() {
    use std::os::unix::fs::PermissionsExt as _;

    let ostler = filled();
    let key = ostler.home().join("state/ostler/device.key");
    let good = fs::read(&key).unwrap();
    let mut flipped = good.clone();
    flipped[20] ^= 1;
    for content in [&b""[..], &good[..30], b"garbage", &flipped] {
        refused(&ostler, "state/ostler/device.key", content, &["connection", "list"], 8, "device.key");
    }
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let exposed =
        ostler.run(&["connection", "list"]).unwrap().failed(8, "other users may use the device key").unwrap();
    assert!(exposed.stderr.contains("chmod 600"), "{}", exposed.stderr);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();

    // A new one signs the log from then on; what the old one signed still holds. Whether somebody tried passphrases before
    // only the old one could tell, so the first try waits once.
    fs::remove_file(&key).unwrap();
    ostler.run(&["tree"]).unwrap().failed(3, "the next try is possible in 5 s").unwrap();
    run_at(&ostler, "+1m", &["tree"]).succeeded().unwrap();
    ostler.run(&["audit", "verify"]).unwrap().succeeded().unwrap();
    assert_ne!(fs::read(&key).unwrap(), good);
}

#[test]
fn a_recording_with_missing_extra_or_swapped_segments_is_damaged_by_name() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    bench.on_server("yes-bytes 3000000").unwrap().succeeded().unwrap();
    let list = ostler.run(&["recording", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    let id = list[0]["id"].as_str().unwrap().to_owned();
    let folder = ostler.store().join("recordings").join(&id);
    let segment = |number: usize| folder.join(format!("seg-{number:08}"));
    let damaged = |complaint: &str| {
        let output = ostler.run(&["recording", "verify", &id]).unwrap();
        let said = output.text() + &output.stderr;
        assert!(output.code == 7 && said.contains(complaint), "{complaint}: {} {said}", output.code);
        let list = ostler.run(&["recording", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
        assert!(list[0]["id"] == id.as_str());
    };
    let aside = folder.with_extension("aside");
    fs::rename(segment(2), &aside).unwrap();
    damaged("seg-00000002: it is missing");
    fs::rename(&aside, segment(2)).unwrap();

    fs::write(folder.join("notes.txt"), "x").unwrap();
    damaged("notes.txt: it does not belong there");
    fs::remove_file(folder.join("notes.txt")).unwrap();

    swap(&segment(1), &segment(3));
    damaged("seg-00000001");
    swap(&segment(1), &segment(3));

    let count = fs::read_dir(&folder).unwrap().count() - 1;
    fs::copy(segment(0), segment(count)).unwrap();
    damaged(&format!("seg-{count:08}"));
    fs::remove_file(segment(count)).unwrap();

    fs::rename(folder.join("header"), &aside).unwrap();
    damaged("header: it is missing");
    fs::rename(&aside, folder.join("header")).unwrap();
    ostler.run(&["recording", "verify", &id]).unwrap().succeeded().unwrap();
}

fn swap(one: &Path, other: &Path) {
    let (a, b) = (fs::read(one).unwrap(), fs::read(other).unwrap());
    fs::write(one, b).unwrap();
    fs::write(other, a).unwrap();
}

#[test]
fn an_audit_log_that_lacks_a_file_is_named_and_nothing_goes_on_without_it() {
    let ostler = filled();
    let audit = ostler.store().join("audit");
    for name in ["log", "checkpoint"] {
        let good = fs::read(audit.join(name)).unwrap();
        fs::remove_file(audit.join(name)).unwrap();
        let output = ostler.run(&["connection", "list"]).unwrap();
        assert!(
            output.code == 7 && output.stderr.contains(name),
            "{name}: {} {}",
            output.code,
            output.stderr
        );
        assert!(output.stderr.contains("hint: keep"), "{}", output.stderr);
        fs::write(audit.join(name), good).unwrap();
    }
    // Hashes can be made again from the log, which they are proved by.
    for content in [None, Some(&b""[..]), Some(&[0x5A; 300])] {
        match content {
            None => fs::remove_file(audit.join("hashes")).unwrap(),
            Some(content) => fs::write(audit.join("hashes"), content).unwrap(),
        }
        listed(&ostler);
        ostler.run(&["audit", "verify"]).unwrap().succeeded().unwrap();
    }
    // A lock file that somebody left is only a file.
    fs::remove_file(audit.join("lock")).unwrap();
    listed(&ostler);
    ostler.run(&["audit", "verify"]).unwrap().succeeded().unwrap();
}

#[test]
fn a_cache_of_garbage_is_compiled_anew() {
    let bench = Bench::new().unwrap();
    bench.on_server("true").unwrap().succeeded().unwrap();
    let cache = bench.ostler.home().join("cache/ostler/compiled-plugins");
    let files: Vec<_> = fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty());
    for content in [&b""[..], &[0x5A; 5000], b"ostler-compiled1 and then nothing that fits"] {
        for file in &files {
            fs::write(file, content).unwrap();
        }
        assert_eq!(bench.on_server("echo hello").unwrap().succeeded().unwrap().text(), "hello\n");
        for file in &files {
            assert!(fs::metadata(file).unwrap().len() > 10_000, "it is compiled again");
        }
    }
}

#[test]
fn an_installed_plugin_that_is_cut_short_is_named_and_the_others_work() {
    let ostler = filled();
    ostler
        .run(&["plugin", "install", crate::guest("importer").to_str().unwrap()])
        .unwrap()
        .succeeded()
        .unwrap();
    let plugins = ostler.store().join("plugins");
    let file = fs::read_dir(&plugins).unwrap().next().unwrap().unwrap().path();
    let good = fs::read(&file).unwrap();
    for content in [&good[..good.len() / 2], b"", b"garbage"] {
        fs::write(&file, content).unwrap();
        let list = ostler.run(&["plugin", "list"]).unwrap().succeeded().unwrap().text();
        assert!(list.contains("broken test.importer: it is "), "{list}");
        ostler.file("list.csv", "name,host\nx,x.example\n").unwrap();
        ostler.run(&["import", "list.csv", "--type", "ssh", "--dry-run"]).unwrap().succeeded().unwrap();
        let doctor = ostler.run(&["doctor"]).unwrap();
        assert!(doctor.text().contains("install it again, or remove the file"), "{}", doctor.text());
    }
}

#[test]
fn locks_and_halves_that_a_crash_left_stop_nothing() {
    let ostler = filled();
    for (name, content) in
        [("store.lock", &b"garbage"[..]), ("audit/lock", b"12345"), ("store.db.new", b"half")]
    {
        fs::write(ostler.store().join(name), content).unwrap();
    }
    fs::write(ostler.store().join("plugins/.staged-x.tmp"), "half").unwrap();
    assert!(listed(&ostler).contains("a  ssh"));
    ostler.run(&["doctor"]).unwrap().succeeded().unwrap();
}
