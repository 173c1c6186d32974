//! The configuration file: shown with its sources, changed key by key, checked, edited.

use ostler_suite::Ostler;

const FILE: &str = "# Ours.\n[log]\nlevel = \"warn\"  # quiet\n\n[policy]\ndeny-kinds = [\"vnc\"]\n";

/// A world whose configuration file is in its place, and that file's path.
fn world(text: &str) -> anyhow::Result<(Ostler, std::path::PathBuf)> {
    let ostler = Ostler::new()?;
    let file = ostler.home().join("config").join("ostler").join("config.toml");
    std::fs::create_dir_all(file.parent().unwrap_or(&file))?;
    std::fs::copy(ostler.file("config.toml", text)?, &file)?;
    Ok((ostler, file))
}

#[test]
fn what_stands_in_the_file_and_can_not_be_used_is_found_by_the_check_and_stops_nothing_else()
-> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["config", "set", "network.inbound-listen", "0.0.0.0:8443"])?.succeeded()?;
    ostler.run(&["config", "check"])?.failed(1, "needs network.inbound-certificate")?;
    assert!(ostler.run(&["doctor"])?.text().contains("needs network.inbound-certificate"));
    ostler.file("list.csv", "name,host\ndb1,db1.example\n")?;
    ostler.run(&["import", "list.csv", "--type", "ssh"])?.succeeded()?;
    Ok(())
}

#[test]
fn each_value_is_shown_with_its_source() -> anyhow::Result<()> {
    let (ostler, _) = world(FILE)?;
    let shown = ostler.run(&["config", "show"])?.succeeded()?.text();
    for line in [
        "log.level = \"debug\"  (OSTLER_LOG)",
        "unlock.for = \"8h\"  (default)",
        "policy.deny-kinds = [\"vnc\"]  (file)",
        "policy.record = \"by-setting\"  (default)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line} in:\n{shown}");
    }
    assert!(shown.contains("(--store or OSTLER_STORE)"), "{shown}");
    let json = ostler.run(&["config", "show", "--json"])?.succeeded()?.json()?;
    assert_eq!(
        (&json["sources"]["policy.deny-kinds"], &json["unlock"]["idle"]),
        (&"file".into(), &"30m".into())
    );
    Ok(())
}

#[test]
fn a_key_is_read_set_and_removed_and_the_rest_of_the_file_stays() -> anyhow::Result<()> {
    let (ostler, file) = world(FILE)?;
    let get = |key: &str| anyhow::Ok(ostler.run(&["config", "get", key])?.succeeded()?.text());
    ostler.run(&["config", "set", "unlock.idle", "10m"])?.succeeded()?;
    ostler.run(&["config", "set", "settings.\"ssh.keepalive-seconds\"", "60"])?.succeeded()?;
    assert_eq!(
        (get("unlock.idle")?.as_str(), get("settings")?.as_str()),
        ("10m\n", "\"ssh.keepalive-seconds\" = 60\n")
    );
    let text = std::fs::read_to_string(&file)?;
    assert!(text.starts_with(FILE) && text.contains("[unlock]\nidle = \"10m\"\n"), "{text}");
    ostler.run(&["config", "unset", "unlock.idle"])?.succeeded()?;
    ostler.run(&["config", "unset", "settings.\"ssh.keepalive-seconds\""])?.succeeded()?;
    assert_eq!(std::fs::read_to_string(&file)?, FILE);
    assert_eq!(get("unlock.idle")?, "30m\n");

    for (words, complaint) in [
        (&["set", "log.level", "loud"][..], "log.level: unknown variant"),
        (&["set", "log.levle", "info"][..], "unknown field `levle`"),
        (&["get", "log.levle"][..], "there is no key 'log.levle'; there are: log.level"),
        (&["unset", "unlock.for"][..], "does not set 'unlock.for'"),
    ] {
        ostler.run(&[&["config"], words].concat())?.failed(1, complaint)?;
    }
    assert_eq!(std::fs::read_to_string(&file)?, FILE);
    Ok(())
}

#[test]
fn a_file_is_made_where_there_is_none() -> anyhow::Result<()> {
    let ostler = Ostler::new()?;
    assert!(ostler.run(&["config", "check"])?.succeeded()?.text().contains("defaults hold"));
    ostler.run(&["config", "set", "log.level", "trace"])?.succeeded()?;
    let path = ostler.run(&["config", "path"])?.text();
    assert_eq!(std::fs::read_to_string(path.trim_end())?, "[log]\nlevel = \"trace\"\n");
    Ok(())
}

#[test]
fn a_wrong_file_is_named_by_line_and_column_and_can_be_mended() -> anyhow::Result<()> {
    let (ostler, file) = world("[log]\nlevle = \"warn\"\n")?;
    ostler.run(&["config", "check"])?.failed(1, "line 2, column 1: unknown field `levle`")?;
    ostler.run(&["config", "set", "log.level", "info"])?.failed(1, "line 2, column 1")?;
    ostler.run(&["config", "check", "/nobody/has/this"])?.succeeded()?;
    let edit = |script: &str| ostler.command(&["config", "edit"]).env("VISUAL", script).output();
    // An editor that fails, one that mends nothing, and one that mends it.
    let refused = ostler_suite::Output::from(edit("false")?).failed(1, "the editor 'false' failed")?;
    assert!(refused.stderr.contains("config.toml.edit"), "{}", refused.stderr);
    ostler_suite::Output::from(edit("sed -i 's/warn/error/'")?).failed(1, "line 2, column 1")?;
    assert!(std::fs::read_to_string(&file)?.contains("levle = \"warn\""), "the file is as it was");
    let done = ostler_suite::Output::from(edit("sed -i 's/levle/level/'")?).succeeded()?;
    assert!(done.stderr.contains("going on with what was kept"), "{}", done.stderr);
    assert_eq!(std::fs::read_to_string(&file)?, "[log]\nlevel = \"error\"\n");
    assert!(!file.with_file_name("config.toml.edit").exists());
    Ok(())
}
