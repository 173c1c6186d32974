//! The life of the store's keys: rotation, roll-back, restore, key file, keyring, FIPS profile.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use ostler_suite::{Bench, Ostler, Output};
use serde_json::Value;

fn info(ostler: &Ostler) -> anyhow::Result<Value> {
    ostler.run(&["store", "info", "--json"])?.succeeded()?.json()
}

fn add(ostler: &Ostler, folder: &str) -> anyhow::Result<Output> {
    ostler.run(&["folder", "add", folder])?.succeeded()
}

/// The classes of the audit events, oldest first, with their outcomes.
fn audited(ostler: &Ostler, class: &str) -> anyhow::Result<usize> {
    let shown = ostler.run(&["audit", "show", "--json"])?.succeeded()?.text();
    Ok(shown.matches(&format!("\"{class}\"")).count())
}

#[test]
fn after_a_rotation_everything_opens_and_old_recordings_still_play() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    bench.on_server("echo before-the-rotation")?.succeeded()?;
    let before = info(ostler)?;
    let done = ostler.run(&["store", "rekey"])?.succeeded()?;
    assert!(done.text().contains("epoch 2"), "{}", done.text());
    let after = info(ostler)?;
    assert_eq!((&before["epoch"], &after["epoch"]), (&1.into(), &2.into()));
    assert_eq!((&before["id"], &before["connections"]), (&after["id"], &after["connections"]));

    bench.on_server("echo after-the-rotation")?.succeeded()?;
    let recordings = ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    let ids: Vec<&str> =
        recordings.as_array().into_iter().flatten().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids.len(), 2, "{recordings}");
    for id in &ids {
        ostler.run(&["recording", "verify", id])?.succeeded()?;
    }
    let out = ostler.run(&["recording", "export", ids[0], "--out", "old.cast"])?;
    let other = ostler.run(&["recording", "export", ids[1], "--out", "new.cast"])?;
    out.succeeded()?;
    other.succeeded()?;
    let casts = fs::read_to_string(ostler.work().join("old.cast"))?
        + &fs::read_to_string(ostler.work().join("new.cast"))?;
    assert!(casts.contains("before-the-rotation") && casts.contains("after-the-rotation"));
    ostler.run(&["store", "verify"])?.succeeded()?;
    ostler.run(&["audit", "verify"])?.succeeded()?;
    assert_eq!(audited(ostler, "vault.rotate")?, 1);
    assert!(audited(ostler, "session.start")? >= 2, "events from before the rotation are readable");
    Ok(())
}

#[test]
fn a_rotation_with_a_wrong_passphrase_changes_nothing() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("wrong", "Wr0ng-Horse-7")?;
    ostler.run(&["--passphrase-file", "wrong", "store", "rekey"])?.failed(3, "the passphrase is wrong")?;
    assert_eq!(info(&ostler)?["epoch"], 1);
    Ok(())
}

#[test]
fn an_older_store_is_told_at_each_sign_in_until_it_is_accepted() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    add(&ostler, "first")?;
    ostler.run(&["store", "backup", "old.db"])?.succeeded()?;
    add(&ostler, "second")?;
    let current = ostler.run(&["tree"])?.succeeded()?;
    assert_eq!(current.stderr, "", "nothing is told of a store that is not older");

    fs::copy(ostler.work().join("old.db"), ostler.store().join("store.db"))?;
    for _ in 0..2 {
        let told = ostler.run(&["tree"])?.succeeded()?;
        assert!(told.stderr.contains("warning: THE STORE IS OLDER"), "{}", told.stderr);
        assert_eq!(told.text(), "first/\n");
    }
    assert_eq!(audited(&ostler, "vault.rollback-warning")?, 3, "the asking is a sign-in too");
    ostler.run(&["store", "restore", "--present"])?.succeeded()?;
    assert_eq!(ostler.run(&["tree"])?.succeeded()?.stderr, "");
    Ok(())
}

#[test]
fn a_restored_backup_is_no_cause_for_a_warning_and_what_it_replaced_is_kept() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    add(&ostler, "first")?;
    ostler.run(&["store", "backup", "old.db"])?.succeeded()?;
    add(&ostler, "second")?;
    ostler.run(&["store", "restore", "old.db"])?.failed(1, "must be confirmed")?;
    let restored = ostler.run(&["store", "restore", "old.db", "--yes", "--json"])?.succeeded()?.json()?;
    let tree = ostler.run(&["tree"])?.succeeded()?;
    assert_eq!((tree.text().as_str(), tree.stderr.as_str()), ("first/\n", ""));
    assert_eq!(audited(&ostler, "vault.restore")?, 1);

    let aside = restored["set_aside"].as_str().unwrap_or_default();
    ostler.run(&["store", "restore", aside, "--yes"])?.succeeded()?;
    assert_eq!(ostler.run(&["tree"])?.succeeded()?.text(), "first/\nsecond/\n");

    // A damaged store is replaced as well; damage in a backup replaces nothing.
    ostler.file("broken.db", "no store at all, but long enough to be looked at")?;
    ostler.run(&["store", "restore", "broken.db", "--yes"])?.failed(1, "is not an Ostler store")?;
    fs::File::create(ostler.store().join("store.db"))?.set_len(50_000)?;
    ostler.run(&["tree"])?.failed(7, "filled with zeros")?;
    ostler.run(&["store", "restore", "old.db", "--yes"])?.succeeded()?;
    assert_eq!(ostler.run(&["tree"])?.succeeded()?.text(), "first/\n");
    Ok(())
}

#[test]
fn a_key_file_is_wanted_beside_the_passphrase_and_the_error_names_it() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    add(&ostler, "first")?;
    ostler.run(&["store", "key-file", "make", "key"])?.succeeded()?;
    assert_eq!(fs::metadata(ostler.work().join("key"))?.permissions().mode() & 0o777, 0o600);
    ostler.run(&["store", "key-file", "make", "key"])?.failed(1, "the key file")?;
    ostler.run(&["store", "key-file", "make", "other"])?.succeeded()?;
    ostler.file("short", "only a few bytes")?;
    ostler.run(&["store", "key-file", "add", "short"])?.failed(1, "too short")?;
    ostler.run(&["store", "key-file", "add", "key"])?.succeeded()?;

    let missing = ostler.run(&["tree"])?.failed(3, "the store wants its key file")?;
    assert!(missing.stderr.contains("OSTLER_STORE_KEY_FILE"), "{}", missing.stderr);
    ostler.file("wrong", "Wr0ng-Horse-7")?;
    let with = |more: &[&str]| ostler.run(&[more, &["tree"]].concat());
    let both = "the passphrase or the key file is wrong";
    with(&["--store-key-file", "other"])?.failed(3, both)?;
    with(&["--store-key-file", "key", "--passphrase-file", "wrong"])?.failed(3, both)?;
    assert_eq!(with(&["--store-key-file", "key"])?.succeeded()?.text(), "first/\n");
    let named = ostler.command(&["tree"]).env("OSTLER_STORE_KEY_FILE", "key").output()?;
    assert_eq!(Output::from(named).succeeded()?.text(), "first/\n");

    ostler.run(&["--store-key-file", "key", "store", "key-file", "remove"])?.succeeded()?;
    assert_eq!(with(&[])?.succeeded()?.text(), "first/\n");
    ostler.run(&["store", "key-file", "remove"])?.failed(1, "the store wants none")?;
    Ok(())
}

#[test]
fn a_store_of_the_fips_profile_says_so_and_stays_in_it() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    ostler.run(&["store", "key-file", "make", "key"])?.succeeded()?;
    ostler.run(&["--store-key-file", "key", "store", "create", "--fips"])?.succeeded()?;
    let run = |words: &[&str]| ostler.run(&[&["--store-key-file", "key"], words].concat());
    let kdf = || -> anyhow::Result<Value> {
        Ok(run(&["store", "info", "--json"])?.succeeded()?.json()?["key_derivation"].take())
    };
    assert_eq!(kdf()?, "PBKDF2-HMAC-SHA256, 1000000 rounds");
    ostler.file("new", "An0ther-Horse-8")?;
    let passwd = ["store", "passwd", "--new-passphrase-file", "new"];
    run(&[passwd.as_slice(), &["--kdf-memory", "64"]].concat())?.failed(1, "uses none")?;
    run(&[passwd.as_slice(), &["--kdf-passes", "1000"]].concat())?.failed(1, "weaker than a new store's")?;
    run(&[passwd.as_slice(), &["--kdf-passes", "1100000"]].concat())?.succeeded()?;
    run(&["tree"])?.failed(3, "is wrong")?;
    run(&["--passphrase-file", "new", "tree"])?.succeeded()?;
    ostler.file("passphrase", "An0ther-Horse-8")?;
    assert_eq!(kdf()?, "PBKDF2-HMAC-SHA256, 1100000 rounds");
    Ok(())
}

#[test]
fn where_no_memory_may_be_locked_the_program_goes_on_and_the_doctor_says_so() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["folder", "add", "Own"])?.succeeded()?;
    let open = ostler.run(&["doctor", "--json"])?.json()?;
    let check = |checks: &Value| {
        let found = checks.as_array().into_iter().flatten().find(|check| check["name"] == "key memory");
        found.cloned().unwrap_or_default()
    };
    assert_eq!(check(&open)["state"], "good", "{open}");
    // Root may lock without limit, so the limit is set where it counts: in a process without that right.
    let root = rustix::process::geteuid().is_root();
    let dropped = if root { vec!["--bounding-set=-ipc_lock", "--inh-caps=-ipc_lock"] } else { Vec::new() };
    let limited = [&["--memlock=0:0", "setpriv"], dropped.as_slice()].concat();
    let told = Output::from(ostler.command_under("prlimit", &limited, &["doctor", "--json"]).output()?);
    let told = told.json()?;
    assert_eq!(check(&told)["state"], "warning", "{told}");
    let tree = Output::from(ostler.command_under("prlimit", &limited, &["tree"]).output()?);
    assert_eq!(tree.succeeded()?.text(), "Own/\n");
    Ok(())
}
