//! The log of a plugin: what it wrote is shown under its name, sealed in the store, and never grows without end.

use crate::at_rest::visit;
use crate::world::{World, guest};

const PROBE: &str = "test.probe";

/// A store with the probe in charge of SSH.
fn stage() -> World {
    let ostler = World::new();
    ostler.ok(&["plugin", "install", guest("probe").to_str().unwrap()]);
    ostler.ok(&["plugin", "disable", "ostler.launcher-ssh"]);
    ostler.ok(&["connection", "add", "probe", "--type", "ssh", "--host", "127.0.0.1"]);
    ostler
}

/// Lets the probe do something while it plans.
fn probe_does(ostler: &World, what: &[&str]) {
    let mut edit = vec!["connection", "edit", "probe"];
    what.iter().for_each(|setting| edit.extend(["--set", setting]));
    ostler.ok(&edit);
    ostler.run(&["connect", "probe", "--dry-run"]);
}

#[test]
fn what_a_plugin_wrote_is_shown_by_its_level_and_lies_sealed() {
    let ostler = stage();
    assert_eq!(ostler.ok(&["plugin", "log", PROBE, "--json"]).json(), serde_json::json!([]));

    probe_does(&ostler, &["do=log", "message=words-of-the-probe"]);
    probe_does(&ostler, &["do=print", "message=printed-words"]);

    let lines = ostler.ok(&["plugin", "log", PROBE, "--json"]).json();
    let lines = lines.as_array().unwrap();
    let texts: Vec<&str> = lines.iter().map(|line| line["text"].as_str().unwrap()).collect();
    assert_eq!(texts[0], "words-of-the-probe");
    assert_eq!((&lines[0]["level"], &lines[0]["version"]), (&"warn".into(), &"1.0.0".into()));
    assert!(texts.contains(&"printed-words") && texts.contains(&"no end of line"), "{texts:?}");

    let shown = ostler.ok(&["plugin", "log", PROBE, "--level", "warn"]).stdout;
    assert!(shown.contains("warn  words-of-the-probe") && !shown.contains("printed-words"), "{shown}");
    let last = ostler.ok(&["plugin", "log", PROBE, "--last", "1", "--json"]).json();
    assert_eq!(last.as_array().unwrap().len(), 1);

    visit(&ostler.store(), &mut |path, bytes| {
        let found = bytes.windows(13).any(|window| window == b"printed-words");
        assert!(!found, "the plugin's words stand in {}", path.display());
    });
}

#[test]
fn a_plugin_that_may_not_log_writes_nothing_and_a_misspelt_one_is_named() {
    let ostler = stage();
    ostler.ok(&["plugin", "revoke", PROBE, "log"]);
    probe_does(&ostler, &["do=log", "message=words-of-the-probe"]);
    assert_eq!(ostler.ok(&["plugin", "log", PROBE, "--json"]).json(), serde_json::json!([]));

    let misspelt = ostler.run(&["plugin", "log", "test.probes"]);
    assert_ne!(misspelt.code, 0);
    assert!(misspelt.stderr.contains("test.probes"), "{}", misspelt.stderr);
    let level = ostler.run(&["plugin", "log", PROBE, "--level", "loud"]);
    assert!(level.stderr.contains("info, warn and error"), "{}", level.stderr);
}
