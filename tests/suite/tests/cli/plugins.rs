//! Plugins as the user sees them.

use ostler_suite::Ostler;
use serde_json::{Value, json};

const IMPORTER: &str = "ostler.importer-csv";
const LAUNCHER: &str = "ostler.launcher-ssh";

#[test]
fn the_bundled_plugins_are_listed_and_say_what_they_ask_for() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let list = ostler.run(&["plugin", "list", "--json"])?.succeeded()?.json()?;
    for id in [IMPORTER, LAUNCHER] {
        let found = list.as_array().and_then(|all| all.iter().find(|plugin| plugin["id"] == id)).cloned();
        let found = found.unwrap_or(Value::Null);
        assert_eq!(
            (&found["origin"], &found["state"]),
            (&json!("bundled"), &json!("ready")),
            "{id} in {list}"
        );
        assert!(found["digest"].as_str().is_some_and(|digest| digest.starts_with("sha256:")), "{found}");
    }
    let shown = ostler.run(&["plugin", "show", LAUNCHER, "--json"])?.succeeded()?.json()?;
    assert_eq!(shown["id"], LAUNCHER);
    assert!(shown["capabilities"].is_array() && shown["imports"].is_array(), "{shown}");
    let words = ostler.run(&["plugin", "show", IMPORTER])?.succeeded()?.text();
    assert!(words.contains(IMPORTER) && words.contains("digest"), "{words}");
    Ok(())
}

#[test]
fn a_disabled_plugin_does_nothing_until_it_is_enabled() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.file("list.csv", "name,host\ndb1,db1.example\n")?;
    let words = ["import", "list.csv", "--type", "ssh", "--dry-run"];
    ostler.run(&words)?.succeeded()?;
    ostler.run(&["plugin", "disable", IMPORTER])?.succeeded()?;
    ostler.run(&words)?.failed(1, "no enabled plugin recognizes 'list.csv'")?;
    ostler.run(&["plugin", "enable", IMPORTER])?.succeeded()?;
    ostler.run(&words)?.succeeded()?;
    Ok(())
}

#[test]
fn what_is_no_plugin_or_no_capability_is_refused_with_a_reason() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let installed = ostler.store().join("plugins");
    for (name, content) in [("text.wasm", &b"just text"[..]), ("core.wasm", b"\0asm\x01\0\0\0")] {
        ostler.file(name, content)?;
        let refused = ostler.run(&["plugin", "install", name])?;
        assert!(
            refused.code == 6 && refused.stderr.contains("error:"),
            "{name}: {} {}",
            refused.code,
            refused.stderr
        );
        assert_eq!(std::fs::read_dir(&installed)?.count(), 0);
    }
    ostler.run(&["plugin", "show", "nobody.nothing"])?.failed(1, "there is no plugin 'nobody.nothing'")?;
    ostler.run(&["plugin", "grant", LAUNCHER, "mind-reading"])?.failed(1, "mind-reading")?;
    ostler.run(&["plugin", "remove", "nobody.nothing"])?.failed(1, "there is no plugin")?;
    Ok(())
}
