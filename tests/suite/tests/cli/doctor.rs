//! `ostler doctor`: each check with a case that is good and one that is not, and what to do about it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ostler_suite::{Bench, Ostler, Output};
use serde_json::Value;

/// Returns one check of the doctor's.
fn check(doctor: &Output, name: &str) -> anyhow::Result<Value> {
    let checks = doctor.json()?;
    let found = checks.as_array().into_iter().flatten().find(|check| check["name"] == name).cloned();
    Ok(found.unwrap_or_default())
}

/// The state, the finding and the advice of one check now.
fn told(ostler: &Ostler, name: &str) -> anyhow::Result<(String, String, String)> {
    let found = check(&ostler.run(&["doctor", "--json"])?, name)?;
    let part = |part: &str| found[part].as_str().unwrap_or_default().to_owned();
    Ok((part("state"), part("finding"), part("advice")))
}

/// Puts a file into its place.
fn place(ostler: &Ostler, path: &Path, content: impl AsRef<[u8]>) -> anyhow::Result<()> {
    Ok(fs::rename(ostler.file("placed", content)?, path)?)
}

fn set_mode(path: &Path, mode: u32) -> anyhow::Result<()> {
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[test]
fn everything_is_good_where_nothing_is_wrong_and_the_exit_code_says_so() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let doctor = ostler.run(&["doctor", "--json"])?.succeeded()?;
    let checks = doctor.json()?;
    let names: Vec<&str> =
        checks.as_array().into_iter().flatten().filter_map(|check| check["name"].as_str()).collect();
    let expected = [
        "configuration",
        "bundled plugins",
        "terminal",
        "unlocked store",
        "permissions",
        "policy",
        "disk space",
        "audit log",
        "leftovers",
        "store",
        "passphrase",
        "history",
        "keyring",
        "key memory",
        "recordings",
        "plugins",
        "clock",
    ];
    assert_eq!(names, expected);
    for check in checks.as_array().into_iter().flatten() {
        // There is no terminal here, and how much space the machine has is its own business.
        if check["name"] != "terminal" && check["name"] != "disk space" {
            assert_eq!(check["state"], "good", "{check}");
        }
        assert_eq!(check["advice"].is_null(), check["state"] == "good", "{check}");
    }
    Ok(())
}

#[test]
fn a_wrong_configuration_is_told_and_the_rest_is_checked_all_the_same() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(told(&ostler, "configuration")?.0, "good");
    let file = ostler.file("config.toml", "[policy]\nrecrod = \"always\"\n")?;
    let doctor = ostler.run(&["--config", &file.display().to_string(), "doctor", "--json"])?;
    assert_eq!(doctor.code, 1);
    let wrong = check(&doctor, "configuration")?;
    assert_eq!(wrong["state"], "bad");
    assert!(wrong["finding"].as_str().is_some_and(|finding| finding.contains("line 2")), "{wrong}");
    assert_eq!(check(&doctor, "store")?["state"], "good");
    Ok(())
}

#[test]
fn the_terminal_is_judged_by_size_and_language() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let shown = |columns, rows| -> anyhow::Result<String> {
        let mut terminal = ostler.terminal(&["doctor"], columns, rows)?;
        let (mut seen, mut text) = (0, String::new());
        while let Some(raw) = terminal.raw_beyond(seen)? {
            seen = raw.len();
            text = String::from_utf8_lossy(&raw).into_owned();
        }
        terminal.end()?;
        Ok(text)
    };
    // The environment of the tests says nothing of UTF-8.
    assert!(shown(200, 60)?.contains("neither LC_ALL, LC_CTYPE nor LANG"));
    let none = told(&ostler, "terminal")?;
    assert!(none.0 == "warning" && none.2.contains("run ostler in a terminal"), "{none:?}");
    Ok(())
}

#[test]
fn files_that_others_may_read_or_write_are_told_with_the_command_that_mends_it() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(told(&ostler, "permissions")?.0, "good");
    let key = ostler.home().join("state/ostler/device.key");
    for (path, mode, state, words) in [
        (ostler.store(), 0o755, "warning", "others may look into"),
        (ostler.store().join("recordings"), 0o770, "bad", "others may write"),
        (ostler.store().join("store.db"), 0o640, "warning", "store.db"),
        (ostler.home().join("state/ostler/log/ostler.log"), 0o604, "warning", "ostler.log"),
        (key.with_file_name("stores"), 0o702, "bad", "others may write"),
    ] {
        let before = fs::metadata(&path)?.permissions().mode();
        set_mode(&path, mode)?;
        let found = told(&ostler, "permissions")?;
        assert!(found.0 == state && found.1.contains(words), "{found:?}");
        // The advice is a command that mends it.
        #[expect(clippy::disallowed_methods, reason = "the test does what it is told")]
        let mended = std::process::Command::new("sh").args(["-c", &found.2]).status()?;
        assert!(mended.success(), "{}", found.2);
        assert_eq!(told(&ostler, "permissions")?.0, "good", "{}", found.2);
        set_mode(&path, before)?;
    }
    let config = ostler.home().join("config/ostler");
    fs::create_dir_all(&config)?;
    place(&ostler, &config.join("config.toml"), "")?;
    set_mode(&config.join("config.toml"), 0o644)?;
    assert_eq!(told(&ostler, "permissions")?.0, "good", "a configuration holds no secret");
    set_mode(&config.join("config.toml"), 0o666)?;
    assert_eq!(told(&ostler, "permissions")?.0, "bad");
    Ok(())
}

#[test]
fn a_store_that_is_older_than_it_was_or_damaged_does_not_pass() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["store", "backup", "old.db"])?.succeeded()?;
    ostler.run(&["folder", "add", "New"])?.succeeded()?;
    assert_eq!(told(&ostler, "history")?.0, "good");
    let present = fs::read(ostler.store().join("store.db"))?;
    fs::copy(ostler.work().join("old.db"), ostler.store().join("store.db"))?;
    let older = told(&ostler, "history")?;
    assert!(older.0 == "bad" && older.2.contains("restore --present"), "{older:?}");
    assert_eq!(ostler.run(&["doctor"])?.code, 1);

    place(&ostler, &ostler.store().join("store.db"), present.get(..present.len() / 2).unwrap_or_default())?;
    let doctor = ostler.run(&["doctor", "--json"])?;
    assert_eq!(doctor.code, 1);
    let states = doctor.text();
    assert!(states.contains("ostler store restore FILE"), "{states}");
    // What needs no keys is checked where the store can't be opened, too.
    assert_eq!(check(&doctor, "audit log")?["state"], "good");
    Ok(())
}

#[test]
fn stores_that_were_set_aside_are_told() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(told(&ostler, "leftovers")?.0, "good");
    ostler.run(&["store", "backup", "old.db"])?.succeeded()?;
    ostler.run(&["store", "restore", "old.db", "--yes"])?.succeeded()?;
    let left = told(&ostler, "leftovers")?;
    assert!(left.0 == "warning" && left.1.contains("store.db.old-") && left.2.contains("remove"), "{left:?}");
    let inside = fs::read_dir(ostler.store())?.filter_map(Result::ok).map(|entry| entry.path());
    for path in inside.filter(|path| path.display().to_string().contains("store.db.old-")) {
        fs::remove_file(path)?;
    }
    assert_eq!(told(&ostler, "leftovers")?.0, "good");
    ostler.run(&["store", "create", "--replace", "--yes"])?.succeeded()?;
    let left = told(&ostler, "leftovers")?;
    assert!(left.0 == "warning" && left.1.contains("store.old-"), "{left:?}");
    Ok(())
}

#[test]
fn an_audit_log_that_was_changed_does_not_pass() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let log = ostler.store().join("audit/log");
    let mut bytes = fs::read(&log)?;
    if let Some(byte) = bytes.get_mut(20) {
        *byte ^= 1;
    }
    place(&ostler, &log, bytes)?;
    let found = told(&ostler, "audit log")?;
    assert!(found.0 == "bad" && found.2.contains("find out who changed it"), "{found:?}");
    Ok(())
}

#[test]
fn a_clock_that_was_set_back_is_told() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(told(&ostler, "clock")?.0, "good");
    let back = ostler.command_under("faketime", &["-f", "-2d"], &["doctor", "--json"]).output()?;
    let found = check(&Output::from(back), "clock")?;
    assert_eq!(found["state"], "warning", "{found}");
    assert!(found["finding"].as_str().is_some_and(|finding| finding.contains("was set back")), "{found}");
    // The sign-in at the wrong time was a jump, which stays known.
    let later = told(&ostler, "clock")?;
    assert!(later.0 == "warning" && later.1.contains("jumped"), "{later:?}");
    Ok(())
}

#[test]
fn a_recording_that_was_cut_off_is_told() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.on_server("echo one")?.succeeded()?;
    assert_eq!(told(&bench.ostler, "recordings")?.0, "good");
    let folder = fs::read_dir(bench.ostler.store().join("recordings"))?.filter_map(Result::ok).next();
    let folder = folder.map(|entry| entry.path()).unwrap_or_default();
    // The last segment has the end of the session in it.
    let mut segments: Vec<_> =
        fs::read_dir(&folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    segments.sort();
    segments.retain(|path| !path.ends_with("header"));
    fs::remove_file(segments.last().map(std::path::PathBuf::as_path).unwrap_or(&folder))?;
    let found = told(&bench.ostler, "recordings")?;
    assert!(found.0 == "warning" && found.1.contains("1 of 1 recordings were cut off"), "{found:?}");
    Ok(())
}

#[test]
fn plugins_that_may_not_run_or_cant_are_told() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(told(&ostler, "plugins")?.0, "good");
    ostler.run(&["plugin", "disable", "ostler.importer-csv"])?.succeeded()?;
    let found = told(&ostler, "plugins")?;
    assert!(found.0 == "good" && found.1.contains("disabled: ostler.importer-csv"), "{found:?}");
    for launcher in ["ostler.launcher-ssh", "ostler.launcher-telnet", "ostler.launcher-vnc"] {
        ostler.run(&["plugin", "disable", launcher])?.succeeded()?;
    }
    let found = told(&ostler, "plugins")?;
    assert!(found.0 == "warning" && found.2.contains("plugin enable"), "{found:?}");
    ostler.run(&["plugin", "enable", "ostler.launcher-ssh"])?.succeeded()?;
    place(&ostler, &ostler.store().join("plugins/broken.wasm"), "no plugin")?;
    let found = told(&ostler, "plugins")?;
    assert!(found.0 == "bad" && found.1.contains("broken.wasm"), "{found:?}");
    Ok(())
}

#[test]
fn a_process_that_holds_the_store_unlocked_is_told_and_so_is_one_of_another_build() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert!(told(&ostler, "unlocked store")?.1.contains("no process"));
    ostler.run(&["unlock"])?.succeeded()?;
    let held = told(&ostler, "unlocked store")?;
    assert!(held.0 == "good" && held.1.contains("holds the store unlocked"), "{held:?}");
    ostler.run(&["lock"])?.succeeded()?;

    // A program whose file was changed since is another build.
    let program = ostler.work().join("ostler");
    fs::copy(ostler.program(), &program)?;
    let run = |words: &[&str]| -> anyhow::Result<Output> {
        #[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
        let mut command = std::process::Command::new(&program);
        command.args(words).env_clear().envs(ostler.environment()).env("OSTLER_BATCH", "1");
        Ok(command.current_dir(ostler.work()).output()?.into())
    };
    run(&["unlock"])?.succeeded()?;
    fs::File::open(&program)?.set_modified(std::time::UNIX_EPOCH)?;
    let foreign = check(&run(&["doctor", "--json"])?, "unlocked store")?;
    assert_eq!(foreign["state"], "warning", "{foreign}");
    assert!(foreign["advice"].as_str().is_some_and(|advice| advice.contains("ostler lock")), "{foreign}");
    run(&["lock"])?.succeeded()?;
    // It was asked by a signal, which it follows when it gets to it.
    let locked = |_| Ok(check(&run(&["doctor", "--json"])?, "unlocked store")?["state"] == "good");
    let tries: anyhow::Result<Vec<bool>> =
        (0..20).map(locked).take_while(|seen| !matches!(seen, Ok(true))).collect();
    assert!(tries?.len() < 20, "it holds the store unlocked still");
    Ok(())
}
