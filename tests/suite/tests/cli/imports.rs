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
