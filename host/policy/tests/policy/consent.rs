//! Asked AND policy AND user, and what a new version waits for.

use ostler_plugin_api::{Capability, Grant, Scope};
use ostler_policy::{Consent, GrantedBy, Policy, Right, granted};

use crate::world::{facts, http, plugin, policy, rights_of, unguarded};

const HTTP: Capability = Capability::Http;

fn scope(hosts: &str) -> Scope {
    plugin(&http(hosts)).request(HTTP).unwrap().scope.clone()
}

/// How `http` stands for a plugin that asks for it.
fn stands(policy: &Policy, user: Option<bool>, bundled: bool) -> Right {
    let manifest = plugin(&http("[\"*.example\"]"));
    let mut facts = facts(&manifest);
    facts.bundled = bundled;
    let mut consent = Consent::new(&manifest, bundled);
    if let Some(yes) = user {
        consent.decide(manifest.request(HTTP).unwrap(), yes.then(Grant::default));
    }
    rights_of(&facts, policy, &consent).remove(&HTTP).unwrap()
}

fn by(right: &Right) -> Option<GrantedBy> {
    match right {
        Right::Granted { by, .. } => Some(*by),
        Right::NotGranted | Right::Denied { .. } => None,
    }
}

#[test]
fn a_capability_is_given_where_policy_and_user_agree() {
    let none = Policy::default();
    let rule = |grant: &str| policy(&format!("[[capability]]\nname = \"http\"\ngrant = \"{grant}\""), "");
    let (ask, given) = (rule("ask"), rule("pre-granted"));
    for (policy, user, bundled, expected) in [
        (&none, None, false, None),
        (&none, None, true, Some(GrantedBy::Bundled)),
        (&none, Some(true), false, Some(GrantedBy::User)),
        (&none, Some(false), true, None),
        // Where policy says ask, a person has to have said yes, also to what is bundled.
        (&ask, None, true, None),
        (&ask, Some(true), true, Some(GrantedBy::User)),
        (&ask, Some(true), false, Some(GrantedBy::User)),
        (&given, None, false, Some(GrantedBy::Policy)),
        (&given, None, true, Some(GrantedBy::Policy)),
        (&given, Some(true), false, Some(GrantedBy::User)),
        // What the user took stays taken.
        (&given, Some(false), false, None),
        (&given, Some(false), true, None),
    ] {
        assert_eq!(by(&stands(policy, user, bundled)), expected, "{policy:?} {user:?} {bundled}");
    }
}

#[test]
fn what_policy_denies_nobody_gives_and_without_the_guard_the_user_does() {
    for (system, user) in [("deny", "pre-granted"), ("pre-granted", "deny")] {
        let text =
            |grant: &str| format!("[[capability]]\nname = \"*\"\nplugins = \"acme.*\"\ngrant = \"{grant}\"");
        let policy = policy(&text(system), &text(user));
        let Right::Denied { rule } = stands(&policy, Some(true), true) else { panic!("{system} {user}") };
        assert!(rule.contains("[[capability]] '*', plugins 'acme.*'"), "{rule}");
        assert_eq!(by(&stands(&unguarded(&policy), Some(true), true)), Some(GrantedBy::User));
    }
}

#[test]
fn the_first_entry_of_a_file_counts() {
    let text = "[[capability]]\nname = \"http\"\nplugins = \"acme.x\"\ngrant = \"pre-granted\"\n[[capability]]\nname = \"*\"\ngrant = \"deny\"";
    assert_eq!(by(&stands(&policy(text, ""), None, false)), Some(GrantedBy::Policy));
    let manifest = plugin("");
    let rights = rights_of(&facts(&manifest), &policy(text, ""), &Consent::new(&manifest, false));
    assert!(matches!(rights[&Capability::Log], Right::Denied { .. }), "{rights:?}");
}

#[test]
fn every_layer_bounds_the_parameters() {
    let bound = |hosts: &str| format!("[[capability]]\nname = \"http\"\nhosts = {hosts}");
    let policy = policy(&bound("[\"*.example\"]"), &bound("[\"a.*\", \"b.*\"]"));
    let Right::Granted { grant, .. } = stands(&policy, Some(true), false) else { panic!("not granted") };
    let covers = |host: &str| grant.layers.iter().all(|layer| layer.covers_host(host, 443, false, &|_| None));
    assert!(covers("a.example") && covers("b.example"));
    assert!(!covers("c.example") && !covers("a.other"));
    let Right::Granted { grant, .. } = stands(&unguarded(&policy), Some(true), false) else {
        panic!("not granted")
    };
    assert!(grant.layers.is_empty(), "{grant:?}");
}

#[test]
fn an_update_that_asks_for_no_more_keeps_what_it_had() {
    let before = plugin(&http("[\"a.example\", \"b.example\"]"));
    let mut consent = Consent::new(&before, false);
    consent.decide(before.request(HTTP).unwrap(), Some(Grant::default()));
    let after = plugin(&http("[\"a.example\"]"));
    let carried = consent.carried_to(&after);
    assert!(carried.waiting(&after).is_empty());
    assert_eq!(carried.grants.0[&HTTP], Grant::default());
}

#[test]
fn an_update_that_asks_for_more_waits_with_what_is_new() {
    let before = plugin(&http("[\"a.example\"]"));
    let mut consent = Consent::new(&before, false);
    consent.decide(before.request(HTTP).unwrap(), Some(Grant::default()));
    let more = "[[capability]]\nname = \"storage\"\nreason = \"To keep.\"\n[[capability]]\nname = \"clock\"\nreason = \"To know.\"\n";
    let after = plugin(&(http("[\"a.example\", \"b.example\"]") + more));
    let mut carried = consent.carried_to(&after);
    let waiting = carried.waiting(&after);
    let words: Vec<_> =
        waiting.iter().map(|it| (it.request.name, it.wider, it.added.hosts.is_some())).collect();
    assert_eq!(words, [(HTTP, true, true), (Capability::Storage, false, false)]);
    assert_eq!(waiting[0].added.hosts, scope("[\"b.example\"]").hosts);
    // What it had stays as far as it was; what is harmless it has.
    let rights = rights_of(&facts(&after), &Policy::default(), &carried);
    assert_eq!(by(&rights[&HTTP]), Some(GrantedBy::User));
    let grants = granted(&rights);
    assert_eq!(grants.0[&HTTP].layers, [scope("[\"a.example\"]")]);
    assert!(grants.0.contains_key(&Capability::Clock) && !grants.0.contains_key(&Capability::Storage));
    // A no to going further leaves what there was, a yes takes the bound away.
    let mut refused = carried.clone();
    waiting.iter().for_each(|it| refused.answer(it, false));
    assert!(refused.waiting(&after).is_empty() && !refused.grants.0.contains_key(&Capability::Storage));
    assert_eq!(refused.grants.0[&HTTP].layers, [scope("[\"a.example\"]")]);
    waiting.iter().for_each(|it| carried.answer(it, true));
    assert!(carried.waiting(&after).is_empty() && carried.grants.0.contains_key(&Capability::Storage));
    assert_eq!(carried.grants.0[&HTTP], Grant::default());
}

#[test]
fn a_capability_that_was_dropped_and_asked_for_again_waits() {
    let (with, without) = (plugin(&http("[\"a.example\"]")), plugin(""));
    let mut consent = Consent::new(&with, false);
    consent.decide(with.request(HTTP).unwrap(), Some(Grant::default()));
    let again = consent.carried_to(&without).carried_to(&with);
    assert_eq!(again.waiting(&with).len(), 1);
    assert!(!again.grants.0.contains_key(&HTTP));
}

#[test]
fn what_an_older_program_kept_is_read_as_it_was_meant() {
    let manifest = plugin(&http("[\"a.example\"]"));
    let kept: Consent = serde_json::from_str(r#"{"grants": ["log", "http"]}"#).unwrap();
    let known = kept.clone().complete(&manifest);
    assert!(known.waiting(&manifest).is_empty());
    assert_eq!(by(&rights_of(&facts(&manifest), &Policy::default(), &known)[&HTTP]), Some(GrantedBy::User));
    let more =
        plugin(&(http("[\"a.example\"]") + "[[capability]]\nname = \"storage\"\nreason = \"To keep.\"\n"));
    let carried = kept.complete_by_grants(&more).carried_to(&more);
    assert_eq!(carried.waiting(&more).len(), 1);
}

#[test]
fn a_bundled_plugin_has_what_it_asks_for_and_any_other_only_what_is_harmless() {
    let manifest = plugin(&http("[\"a.example\"]"));
    let names = |bundled| {
        Consent::new(&manifest, bundled).grants.0.into_keys().map(Capability::name).collect::<Vec<_>>()
    };
    assert_eq!(names(true), ["log", "http"]);
    assert_eq!(names(false), ["log"]);
}
