//! Exporting: what comes back as it was, what others read, and where secrets go.

use std::fs;

use ostler_suite::Ostler;
use serde_json::{Value, json};

/// A store with a bit of everything.
fn filled() -> anyhow::Result<Ostler> {
    let ostler = Ostler::with_store()?;
    ostler.file("password", "the-pass\"word")?;
    ostler.file("folder-password", "of-the-folder")?;
    let words = ["folder", "add", "Customers", "--note", "All of them", "--set", "ssh.keepalive-seconds=60"];
    let login = ["--user", "shared", "--password-file", "folder-password"];
    ostler.run(&[&words[..], &login].concat())?.succeeded()?;
    ostler.run(&["folder", "add", "Customers/Empty"])?.succeeded()?;
    let at = ["--type", "ssh", "--host", "web.example", "--port", "2222", "--folder", "Customers"];
    let login = ["--user", "anna", "--domain", "ACME", "--password-file", "password"];
    let more =
        ["--note", "two\nlines", "--tag", "a", "--tag", "b", "--field", "rack=7", "--set", "ssh.command=top"];
    ostler.run(&[&["connection", "add", "web 1"][..], &at, &login, &more].concat())?.succeeded()?;
    ostler
        .run(&[
            "connection",
            "add",
            "inherits",
            "--type",
            "ssh",
            "--host",
            "10.0.0.7",
            "--folder",
            "Customers",
        ])?
        .succeeded()?;
    let rdp =
        ["--type", "rdp", "--host", "fd00::7", "--credential", "none", "--set", "rdp.desktop-width=1280"];
    ostler.run(&[&["connection", "add", "dc1"][..], &rdp].concat())?;
    Ok(ostler)
}

fn read(ostler: &Ostler, file: &str) -> anyhow::Result<Value> {
    let mut export: Value = serde_json::from_slice(&fs::read(ostler.work().join(file))?)?;
    for connection in export.get_mut("connections").and_then(Value::as_array_mut).into_iter().flatten() {
        connection.as_object_mut().map(|connection| connection.remove("id"));
    }
    Ok(export)
}

#[test]
fn an_export_with_secrets_comes_back_as_it_was() -> anyhow::Result<()> {
    let ostler = filled()?;
    let said = ostler.run(&["export", "all.json", "--with-secrets", "--json"])?.succeeded()?;
    assert!(said.stderr.contains("clear text"), "{}", said.stderr);
    assert_eq!(said.json()?["secrets"], 2);
    let first = read(&ostler, "all.json")?;
    assert_eq!(
        first["connections"][1]["credential"]["local"]["secrets"]["password"], "the-pass\"word",
        "{first}"
    );

    let other = Ostler::with_store()?;
    other.file("all.json", fs::read(ostler.work().join("all.json"))?)?;
    let report = other.run(&["import", "all.json", "--json"])?.succeeded()?.json()?;
    assert_eq!(
        (&report["plugin"], &report["problems"]),
        (&json!("ostler.importer-json"), &json!([])),
        "{report}"
    );
    other.run(&["export", "again.json", "--with-secrets"])?.succeeded()?;
    assert_eq!(read(&other, "again.json")?, first);
    let again = other.run(&["import", "all.json", "--json"])?.succeeded()?.json()?;
    assert_eq!((&again["created"], &again["updated"]), (&json!([]), &json!([])), "{again}");
    Ok(())
}

#[test]
fn without_being_asked_no_secret_leaves_and_what_is_missing_is_named() -> anyhow::Result<()> {
    let ostler = filled()?;
    let report =
        ostler.run(&["export", "all.json", "--folder", "Customers", "--json"])?.succeeded()?.json()?;
    assert_eq!((&report["secrets"], &report["folders"]), (&json!(0), &json!(2)));
    let text = fs::read_to_string(ostler.work().join("all.json"))?;
    assert!(!text.contains("the-pass") && !text.contains("of-the-folder"), "{text}");
    let other = Ostler::with_store()?;
    other.file("all.json", &text)?;
    let report = other.run(&["import", "all.json", "--json"])?.succeeded()?.json()?;
    let missing = report["problems"].as_array().map_or(0, |problems| {
        problems
            .iter()
            .filter(|problem| problem["reason"].to_string().contains("without its secrets"))
            .count()
    });
    assert_eq!(missing, 2, "{report}");

    ostler.run(&["export", "all.json"])?.failed(8, "all.json")?;
    assert_eq!(fs::read_to_string(ostler.work().join("all.json"))?, text, "what is there is not replaced");
    let events = ostler.run(&["audit", "show", "--event", "export", "--json"])?.succeeded()?.json()?;
    assert_eq!(events[0]["details"]["secrets"], "0", "{events}");
    ostler.run(&["export", "what"])?.failed(1, "--format")?;
    Ok(())
}

#[test]
fn a_table_is_the_same_on_the_second_pass() -> anyhow::Result<()> {
    let ostler = filled()?;
    ostler.run(&["export", "list.csv", "--with-secrets"])?.succeeded()?;
    let table = |ostler: &Ostler, file: &str| -> anyhow::Result<Vec<Vec<String>>> {
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_path(ostler.work().join(file))?;
        let cells = |row: csv::StringRecord| row.iter().take(11).map(str::to_owned).collect();
        rows.records().map(|row| Ok(cells(row?))).collect()
    };
    let first = table(&ostler, "list.csv")?;
    assert!(first.iter().any(|row| row[8] == "the-pass\"word"), "{first:?}");
    let other = Ostler::with_store()?;
    other.file("list.csv", fs::read(ostler.work().join("list.csv"))?)?;
    let report = other.run(&["import", "list.csv", "--json"])?.succeeded()?.json()?;
    assert_eq!(report["plugin"], "ostler.importer-csv", "{report}");
    other.run(&["export", "again.csv", "--with-secrets"])?.succeeded()?;
    assert_eq!(table(&other, "again.csv")?, first);
    Ok(())
}

/// What OpenSSH itself makes of a host.
fn by_openssh(ostler: &Ostler, file: &str, alias: &str) -> anyhow::Result<Vec<String>> {
    #[expect(clippy::disallowed_methods, reason = "tests start other programs")]
    let output = std::process::Command::new("ssh")
        .args(["-G", "-F"])
        .arg(ostler.work().join(file))
        .arg(alias)
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

#[test]
fn the_hosts_of_a_configuration_come_in_as_openssh_sees_them() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let cases =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/importer-ssh-config/cases");
    ostler.file("config", fs::read(cases.join("hosts-and-defaults/input.config"))?)?;
    let report = ostler.run(&["import", "config", "--json"])?.succeeded()?.json()?;
    assert_eq!(report["plugin"], "ostler.importer-ssh-config", "{report}");
    let names = report["created"].as_array().cloned().unwrap_or_default();
    assert_eq!(names.len(), 4, "{report}");
    for name in names.iter().filter_map(Value::as_str) {
        let shown = ostler.run(&["connection", "show", name, "--json"])?.succeeded()?.json()?;
        let user = shown["credential"]["user"].as_str().unwrap_or_default();
        let host = shown["host"].as_str().unwrap_or_default();
        let keepalive = &shown["settings"]["ssh.keepalive-seconds"];
        let peer = by_openssh(&ostler, "config", name)?;
        for expected in [
            format!("hostname {host}"),
            format!("port {}", shown["port"]),
            format!("user {user}"),
            format!("serveraliveinterval {keepalive}"),
        ] {
            assert!(peer.contains(&expected), "{name}: {expected:?} is not in {peer:?}");
        }
    }
    let again = ostler.run(&["import", "config", "--json"])?.succeeded()?.json()?;
    assert_eq!(again["present"].as_array().map(Vec::len), Some(4), "{again}");
    Ok(())
}

#[test]
fn openssh_reads_the_configuration_and_other_types_are_named() -> anyhow::Result<()> {
    let ostler = filled()?;
    let report =
        ostler.run(&["export", "config", "--format", "ssh-config", "--json"])?.succeeded()?.json()?;
    assert_eq!(report["left_out"], json!([["dc1", "its type is 'rdp'"]]), "{report}");
    for (alias, expected) in [
        ("web-1", ["hostname web.example", "port 2222", "user anna", "serveraliveinterval 60"]),
        ("inherits", ["hostname 10.0.0.7", "port 22", "user shared", "serveraliveinterval 60"]),
    ] {
        let said = by_openssh(&ostler, "config", alias)?;
        assert!(expected.iter().all(|line| said.iter().any(|own| own == line)), "{alias}: {said:?}");
    }
    Ok(())
}

#[test]
fn one_rdp_connection_is_a_file_for_other_clients() -> anyhow::Result<()> {
    let ostler = filled()?;
    ostler.run(&["export", "dc1.rdp", "--connection", "dc1"])?.succeeded()?;
    let bytes = fs::read(ostler.work().join("dc1.rdp"))?;
    let units: Vec<u16> = bytes.as_chunks().0.iter().copied().map(u16::from_le_bytes).collect();
    let text = String::from_utf16(&units)?;
    assert!(text.starts_with("\u{feff}full address:s:[fd00::7]:3389\r\n"), "{text}");
    let other = Ostler::with_store()?;
    other.file("dc1.rdp", &bytes)?;
    let report = other.run(&["import", "dc1.rdp", "--option", "name=dc1", "--json"])?.succeeded()?.json()?;
    assert_eq!(
        (&report["plugin"], &report["created"]),
        (&json!("ostler.importer-rdp-file"), &json!(["dc1"])),
        "{report}"
    );
    other.run(&["export", "again.rdp", "--connection", "dc1"])?.succeeded()?;
    assert_eq!(fs::read(other.work().join("again.rdp"))?, bytes, "the same on the second pass");
    ostler.run(&["export", "web.rdp", "--connection", "web 1"])?.failed(1, "holds an RDP connection")?;
    ostler.run(&["export", "all.rdp"])?.failed(1, "--connection")?;
    Ok(())
}
