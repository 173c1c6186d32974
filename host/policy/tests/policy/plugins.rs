//! Which plugins may run, and the rules of all files together.

use ostler_policy::{CrashReports, Headless, RecordRule, Rules};

use crate::world::{DIGEST, facts, plugin, policy, unguarded};

/// Each is refused for what the words say, and runs with the guard off.
#[test]
fn a_plugin_that_a_file_forbids_does_not_run_and_the_rule_is_named() {
    let manifest = plugin("");
    let mut bundled = facts(&manifest);
    bundled.bundled = true;
    let cases = [
        ("[[plugins.deny]]\nid = \"acme.*\"", "denies the plugin 'acme.x' ([[plugins.deny]], 'acme.*')"),
        (&format!("[[plugins.deny]]\ndigest = \"{DIGEST}\""), "denies the plugin"),
        ("[plugins]\npublishers = [\"bundled\", \"other\"]", "the publisher 'acme' (plugins.publishers)"),
        ("[plugins]\nallow = []", "does not allow the plugin 'acme.x' 1.4.0 ([[plugins.allow]])"),
        ("[[plugins.allow]]\nid = \"acme.x\"\nversions = \">=2\"", "does not allow"),
        ("[[plugins.allow]]\nid = \"acme.y*\"", "does not allow"),
        (
            "[[plugins.allow]]\nid = \"acme.x\"\ndigest = \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"",
            "does not allow",
        ),
        (
            "[[plugins.allow]]\nid = \"acme.*\"\n[[plugins.deny]]\nid = \"acme.x\"\nversions = \"1.4\"",
            "denies",
        ),
    ];
    for (text, words) in cases {
        // Whichever of the two files says it.
        for (policy, name) in [(policy(text, ""), "system"), (policy("", text), "user")] {
            let refused = policy.decide_plugin(&facts(&manifest)).unwrap_err();
            assert!(refused.contains(words) && refused.starts_with(name), "{text}: {refused}");
            assert_eq!(unguarded(&policy).decide_plugin(&facts(&manifest)), Ok(()), "{text}");
        }
    }
    let only_bundled = policy("[plugins]\npublishers = [\"bundled\"]", "");
    assert_eq!(only_bundled.decide_plugin(&bundled), Ok(()));
}

#[test]
fn the_file_in_the_guide_is_one() {
    let guide = include_str!("../../../guide/policy.md");
    let (_, behind) = guide.split_once("```toml\n").unwrap();
    let (text, _) = behind.split_once("```").unwrap();
    let policy = policy(text, "");
    assert_eq!(policy.headless(), Headless::Refuse);
    assert_eq!(policy.rules(&Rules::default()).native.len(), 1);
}

#[test]
fn a_plugin_that_every_file_allows_runs() {
    let manifest = plugin("");
    let pinned =
        format!("[[plugins.allow]]\nid = \"acme.x\"\nversions = \">=1.2, <2\"\ndigest = \"{DIGEST}\"");
    let all = "[plugins]\npublishers = [\"acme\"]\n[[plugins.deny]]\nid = \"acme.x\"\nversions = \"<1.4\"";
    for (system, user) in [("", ""), (&pinned, ""), ("", &pinned), (all, &pinned)] {
        assert_eq!(policy(system, user).decide_plugin(&facts(&manifest)), Ok(()), "{system} {user}");
    }
}

#[test]
fn an_installed_plugin_that_calls_itself_bundled_is_not() {
    let text =
        "id = \"bundled.x\"\nname = \"X\"\nversion = \"1.0.0\"\ndescription = \"X.\"\nkinds = [\"launcher\"]";
    let manifest = ostler_plugin_api::Manifest::parse(text.as_bytes()).unwrap();
    let policy = policy("[plugins]\npublishers = [\"bundled\"]", "");
    assert!(policy.decide_plugin(&facts(&manifest)).is_err());
}

#[test]
fn of_all_rules_the_stricter_wins() {
    let rules = |system: &str, user: &str, configured: Rules| policy(system, user).rules(&configured);
    let record = |rule: &str| format!("record = \"{rule}\"");
    let configured = |record| Rules { record, ..Rules::default() };
    for (system, user, own, expected) in [
        ("", "", RecordRule::Never, RecordRule::Never),
        (&*record("always"), "", RecordRule::Never, RecordRule::Always),
        ("", &*record("always"), RecordRule::BySetting, RecordRule::Always),
        (&*record("by-setting"), &*record("never"), RecordRule::Never, RecordRule::BySetting),
        (&*record("never"), "", RecordRule::BySetting, RecordRule::Never),
    ] {
        assert_eq!(rules(system, user, configured(own)).record, expected, "{system} {user} {own:?}");
    }
    let reports = |rule: &str| format!("crash-reports = \"{rule}\"");
    let all = rules(&reports("with-input"), "", Rules::default());
    assert_eq!(all.crash_reports, CrashReports::WithInput);
    let none = rules(&reports("none"), &reports("with-input"), Rules::default());
    assert_eq!(none.crash_reports, CrashReports::None);
    let kinds = rules(
        "deny-kinds = [\"vnc\"]",
        "deny-kinds = [\"rdp\"]",
        Rules { deny_kinds: vec!["telnet".to_owned()], ..Rules::default() },
    );
    assert_eq!(kinds.deny_kinds, ["telnet", "vnc", "rdp"]);
    let headless = |system: &str, user: &str| policy(system, user).headless();
    assert_eq!(headless("", "[plugins]\nheadless = \"pre-granted\""), Headless::PreGranted);
    assert_eq!(
        headless("[plugins]\nheadless = \"refuse\"", "[plugins]\nheadless = \"pre-granted\""),
        Headless::Refuse
    );
}

#[test]
fn a_native_plugin_runs_where_every_list_has_it() {
    let list = |ids: &[&str]| {
        if ids.is_empty() {
            return "native = []".to_owned();
        }
        ids.iter().map(|id| format!("[[native]]\nid = \"{id}\"\ndigest = \"sha256:1\"\n")).collect::<String>()
    };
    let runs = |system: &str, user: &str, configured: Rules| -> Vec<String> {
        let rules = policy(system, user).rules(&configured);
        rules.native.iter().map(|pin| pin.id.to_string()).collect()
    };
    let own = || policy(&list(&["a.b", "a.c"]), "").rules(&Rules::default());
    assert_eq!(runs("", "", own()), ["a.b", "a.c"]);
    assert_eq!(runs(&list(&["a.b"]), "", Rules::default()), ["a.b"]);
    assert_eq!(runs(&list(&["a.b"]), "", own()), ["a.b"]);
    assert_eq!(runs(&list(&[]), "", own()), Vec::<String>::new());
    assert_eq!(runs("", "", Rules::default()), Vec::<String>::new());
}
