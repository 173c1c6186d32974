//! The words themselves: help, usage, configuration, colors, places, and where there is nobody to read.

use std::io::Read as _;
use std::process::Stdio;

use ostler_suite::Ostler;

const VERBS: [&str; 12] = [
    "store",
    "folder",
    "connection",
    "tree",
    "import",
    "connect",
    "recording",
    "audit",
    "plugin",
    "host-key",
    "config",
    "doctor",
];

#[test]
fn every_verb_has_help_and_the_last_word_of_each_has_examples() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let all = ostler.run(&["--help"])?.succeeded()?.text();
    for verb in VERBS {
        assert!(all.contains(verb), "{verb}");
        let help = ostler.run(&[verb, "--help"])?.succeeded()?.text();
        let subverbs =
            help.split_once("Commands:").and_then(|(_, rest)| rest.split_once("\n\n")).map(|(list, _)| {
                list.lines().filter_map(|line| line.split_whitespace().next()).collect::<Vec<_>>()
            });
        match subverbs {
            None => assert!(help.contains("Examples:"), "{verb}"),
            Some(subverbs) => {
                for subverb in subverbs.into_iter().filter(|subverb| *subverb != "help") {
                    let help = ostler.run(&[verb, subverb, "--help"])?.succeeded()?.text();
                    assert!(help.contains("Examples:"), "{verb} {subverb}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn words_that_make_no_sense_are_code_2() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    ostler.run(&["frobnicate"])?.failed(2, "unrecognized subcommand")?;
    ostler.run(&["connect"])?.failed(2, "CONNECTION")?;
    ostler.run(&["connect", "x", "-t"])?.failed(2, "--")?;
    ostler.run(&["recording", "play", "x", "--speed", "0"])?.failed(2, "expected a number above 0")?;
    Ok(())
}

#[test]
fn a_mistake_in_the_configuration_is_named_with_its_line() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let file = ostler.file("config.toml", "[log]\nlevel = \"debug\"\n\n[policy]\nrecrod = \"always\"\n")?;
    let path = file.display().to_string();
    let wrong = ostler.run(&["--config", &path, "config", "show"])?.failed(1, "line 5")?;
    assert!(wrong.stderr.contains("recrod") && wrong.stderr.contains(&path), "{}", wrong.stderr);
    ostler.run(&["--config", "missing.toml", "config", "show"])?.failed(8, "missing.toml")?;
    Ok(())
}

#[test]
fn the_configuration_in_effect_is_shown_without_a_passphrase() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let file = ostler
        .file("config.toml", "[settings]\n\"ssh.keepalive-seconds\" = 7\n[policy]\nrecord = \"always\"\n")?;
    let path = file.display().to_string();
    let shown = ostler.run(&["config", "show", "--json", "--config", &path])?.succeeded()?.json()?;
    assert_eq!(shown["settings"]["ssh.keepalive-seconds"], 7);
    assert_eq!(shown["policy"]["record"], "always");
    assert_eq!(shown["log"]["level"], "debug");
    assert_eq!(shown["places"]["store"], ostler.store().display().to_string());
    assert!(shown["places"]["log"].as_str().is_some_and(|log| log.ends_with("state/ostler/log/ostler.log")));
    let words = ostler.run(&["config", "show", "--config", &path])?.succeeded()?.text();
    assert!(words.contains("settings.\"ssh.keepalive-seconds\" = 7  (file)\n"), "{words}");
    assert_eq!(ostler.run(&["config", "path"])?.text().trim_end().rsplit('/').next(), Some("config.toml"));
    Ok(())
}

#[test]
fn a_word_that_is_no_log_level_is_warned_about() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let output = ostler.command(&["config", "path"]).env("OSTLER_LOG", "russh=trace").output()?;
    assert!(String::from_utf8_lossy(&output.stderr).contains("'russh=trace' is no level"));
    assert!(output.status.success());
    Ok(())
}

#[test]
fn colors_are_used_when_wanted_only() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let plain = ostler.run(&["store", "verify"])?.succeeded()?;
    assert!(!plain.stdout.contains(&0x1b));
    let colored = ostler.run(&["--color", "always", "store", "verify"])?.succeeded()?;
    assert!(colored.stdout.contains(&0x1b));
    Ok(())
}

#[test]
fn a_reader_that_goes_away_is_no_error() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let mut child = ostler.command(&["store", "info"]).spawn()?;
    drop(child.stdout.take());
    let mut complaint = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut complaint)?;
    }
    assert_eq!((child.wait()?.code(), complaint.as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn the_doctor_says_what_is_missing_and_what_to_do() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let found = ostler.run(&["doctor", "--json"])?;
    assert_eq!(found.code, 1);
    let checks = found.json()?;
    let sign_in =
        checks.as_array().and_then(|all| all.iter().find(|check| check["name"] == "sign-in").cloned());
    let sign_in = sign_in.unwrap_or_default();
    assert_eq!(sign_in["state"], "bad");
    assert!(
        sign_in["advice"].as_str().is_some_and(|advice| advice.contains("ostler store create")),
        "{sign_in}"
    );
    Ok(())
}

#[test]
fn without_home_the_missing_variable_is_named() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    let output = ostler.command(&["config", "path"]).env_clear().stdin(Stdio::null()).output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(8));
    assert!(stderr.contains("XDG_STATE_HOME") && stderr.contains("hint:"), "{stderr}");
    Ok(())
}
