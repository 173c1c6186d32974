//! The capability `clock`: granted, not granted, and at its limit.

use std::time::Duration;

use ostler_plugin_api::{Capability, Guard};
use ostler_runtime::Limits;

use crate::world::{NOTHING, World, probed};

const CLOCK: &[Capability] = &[Capability::Clock];

#[tokio::test]
async fn a_plugin_reads_the_hosts_time_with_its_zone() {
    let plugin = World::new().store_user(CLOCK);
    let now = probed(&plugin, &[("do", "clock.now")]).await;
    let expected = r#"unix-micros: 1000000000000001, utc-offset-seconds: 7200, zone: Some("Europe/Berlin")"#;
    assert!(now.contains(expected), "{now}");
    assert_eq!(probed(&plugin, &[("do", "clock.monotonic")]).await, "Ok(1000000000)");
}

#[tokio::test]
async fn time_that_is_not_granted_is_refused_and_that_is_the_guards_work() {
    let calls = ["clock.now", "clock.monotonic", "clock.sleep"];
    let plugin = World::new().store_user(NOTHING);
    for call in calls {
        let answer = probed(&plugin, &[("do", call)]).await;
        assert!(answer.contains("Denied(\"the capability 'clock' is not granted\")"), "{call}: {answer}");
    }
    assert_eq!(plugin.usage().capabilities[&Capability::Clock].refused, 3);
    let unguarded = World::without(Guard::Granted).store_user(NOTHING);
    for call in calls {
        assert!(probed(&unguarded, &[("do", call)]).await.starts_with("Ok("), "{call}");
    }
}

#[tokio::test]
async fn a_wait_is_not_charged_and_all_waits_of_a_call_have_a_limit() {
    let limits = Limits {
        plan_time: Duration::from_millis(400),
        sleep_time: Duration::ZERO,
        clock_waits: Duration::from_millis(900),
        ..Limits::default()
    };
    let plugin = World::with(limits).store_user(CLOCK);
    let twice = [("do", "clock.sleep"), ("ms", "450"), ("times", "2")];
    assert_eq!(probed(&plugin, &twice).await, "Ok(())");
    let refused = probed(&plugin, &[("do", "clock.sleep"), ("ms", "450"), ("times", "3")]).await;
    assert!(refused.contains("Limit(\"a call waits at most 900ms by the clock\")"), "{refused}");
}
