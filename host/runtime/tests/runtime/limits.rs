//! Limits and crashes: each stops the call, names itself, and leaves the host and the next call unharmed.

use std::time::Duration;

use ostler_plugin_api::Capability;
use ostler_runtime::{Limits, Plugin, PluginError};

use crate::world::{EVERYTHING, LogLines, World, request};

fn quick() -> Limits {
    Limits { plan_time: Duration::from_millis(50), ..Limits::default() }
}

/// Lets the evil launcher do its worst, then checks that it can still be called.
async fn worst(plugin: &Plugin, evil: &str) -> PluginError {
    let error = plugin.plan(&request(&[("evil", evil)])).await.unwrap_err();
    plugin.plan(&request(&[])).await.unwrap();
    error
}

fn limit(error: &PluginError) -> &'static str {
    match error {
        PluginError::Limit { limit, .. } => limit,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_endless_loop_is_stopped() {
    let evil = World::with(quick()).evil_launcher();
    let error = worst(&evil, "loop").await;
    assert_eq!(error.to_string(), "it reached its limit for planning time (50ms)");
    let usage = evil.usage();
    assert_eq!((usage.calls, usage.limits, usage.traps), (2, 1, 0));
    assert!(usage.guest_time >= Duration::from_millis(50));
}

#[tokio::test]
async fn an_endless_loop_lets_other_tasks_of_its_thread_run() {
    let evil = World::with(quick()).evil_launcher();
    let looping = tokio::spawn(async move { evil.plan(&request(&[("evil", "loop")])).await });
    // On this one thread the next lines run only because the loop yields.
    tokio::task::yield_now().await;
    assert!(!looping.is_finished());
    assert_eq!(limit(&looping.await.unwrap().unwrap_err()), "planning time");
}

#[tokio::test]
async fn a_plugin_that_sleeps_too_long_is_stopped() {
    let limits = Limits { sleep_time: Duration::from_millis(500), ..quick() };
    let evil = World::with(limits).evil_launcher();
    let error = worst(&evil, "sleep").await;
    assert_eq!(limit(&error), "sleeping time");
    evil.plan(&request(&[("evil", "sleep-a-little")])).await.unwrap();
}

#[tokio::test]
async fn a_memory_bomb_is_stopped() {
    let world = World::with(Limits { memory_bytes: 16 << 20, ..Limits::default() });
    let evil = world.evil_launcher();
    let error = worst(&evil, "memory").await;
    assert_eq!(error.to_string(), "it reached its limit for memory (16 MiB)");
    evil.plan(&request(&[("evil", "some-memory")])).await.unwrap();
    let peak = evil.usage().peak_memory_bytes;
    assert!((8 << 20..=16 << 20).contains(&peak), "{peak}");
}

#[tokio::test]
async fn endless_recursion_is_stopped() {
    let error = worst(&World::new().evil_launcher(), "stack").await;
    assert_eq!(limit(&error), "stack");
}

#[tokio::test]
async fn a_huge_answer_and_a_huge_argument_are_refused_before_they_are_copied() {
    let evil = World::new().evil_launcher();
    for trick in ["huge-plan", "huge-call"] {
        assert_eq!(limit(&worst(&evil, trick).await), "bytes of one call between plugin and host", "{trick}");
    }
}

#[tokio::test]
async fn a_panic_is_a_crash_of_the_plugin_only() {
    let evil = World::new().evil_launcher();
    let log = LogLines::collect();
    let error = worst(&evil, "panic").await;
    let PluginError::Trap { message } = &error else { panic!("{error:?}") };
    assert_eq!(message, "wasm trap: wasm `unreachable` instruction executed");
    let lines = log.lines();
    assert!(lines.iter().any(|line| line.contains("evil\u{fffd}[2J")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
    assert_eq!(evil.usage().traps, 1);
}

#[tokio::test]
async fn exit_ends_the_instance_and_not_the_host() {
    let error = worst(&World::new().evil_launcher(), "exit").await;
    let PluginError::Trap { message } = &error else { panic!("{error:?}") };
    assert!(message.starts_with("it called exit"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_over_the_number_of_places_wait_for_one() {
    let world = World::with(Limits { concurrent_calls: 2, ..Limits::default() });
    let probe = world.probe(EVERYTHING);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let probe = probe.clone();
            tokio::spawn(async move { probe.plan(&request(&[("do", "plan")])).await.map(drop) })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), Ok(()));
    }
    assert_eq!(probe.usage().calls, 20);
}

#[tokio::test]
async fn a_call_that_is_given_up_frees_its_place() {
    let world = World::with(Limits { concurrent_calls: 1, ..Limits::default() });
    *world.person.thinks.lock().unwrap() = Duration::from_secs(3600);
    let evil = world.evil_launcher();
    let request_to_ask = request(&[("evil", "ask-forever")]);
    tokio::select! {
        planned = evil.plan(&request_to_ask) => panic!("{planned:?}"),
        () = world.person.asked.notified() => {}
    }
    assert_eq!(world.person.seen.lock().unwrap().len(), 1);
    evil.plan(&request(&[])).await.unwrap();
    let usage = evil.usage();
    assert_eq!((usage.calls, usage.capabilities[&Capability::Prompt].used), (2, 1));
}

#[tokio::test]
async fn a_plugin_outlives_the_runtime_that_loaded_it() {
    let evil = World::with(quick()).evil_launcher();
    let error = evil.plan(&request(&[("evil", "loop")])).await.unwrap_err();
    assert_eq!(limit(&error), "planning time");
}
