//! The deny matrix in the program as a user runs it: every capability, not asked for, not granted, and denied by policy. Each is refused
//! and in the audit log; with the grant, and without the rule, the same call is not refused.
//!
//! Revoking while a call runs and wrong parameters, each with its guard off, are in `host/runtime/tests/runtime/deny_matrix.rs`; revoking
//! from another process is in `rights.rs`.

use std::fs;

use ostler_plugin_api::Capability;
use serde_json::Value;

use crate::component::{manifest_of, with_manifest};
use crate::world::{World, guest};

const PLUGIN: &str = "test.every";

/// The plugin with all that it asks for, and a connection that tells it what to do.
fn stage() -> World {
    let ostler = World::new();
    ostler.ok(&["plugin", "install", guest("every").to_str().unwrap()]);
    for capability in Capability::ALL {
        ostler.ok(&["plugin", "grant", PLUGIN, capability.name()]);
    }
    let password = ostler.file("password", "the-password");
    let password = ["--password-file", password.to_str().unwrap()];
    let words = ["connection", "add", "every", "--type", "every", "--host", "127.0.0.1", "--port", "9"];
    ostler.ok(&[&words[..], &["--user", "anna"], &password].concat());
    ostler
}

/// Lets the plugin use a capability, and returns what it was told.
fn used(ostler: &World, capability: Capability) -> String {
    ostler.ok(&["connection", "edit", "every", "--set", &format!("do={capability}")]);
    ostler.run(&["connect", "every"]).stderr
}

/// The refusals of a capability in the audit log, the newest last.
fn refusals(ostler: &World, capability: Capability) -> Vec<Value> {
    let events = ostler.ok(&["audit", "show", "--event", "capability.use", "--json"]).json();
    let of_it = |event: &&Value| {
        event["capability"] == capability.name() && event["plugin"] == PLUGIN && event["outcome"] == "denied"
    };
    events.as_array().unwrap().iter().filter(of_it).cloned().collect()
}

#[test]
fn what_is_not_asked_for_is_not_installed() {
    let ostler = World::new();
    let bytes = fs::read(guest("every")).unwrap();
    let (manifest, file) = (manifest_of(&bytes), ostler.file("less.wasm", ""));
    for capability in Capability::ALL {
        // What it listens for is for a capability that has to be asked for.
        let manifest = manifest.replace("[[callback]]\npurpose = \"test\"\n", "");
        let part = |part: &&str| !part.contains(&format!("name = \"{capability}\"\n"));
        let parts: Vec<&str> = manifest.split("[[capability]]\n").filter(part).collect();
        fs::write(&file, with_manifest(&bytes, &parts.join("[[capability]]\n"))).unwrap();
        let refused = ostler.run(&["plugin", "install", file.to_str().unwrap()]);
        let expected = format!("does not ask for the capability '{capability}'");
        assert!(refused.code != 0 && refused.stderr.contains(&expected), "{capability}: {}", refused.stderr);
    }
    fs::write(&file, with_manifest(&bytes, &manifest)).unwrap();
    ostler.ok(&["plugin", "install", file.to_str().unwrap()]);
}

#[test]
fn what_is_not_granted_is_refused_and_audited() {
    let ostler = stage();
    for capability in Capability::ALL {
        let said = used(&ostler, capability);
        assert!(!said.contains("is not granted"), "{capability}: {said}");
        assert_eq!(refusals(&ostler, capability).len(), 0, "{capability}");

        ostler.ok(&["plugin", "revoke", PLUGIN, capability.name()]);
        let (said, expected) =
            (used(&ostler, capability), format!("the capability '{capability}' is not granted"));
        // A line of the log has no answer.
        assert!(said.contains(&expected) || capability == Capability::Log, "{capability}: {said}");
        let refused = refusals(&ostler, capability);
        assert!(refused.len() == 1 && refused[0]["reason"] == expected.as_str(), "{capability}: {refused:?}");
        ostler.ok(&["plugin", "grant", PLUGIN, capability.name()]);
    }
}

#[test]
fn what_policy_denies_is_refused_and_audited_with_its_rule() {
    let ostler = stage();
    let directory = ostler.home().join("config/ostler");
    fs::create_dir_all(&directory).unwrap();
    let policy = directory.join("policy.toml");
    for capability in Capability::ALL {
        let rule =
            format!("[[capability]]\nname = \"{capability}\"\nplugins = \"test.*\"\ngrant = \"deny\"\n");
        fs::write(&policy, rule).unwrap();
        let (said, expected) =
            (used(&ostler, capability), format!("the capability '{capability}' is not granted"));
        assert!(said.contains(&expected) || capability == Capability::Log, "{capability}: {said}");
        let refused = refusals(&ostler, capability);
        let rule = refused[0]["details"]["rule"].as_str().unwrap_or_default();
        assert!(rule.contains(&format!("[[capability]] '{capability}'")), "{capability}: {refused:?}");

        fs::remove_file(&policy).unwrap();
        let said = used(&ostler, capability);
        assert!(!said.contains("is not granted"), "{capability}: {said}");
    }
}
