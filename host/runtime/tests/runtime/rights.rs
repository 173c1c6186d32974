//! Rights: each refusal is by value, names what is missing, ends when the grant comes and begins when it goes; and each is
//! the work of its guard.

use ostler_plugin_api::{Capability, Grants, Guard};
use ostler_runtime::LoadError;

use crate::world::{EVERYTHING, NOTHING, World, guest, probed};

const KEEP: &[(&str, &str)] = &[("do", "storage.set"), ("key", "k")];

#[tokio::test]
async fn a_grant_that_is_taken_or_given_counts_from_the_next_call_of_a_loaded_plugin() {
    let probe = World::new().probe(&[Capability::Storage]);
    assert_eq!(probed(&probe, KEEP).await, "set 1");
    probe.set_grants(Grants::default());
    let refused = probed(&probe, KEEP).await;
    assert!(refused.contains("Denied(\"the capability 'storage' is not granted\")"), "{refused}");
    probe.set_grants([Capability::Storage].into_iter().collect());
    assert_eq!(probed(&probe, KEEP).await, "set 1");
}

#[tokio::test]
async fn what_is_refused_is_counted_with_its_reason() {
    let probe = World::new().probe(NOTHING);
    probed(&probe, KEEP).await;
    probed(&probe, KEEP).await;
    let refusals = probe.usage().refusals;
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!((refusals[0].capability, refusals[0].times), (Capability::Storage, 2));
    assert_eq!(refusals[0].reason, "the capability 'storage' is not granted");
    assert_eq!(probe.take_usage().refusals.len(), 1);
    assert_eq!(probe.usage().refusals, []);
}

#[tokio::test]
async fn without_the_guard_of_grants_what_is_not_granted_is_done() {
    let probe = World::without(Guard::Granted).probe(NOTHING);
    assert_eq!(probed(&probe, KEEP).await, "set 1");
}

#[test]
fn without_the_guard_of_imports_what_is_not_asked_for_is_loaded() {
    let unasked = guest("slots-unasked");
    assert!(matches!(World::new().load(&unasked, EVERYTHING), Err(LoadError::Import(_))));
    assert!(World::without(Guard::Asked).load(&unasked, EVERYTHING).is_ok());
}
