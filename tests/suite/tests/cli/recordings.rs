//! What is left of sessions: recordings and the audit log.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use ostler_suite::Bench;
use serde_json::{Value, json};

/// Runs a command and returns its recording, the newest one.
fn recorded(bench: &Bench, command: &str) -> anyhow::Result<(Value, String)> {
    bench.on_server(command)?;
    let list = bench.ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    let newest = list.as_array().and_then(|all| all.iter().find(|one| one["command"] == command)).cloned();
    let newest = newest.with_context(|| format!("'{command}' was not recorded: {list}"))?;
    let id = newest.get("id").and_then(Value::as_str).context("no id")?.to_owned();
    Ok((newest, id))
}

/// Returns the largest file below a directory whose path contains a word.
fn largest(directory: &Path, word: &str) -> anyhow::Result<PathBuf> {
    let mut found: Option<(u64, PathBuf)> = None;
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let length = entry.metadata()?.len();
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else if entry.path().to_string_lossy().contains(word)
                && found.as_ref().is_none_or(|(most, _)| *most < length)
            {
                found = Some((length, entry.path()));
            }
        }
    }
    found
        .map(|(_, path)| path)
        .with_context(|| format!("nothing below {} fits '{word}'", directory.display()))
}

/// Flips one bit in the middle of a file.
fn damage(file: &Path) -> anyhow::Result<()> {
    let mut bytes = fs::read(file)?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).context("the file is empty")? ^= 1;
    fs::remove_file(file)?;
    let mut options = fs::OpenOptions::new();
    std::io::Write::write_all(&mut options.create_new(true).write(true).open(file)?, &bytes)?;
    Ok(())
}

#[test]
fn a_session_is_recorded_listed_played_exported_and_verified() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let (recording, id) = recorded(&bench, "echo for the record")?;
    let fields: BTreeSet<&str> =
        recording.as_object().map(|fields| fields.keys().map(String::as_str).collect()).unwrap_or_default();
    let expected = [
        "bytes",
        "command",
        "connection",
        "duration_seconds",
        "id",
        "problem",
        "started",
        "state",
        "surface",
        "target",
        "type",
        "user",
    ];
    assert_eq!(fields, expected.into());
    assert_eq!(
        (&recording["state"], &recording["connection"]),
        (&json!("complete"), &json!(Bench::CONNECTION))
    );

    let beginning: String = id.chars().take(12).collect();
    let played =
        ostler.run(&["recording", "play", &beginning, "--speed", "100", "--idle-limit", "0"])?.succeeded()?;
    assert_eq!(played.text(), "for the record\n");
    assert_eq!(played.stderr, "");

    let export = ["recording", "export", &id, "--format", "asciicast", "--out", "session.cast"];
    ostler.run(&export)?.succeeded()?;
    let cast = fs::read_to_string(ostler.work().join("session.cast"))?;
    let mut lines = cast.lines().map(serde_json::from_str::<Value>);
    assert_eq!(lines.next().context("no header")??["version"], 3);
    assert!(cast.contains("for the record"), "{cast}");
    ostler.run(&export)?.failed(8, "session.cast")?;

    let verified = ostler.run(&["recording", "verify", &id, "--json"])?.succeeded()?.json()?;
    assert_eq!((&verified[0]["state"], &verified[0]["audited"]), (&json!("complete"), &json!(true)));
    ostler.run(&["recording", "play", "zz"])?.failed(1, "there is no recording 'zz'")?;
    Ok(())
}

#[test]
fn a_damaged_or_missing_recording_is_named_and_a_deleted_one_is_not() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let (_, damaged) = recorded(&bench, "echo one")?;
    let (_, missing) = recorded(&bench, "echo two")?;
    let (_, deleted) = recorded(&bench, "echo three")?;
    ostler.run(&["recording", "verify"])?.succeeded()?;

    ostler.run(&["recording", "delete", &deleted])?.failed(1, "must be confirmed")?;
    ostler.run(&["recording", "delete", &deleted, "--yes"])?.succeeded()?;
    damage(&largest(&ostler.store().join("recordings"), &damaged)?)?;
    for entry in fs::read_dir(ostler.store().join("recordings"))? {
        let path = entry?.path();
        if path.to_string_lossy().contains(&missing) {
            fs::remove_dir_all(path)?;
        }
    }
    let verified = ostler.run(&["recording", "verify", "--json"])?;
    assert_eq!(verified.code, 7, "{}", verified.stderr);
    let list = verified.json()?;
    let states: BTreeSet<(String, String)> = list
        .as_array()
        .context("no list")?
        .iter()
        .map(|one| {
            (
                one["id"].as_str().unwrap_or_default().to_owned(),
                one["state"].as_str().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    assert_eq!(states, [(damaged.clone(), "damaged".to_owned()), (missing, "missing".to_owned())].into());
    let words = ostler.run(&["recording", "verify", &damaged])?;
    assert!(words.code == 7 && words.text().contains("damaged"), "{} {}", words.code, words.text());
    Ok(())
}

#[test]
fn the_audit_log_tells_verifies_and_continues_its_anchor() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let anchor = ostler.run(&["audit", "checkpoint"])?.succeeded()?;
    ostler.file("anchor", &anchor.stdout)?;
    bench.on_server("echo x")?.succeeded()?;
    let verified = ostler.run(&["audit", "verify", "--anchor", "anchor", "--json"])?.succeeded()?.json()?;
    assert_eq!(verified["anchored"], true);
    ostler.run(&["audit", "verify"])?.succeeded()?;

    let events = ostler.run(&["audit", "show", "--json"])?.succeeded()?.json()?;
    let classes: Vec<&str> =
        events.as_array().context("no list")?.iter().filter_map(|event| event["class"].as_str()).collect();
    let at = |class: &str| classes.iter().position(|known| *known == class);
    assert!(
        at("vault.create") < at("connection.create") && at("connection.create") < at("session.start"),
        "{classes:?}"
    );
    assert!(at("session.start").is_some() && at("session.start") < at("session.end"), "{classes:?}");
    assert!(!events.to_string().contains(Bench::PASSWORD));
    assert_eq!(
        ostler.run(&["audit", "show", "--last", "1", "--json"])?.json()?.as_array().map(Vec::len),
        Some(1)
    );

    damage(&ostler.store().join("audit").join("log"))?;
    let broken = ostler.run(&["audit", "verify"])?;
    assert!(broken.code == 7 && broken.stderr.contains("error:"), "{} {}", broken.code, broken.stderr);
    Ok(())
}

#[test]
fn a_recording_is_played_in_a_terminal_that_is_put_back_afterwards() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", "cat"];
    bench.ostler.run_with_input(&words, b"\x1b[?25lhidden cursor\x1b[31m")?.succeeded()?;
    let list = bench.ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    let id = list[0]["id"].as_str().context("no recording")?.to_owned();
    let mut terminal = bench.ostler.terminal(&["recording", "play", &id, "--speed", "100"], 80, 24)?;
    let before = terminal.modes()?;
    terminal.wait_for("hidden cursor")?;
    assert_eq!(terminal.end()?, 0);
    assert_eq!(terminal.modes()?, before);
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    assert!(raw.rfind("\u{1b}[?25h") > raw.rfind("\u{1b}[?25l"), "{raw:?}");
    assert!(raw.rfind("\u{1b}[0m") > raw.rfind("\u{1b}[31m"), "{raw:?}");
    Ok(())
}
