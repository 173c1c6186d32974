//! Importing CSV: previews, mappings, reports, and files that are none.

use std::fs;

use anyhow::Context as _;
use ostler_suite::Ostler;
use serde_json::{Value, json};

/// The paths of all connections.
fn paths(ostler: &Ostler) -> anyhow::Result<Vec<String>> {
    let list = ostler.run(&["connection", "list", "--json"])?.succeeded()?.json()?;
    let all = list.as_array().cloned().unwrap_or_default();
    Ok(all.iter().filter_map(|connection| connection["path"].as_str()).map(str::to_owned).collect())
}

const GOOD: &str = "\
Connection Name,Computer Name,Port,User Name,Password
db1,db1.example,2222,admin,imported-password-1
db2,db2.example,,admin,
";

#[test]
fn a_preview_shows_the_mapping_and_changes_nothing() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("list.csv", GOOD)?;
    let preview =
        ostler.run(&["import", "list.csv", "--type", "ssh", "--into", "New", "--dry-run"])?.succeeded()?;
    let words = preview.text();
    assert!(words.contains("Nothing was changed") && words.contains("Computer Name"), "{words}");
    assert!(words.contains("db1.example") && !words.contains("imported-password-1"), "{words}");
    assert_eq!(ostler.run(&["tree", "--json"])?.succeeded()?.json()?, json!([]));
    Ok(())
}

#[test]
fn an_import_creates_connections_with_their_secrets_and_knows_them_again() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("list.csv", GOOD)?;
    let words = ["import", "list.csv", "--type", "ssh", "--into", "New", "--json"];
    let report = ostler.run(&words)?.succeeded()?.json()?;
    assert_eq!((&report["created"], &report["secrets"]), (&json!(["New/db1", "New/db2"]), &json!(1)));
    assert_eq!(report["defaults"][0]["entry"], "New/db2", "{report}");
    assert_eq!(paths(&ostler)?, ["New/db1", "New/db2"]);
    let shown = ostler.run(&["connection", "show", "db1", "--json"])?.succeeded()?.json()?;
    assert_eq!((&shown["port"], &shown["type"]), (&json!(2222), &json!("ssh")));
    assert_eq!(shown["credential"]["secrets"], json!(["password"]));

    let again = ostler.run(&words)?.succeeded()?.json()?;
    assert_eq!((&again["created"], &again["secrets"]), (&json!([]), &json!(0)));
    assert_eq!(paths(&ostler)?.len(), 2);
    Ok(())
}

#[test]
fn rows_that_can_not_be_imported_are_named_with_their_lines_and_can_be_mended() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let text = "name;host;port\ngood;good.example;22\nbad;bad.example;70000\nragged\ngood;twice.example;22\n";
    ostler.file("list.csv", text)?;
    let words = ["import", "list.csv", "--type", "ssh", "--delimiter", ";", "--headers", "yes", "--json"];
    let report = ostler.run(&words)?.succeeded()?.json()?;
    assert_eq!(report["created"], json!(["good"]), "{report}");
    let problems = report["problems"].as_array().context("no problems")?;
    let lines: Vec<&Value> = problems
        .iter()
        .filter(|problem| problem["imported"] == false)
        .map(|problem| &problem["position"]["line"])
        .collect();
    assert_eq!(lines, [&json!(3), &json!(4), &json!(5)], "{report}");
    let mend = report["mend_file"].as_str().context("no file to mend")?;
    let mend = fs::read_to_string(ostler.work().join(mend))?;
    assert!(mend.starts_with("name;host;port") && mend.contains("bad;bad.example;70000"), "{mend}");
    assert!(!mend.contains("good.example"), "{mend}");
    Ok(())
}

#[test]
fn columns_can_be_mapped_by_heading_and_by_number() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("headed.csv", "X\tY\nby-heading\th.example\n")?;
    ostler.file("bare.csv", "by-number,n.example\n")?;
    let headed = ["import", "headed.csv", "--type", "ssh", "--delimiter", "tab", "--headers", "yes"];
    ostler.run(&[&headed[..], &["--map", "name=X", "--map", "host=Y"]].concat())?.succeeded()?;
    let bare =
        ["import", "bare.csv", "--type", "ssh", "--headers", "no", "--map", "name=1", "--map", "host=2"];
    ostler.run(&bare)?.succeeded()?;
    assert_eq!(paths(&ostler)?, ["by-heading", "by-number"]);
    Ok(())
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("list.csv", GOOD)?;
    ostler.file("binary.bin", [0, 159, 146, 150, 255, 0, 1])?;
    let import = |words: &[&str]| ostler.run(&[&["import"], words].concat());
    import(&["missing.csv", "--type", "ssh"])?.failed(8, "missing.csv")?;
    import(&["list.csv", "--type", "ssh", "--delimiter", "|||"])?.failed(6, "delimiter")?;
    import(&["list.csv", "--type", "ssh", "--option", "frobnicate=1"])?.failed(6, "frobnicate")?;
    import(&["list.csv", "--type", "ssh", "--plugin", "nobody.nothing"])?.failed(1, "there is no plugin")?;
    import(&["binary.bin", "--type", "ssh"])?.failed(1, "no enabled plugin recognizes")?;
    import(&["list.csv", "--type", "ssh", "--headers", "maybe"])?.failed(2, "maybe")?;
    assert_eq!(ostler.run(&["tree", "--json"])?.succeeded()?.json()?, json!([]));
    Ok(())
}

/// Imports a text as the list, and returns the report.
fn import(ostler: &Ostler, text: &str, words: &[&str]) -> anyhow::Result<Value> {
    ostler.file("list.csv", text)?;
    let all = [&["import", "list.csv", "--type", "ssh", "--into", "New", "--json"][..], words].concat();
    ostler.run(&all)?.succeeded()?.json()
}

/// How often secrets were stored.
fn stored(ostler: &Ostler) -> anyhow::Result<usize> {
    let events = ostler.run(&["audit", "show", "--event", "vault.put", "--json"])?.succeeded()?.json()?;
    Ok(events.as_array().map_or(0, Vec::len))
}

fn shown(ostler: &Ostler, name: &str) -> anyhow::Result<Value> {
    ostler.run(&["connection", "show", name, "--json"])?.succeeded()?.json()
}

#[test]
fn a_second_import_changes_nothing_and_a_changed_file_updates_what_it_changed() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    import(&ostler, GOOD, &[])?;
    let before = stored(&ostler)?;
    let again = import(&ostler, GOOD, &[])?;
    assert_eq!(again["present"], json!(["New/db1", "New/db2"]));
    assert_eq!((&again["updated"], &again["secrets"]), (&json!([]), &json!(0)));
    assert_eq!(stored(&ostler)?, before, "nothing was stored");

    let changed =
        GOOD.replace("db1.example", "db9.example").replace("imported-password-1", "another-password");
    let preview = import(&ostler, &changed, &["--dry-run"])?;
    assert_eq!(preview["updated"][0]["changes"], json!(["host", "secrets"]), "{preview}");
    assert_eq!(shown(&ostler, "db1")?["host"], "db1.example", "a preview changes nothing");
    let report = import(&ostler, &changed, &[])?;
    assert_eq!(report["updated"], preview["updated"]);
    assert_eq!((&report["present"], &report["created"]), (&json!(["New/db2"]), &json!([])));
    assert_eq!(shown(&ostler, "db1")?["host"], "db9.example");
    assert_eq!(import(&ostler, &changed, &[])?["present"], json!(["New/db1", "New/db2"]));

    // Only the password.
    let report = import(&ostler, &changed.replace("another-password", "the-third"), &[])?;
    assert_eq!(report["updated"][0]["changes"], json!(["secrets"]));
    Ok(())
}

#[test]
fn what_the_user_edited_is_left_as_it_is_unless_they_say_otherwise() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    import(&ostler, GOOD, &[])?;
    ostler.run(&["connection", "edit", "db1", "--note", "mine"])?.succeeded()?;
    ostler.run(&["connection", "move", "db1", "--into", ""])?.succeeded()?;
    // The file did not change: there is nothing to decide.
    let same = import(&ostler, GOOD, &[])?;
    assert_eq!((&same["kept"], &same["present"]), (&json!([]), &json!(["db1", "New/db2"])));

    let changed = GOOD.replace("2222", "2223");
    let report = import(&ostler, &changed, &[])?;
    assert_eq!((&report["kept"][0]["entry"], &report["updated"]), (&json!("db1"), &json!([])), "{report}");
    assert_eq!(report["kept"][0]["changes"], json!(["port", "notes"]));
    assert_eq!(shown(&ostler, "db1")?["port"], 2222);
    let words = ostler.run(&["import", "list.csv", "--type", "ssh", "--into", "New"])?.succeeded()?.text();
    assert!(words.contains("edited here since") && words.contains("  db1: port, notes"), "{words}");

    let report = import(&ostler, &changed, &["--overwrite-edited"])?;
    assert_eq!(report["updated"][0]["entry"], "db1", "it stays where it was moved to");
    let now = shown(&ostler, "db1")?;
    assert_eq!((&now["port"], &now["notes"]), (&json!(2223), &json!("")));
    Ok(())
}

#[test]
fn a_password_that_the_user_changed_is_not_replaced() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    import(&ostler, GOOD, &[])?;
    ostler.file("password", "my-own-password")?;
    ostler.run(&["connection", "edit", "db1", "--password-file", "password"])?.succeeded()?;
    let same = import(&ostler, GOOD, &[])?;
    assert_eq!((&same["kept"], &same["updated"]), (&json!([]), &json!([])), "{same}");
    let report = import(&ostler, &GOOD.replace("db1.example", "db9.example"), &[])?;
    assert_eq!(report["kept"][0]["changes"], json!(["host", "secrets"]), "{report}");
    Ok(())
}

#[test]
fn policy_takes_local_credentials_out_and_says_so() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["config", "set", "policy.deny-local-credentials", "true"])?.succeeded()?;
    let report = import(&ostler, GOOD, &[])?;
    assert_eq!(
        (&report["stripped"], &report["secrets"]),
        (&json!(["New/db1", "New/db2"]), &json!(0)),
        "{report}"
    );
    assert_eq!(shown(&ostler, "db1")?["credential"]["mode"], "inherit");
    ostler.file("password", "my-own-password")?;
    let refused = ostler.run(&["connection", "edit", "db1", "--password-file", "password"])?;
    assert!(refused.stderr.contains("deny-local-credentials"), "{}", refused.stderr);
    ostler.run(&["config", "unset", "policy.deny-local-credentials"])?.succeeded()?;
    ostler.run(&["connection", "edit", "db1", "--password-file", "password"])?.succeeded()?;
    Ok(())
}

#[test]
fn a_report_is_written_as_its_name_says_and_replaces_no_file() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let text = format!("{GOOD}bad,bad.example,70000,,\n");
    for (file, expected) in [
        ("report.csv", "not imported,bad,4,,Port,"),
        ("report.txt", "+ db1"),
        ("report.json", "\"dry_run\": true"),
    ] {
        import(&ostler, &text, &["--dry-run", "--report", file])?;
        let content = fs::read_to_string(ostler.work().join(file))?;
        assert!(content.contains(expected) && !content.contains("imported-password-1"), "{content}");
    }
    let csv = fs::read_to_string(ostler.work().join("report.csv"))?;
    assert!(csv.starts_with("outcome,entry,line,column,field,details\n"), "{csv}");
    assert!(csv.contains("created,New/db1,") && csv.contains("defaults,New/db2,3,"), "{csv}");
    ostler.file("list.csv", GOOD)?;
    let words = ["import", "list.csv", "--type", "ssh", "--dry-run", "--report", "report.csv"];
    let refused = ostler.run(&words)?;
    assert!(refused.stderr.contains("report.csv"), "{}", refused.stderr);
    Ok(())
}
