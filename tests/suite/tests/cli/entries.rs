//! Folders and connections: their life, and what is refused.

use std::collections::BTreeSet;

use ostler_suite::Ostler;
use serde_json::{Value, json};

/// Returns the paths of all connections.
fn paths(ostler: &Ostler) -> anyhow::Result<Vec<String>> {
    let list = ostler.run(&["connection", "list", "--json"])?.succeeded()?.json()?;
    let all = list.as_array().cloned().unwrap_or_default();
    Ok(all.iter().filter_map(|connection| connection["path"].as_str()).map(str::to_owned).collect())
}

#[test]
fn a_search_lists_the_best_first_and_keeps_to_the_folder() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    for (name, host, folder) in
        [("web", "db.example", "Acme"), ("db1", "a.example", "Acme"), ("prod-db", "b.example", "Other")]
    {
        let words = ["connection", "add", name, "--type", "ssh", "--host", host, "--folder", folder];
        ostler.run(&words)?.succeeded()?;
    }
    let found = |words: &[&str]| -> anyhow::Result<Vec<String>> {
        let words = [&["connection", "list", "--json", "--search"], words].concat();
        let list = ostler.run(&words)?.succeeded()?.json()?;
        let all = list.as_array().cloned().unwrap_or_default();
        Ok(all.iter().filter_map(|found| found["path"].as_str()).map(str::to_owned).collect())
    };
    assert_eq!(found(&["DB"])?, ["Acme/db1", "Other/prod-db", "Acme/web"]);
    assert_eq!(found(&["db", "--folder", "Acme"])?, ["Acme/db1", "Acme/web"]);
    assert_eq!(found(&["acme example web"])?, ["Acme/web"]);
    assert!(found(&["nowhere"])?.is_empty());
    Ok(())
}

#[test]
fn a_connection_is_added_shown_changed_copied_moved_and_deleted() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("password", "s3cret-in-a-file\n")?;
    let added = ostler
        .run(&[
            "connection",
            "add",
            "db1",
            "--type",
            "ssh",
            "--host",
            "db1.example",
            "--port",
            "2222",
            "--user",
            "admin",
            "--password-file",
            "password",
            "--folder",
            "Customers/Acme",
            "--tag",
            "prod",
            "--field",
            "owner=me",
            "--set",
            "ssh.keepalive-seconds=30",
            "--set",
            "a.flag=true",
            "--set",
            "a.text=1.5",
            "--note",
            "by hand",
            "--json",
        ])?
        .succeeded()?
        .json()?;
    assert_eq!(added["path"], "Customers/Acme/db1");
    assert_eq!(added["settings"], json!({ "a.flag": true, "a.text": "1.5", "ssh.keepalive-seconds": 30 }));
    assert_eq!(added["credential"]["secrets"], json!(["password"]));
    assert!(!added.to_string().contains("s3cret"));

    let words = [
        "connection",
        "edit",
        "db1",
        "--port",
        "22",
        "--unset",
        "a.text",
        "--untag",
        "prod",
        "--tag",
        "test",
    ];
    ostler.run(&words)?.succeeded()?;
    let shown = ostler.run(&["connection", "show", "Customers/Acme/db1", "--json"])?.succeeded()?.json()?;
    assert_eq!((&shown["port"], &shown["tags"]), (&json!(22), &json!(["test"])));
    assert_eq!((&shown["host"], &shown["settings"]["a.text"]), (&json!("db1.example"), &Value::Null));

    ostler.run(&["connection", "copy", "db1", "db2", "--folder", "Copies"])?.succeeded()?;
    ostler.run(&["connection", "move", "db1", "--into", "/"])?.succeeded()?;
    assert_eq!(paths(&ostler)?, ["Copies/db2", "db1"]);
    let tree = ostler.run(&["tree"])?.succeeded()?.text();
    assert!(tree.contains("Copies/\n  db2  ssh db1.example:22\n"), "{tree}");

    ostler.run(&["connection", "delete", "db1"])?.failed(1, "must be confirmed")?;
    assert_eq!(paths(&ostler)?.len(), 2);
    ostler.run(&["connection", "delete", "db1", "--yes"])?.succeeded()?;
    assert_eq!(paths(&ostler)?, ["Copies/db2"]);
    Ok(())
}

#[test]
fn the_list_has_a_stable_shape() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["connection", "add", "a", "--type", "rdp", "--host", "h"])?.succeeded()?;
    let list = ostler.run(&["connection", "list", "--json"])?.succeeded()?.json()?;
    let fields: BTreeSet<String> =
        list[0].as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default();
    let expected = [
        "created",
        "credential",
        "custom_fields",
        "effective_settings",
        "folder",
        "host",
        "id",
        "name",
        "notes",
        "path",
        "port",
        "settings",
        "tags",
        "type",
        "updated",
    ];
    assert_eq!(fields, expected.map(str::to_owned).into());
    assert_eq!((&list[0]["port"], &list[0]["type"]), (&json!(3389), &json!("rdp")));
    assert_eq!(list[0]["id"].as_str().map(str::len), Some(32));
    Ok(())
}

#[test]
fn bad_words_are_refused_and_change_nothing() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["connection", "add", "taken", "--type", "ssh", "--host", "h"])?.succeeded()?;
    ostler.file("public", "ssh-ed25519 AAAAC3Nz comment\n")?;
    let add = |name: &str, kind: &str, more: &[&str]| {
        let mut words = vec!["connection", "add", name, "--type", kind, "--host", "h"];
        words.extend(more);
        ostler.run(&words)
    };
    for port in ["0", "70000", "-1", "ssh"] {
        add("x", "ssh", &["--port", port])?.failed(2, "a port is a whole number from 1 to 65535")?;
    }
    add("taken", "ssh", &[])?.failed(1, "'taken' exists already")?;
    add("x", "telepathy", &[])?.failed(1, "'telepathy' is unknown")?;
    add("a/b", "ssh", &[])?.failed(1, "can't be a name")?;
    add("x", "ssh", &["--password-file", "missing"])?.failed(1, "the password in missing")?;
    add("x", "ssh", &["--key-file", "public"])?.failed(1, "is it the public one?")?;
    add("x", "ssh", &["--set", "no-value"])?.failed(2, "expected KEY=VALUE")?;
    ostler.run(&["connection", "show", "nobody"])?.failed(1, "there is no folder or connection 'nobody'")?;
    ostler.run(&["connection", "add", "x", "--type", "ssh"])?.failed(2, "--host")?;
    ostler
        .run(&["connection", "edit", "taken", "--password", "on-the-command-line"])?
        .failed(2, "unexpected argument")?;
    assert_eq!(paths(&ostler)?, ["taken"]);
    Ok(())
}

#[test]
fn a_folder_gives_its_credential_to_what_is_below_it() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("password", "folder-password")?;
    ostler.run(&["folder", "add", "Top/Below", "--note", "two at once"])?.succeeded()?;
    ostler.run(&["folder", "edit", "Top", "--user", "root", "--password-file", "password"])?.succeeded()?;
    ostler
        .run(&["connection", "add", "c", "--type", "ssh", "--host", "h", "--folder", "Top/Below"])?
        .succeeded()?;
    let shown = ostler.run(&["connection", "show", "c", "--json"])?.succeeded()?.json()?;
    assert_eq!(shown["credential"]["mode"], "inherit");
    assert_eq!(
        (&shown["credential"]["user"], &shown["credential"]["inherited_from"]),
        (&json!("root"), &json!("Top"))
    );

    ostler
        .run(&["folder", "move", "Top", "--into", "Top/Below"])?
        .failed(1, "can't be moved below itself")?;
    ostler.run(&["folder", "edit", "Top", "--name", "Renamed"])?.succeeded()?;
    assert_eq!(paths(&ostler)?, ["Renamed/Below/c"]);
    ostler.run(&["folder", "delete", "Renamed"])?.failed(1, "must be confirmed")?;
    ostler.run(&["folder", "delete", "Renamed", "--yes"])?.succeeded()?;
    assert_eq!(ostler.run(&["tree", "--json"])?.succeeded()?.json()?, json!([]));
    Ok(())
}

#[test]
fn a_name_that_is_not_there_is_told_with_what_may_have_been_meant() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    for (name, folder) in [("kestrel", "Lab"), ("heron", "Lab"), ("printer", "Office")] {
        let words = ["connection", "add", name, "--type", "ssh", "--host", "h", "--folder", folder];
        ostler.run(&words)?.succeeded()?;
    }
    for (words, meant) in [
        (&["connection", "show", "kestrl"][..], "did you mean 'Lab/kestrel'?"),
        (&["connect", "Lib/heron", "--dry-run"], "did you mean 'Lab/heron'?"),
        (&["connection", "delete", "prnter", "--yes"], "did you mean 'Office/printer'?"),
        (&["tree", "Ofice"], "did you mean 'Office'?"),
        (&["folder", "show", "Lba"], "did you mean 'Lab'?"),
        (&["connection", "show", "Lab"], "did you mean 'Lab/heron' or 'Lab/kestrel'?"),
        (&["connection", "show", "something-else"], "'ostler tree' shows what there is"),
    ] {
        let found = ostler.run(words)?.failed(1, meant)?;
        assert!(found.stderr.contains("there is no folder or connection"), "{}", found.stderr);
    }
    Ok(())
}

#[test]
fn a_person_confirms_a_deletion_by_typing_a_word() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["connection", "add", "c", "--type", "ssh", "--host", "h"])?.succeeded()?;
    for (answer, code, left) in [("no", 1, 1), ("delete", 0, 0)] {
        let mut terminal = ostler.terminal(&["connection", "delete", "c"], 100, 24)?;
        terminal.wait_for("This can't be undone without a backup")?;
        terminal.wait_for("Type 'delete' to go on: ")?;
        terminal.keys(&format!("{answer}\r"))?;
        assert_eq!(terminal.end()?, code);
        assert_eq!(paths(&ostler)?.len(), left);
    }
    Ok(())
}

#[test]
fn notes_can_not_steer_the_terminal() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let evil = "first\u{1b}]0;owned\u{7}\nsecond\u{9b}2J";
    ostler.run(&["connection", "add", "c", "--type", "ssh", "--host", "h", "--note", evil])?.succeeded()?;
    let words = ostler.run(&["connection", "show", "c"])?.succeeded()?.text();
    assert!(words.contains("  first\\u{1b}]0;owned\\u{7}\n  second\\u{9b}2J\n"), "{words:?}");
    let shown = ostler.run(&["connection", "show", "c", "--json"])?.succeeded()?;
    assert!(!shown.text().contains(['\u{1b}', '\u{9b}']));
    assert_eq!(shown.json()?["notes"], evil);
    Ok(())
}
