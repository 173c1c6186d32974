//! The capability `events`: within the granted names and folders, outside of them, not granted, and at its limits. The guest
//! asks for `session.*`, `connection.change` and `vault.put`, in `Servers`.

use std::time::Duration;

use ostler_plugin_api::{Capability, Grant, Grants, Guard, Scope};
use ostler_runtime::Limits;

use crate::store::event;
use crate::world::{NOTHING, World, probed};

const EVENTS: &[Capability] = &[Capability::Events];

fn happen(world: &World) {
    *world.store.events.lock().unwrap() = vec![
        event("session.start", Some("Servers/db")),
        event("session.start", Some("Private/bank")),
        event("connection.change", Some("Servers/Lab/web")),
        event("connection.delete", Some("Servers/Lab/web")),
        event("vault.put", Some("Servers/db")),
        event("session.end", None),
    ];
}

#[tokio::test]
async fn a_plugin_hears_what_names_and_folders_cover_and_nothing_else() {
    let world = World::new();
    happen(&world);
    let plugin = world.store_user(EVENTS);
    assert_eq!(probed(&plugin, &[("do", "events.latest")]).await, "Ok(6)");
    let heard = r#"Ok("[\"session.start Servers/db\", \"connection.change Servers/Lab/web\"] 6")"#;
    assert_eq!(probed(&plugin, &[("do", "events.since")]).await, heard);
    assert_eq!(probed(&plugin, &[("do", "events.since"), ("cursor", "3")]).await, r#"Ok("[] 6")"#);
    assert_eq!(probed(&plugin, &[("do", "events.since"), ("cursor", "60")]).await, r#"Ok("[] 60")"#);
    let layer = Scope { events: Some(vec!["session.start".to_owned()]), ..Scope::default() };
    let folder = Scope { folders: Some(vec!["Servers/Lab".to_owned()]), ..Scope::default() };
    let narrowed = |layers| Grants([(Capability::Events, Grant { layers })].into());
    plugin.set_grants(narrowed(vec![layer.clone()]));
    let started = r#"Ok("[\"session.start Servers/db\"] 6")"#;
    assert_eq!(probed(&plugin, &[("do", "events.since")]).await, started);
    plugin.set_grants(narrowed(vec![layer, folder]));
    assert_eq!(probed(&plugin, &[("do", "events.since")]).await, r#"Ok("[] 6")"#);
}

#[tokio::test]
async fn what_is_not_covered_is_left_out_by_the_guard_and_what_plugins_never_see_by_its_name() {
    let world = World::without(Guard::Scope);
    happen(&world);
    let heard = probed(&world.store_user(EVENTS), &[("do", "events.since")]).await;
    assert!(heard.contains("Private/bank") && heard.contains("connection.delete"), "{heard}");
    assert!(heard.contains("session.end") && !heard.contains("vault.put"), "{heard}");
}

#[tokio::test]
async fn events_that_are_not_granted_are_refused_by_value_and_that_is_the_guards_work() {
    for call in ["events.latest", "events.since", "events.next"] {
        let world = World::new();
        happen(&world);
        let answer = probed(&world.store_user(NOTHING), &[("do", call)]).await;
        assert!(answer.contains("Denied(\"the capability 'events' is not granted\")"), "{call}: {answer}");
        let unguarded = World::without(Guard::Granted);
        happen(&unguarded);
        let answer = probed(&unguarded.store_user(NOTHING), &[("do", call)]).await;
        assert!(answer.starts_with("Ok("), "{call}: {answer}");
    }
}

#[tokio::test]
async fn a_wait_ends_with_an_event_is_not_charged_and_has_a_limit() {
    let limits = Limits {
        plan_time: Duration::from_millis(400),
        sleep_time: Duration::ZERO,
        event_waits: Duration::from_secs(60),
        ..Limits::default()
    };
    let world = World::with(limits.clone());
    happen(&world);
    let plugin = world.store_user(EVENTS);
    let wait = [("do", "events.next"), ("cursor", "6"), ("ms", "60000")];
    let (heard, ()) = tokio::join!(probed(&plugin, &wait), async {
        // Longer than the call may compute.
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.store.events.lock().unwrap().push(event("session.end", Some("Servers/db")));
    });
    assert_eq!(heard, r#"Ok("[\"session.end Servers/db\"] 7")"#);
    let nothing = [("do", "events.next"), ("cursor", "7"), ("ms", "1")];
    assert_eq!(probed(&plugin, &nothing).await, r#"Ok("[] 7")"#);
    let too_long = [("do", "events.next"), ("cursor", "7"), ("ms", "60001")];
    let refused = probed(&plugin, &too_long).await;
    assert!(refused.contains("Limit(\"a call waits at most 60s for events\")"), "{refused}");
    let few = World::with(Limits { store_calls: 2, ..limits }).store_user(EVENTS);
    let third = probed(&few, &[("do", "events.next"), ("ms", "1"), ("times", "3")]).await;
    assert!(third.contains("at most 2 times"), "{third}");
}

#[tokio::test]
async fn a_history_that_can_not_be_read_is_a_value() {
    let world = World::new();
    *world.store.broken.lock().unwrap() = true;
    let answer = probed(&world.store_user(EVENTS), &[("do", "events.since")]).await;
    assert!(answer.contains("Unavailable(\"the store can't be reached now\")"), "{answer}");
}
