//! Each capability: granted, not granted, and at each of its limits.

use std::time::Duration;

use ostler_core::{FieldKind, FormAnswer, PromptError, SecretBytes, SettingValue, Settings};
use ostler_plugin_api::Capability;
use ostler_runtime::{CapabilityUse, Limits};

use crate::world::{EVERYTHING, LogLines, NOTHING, World, guest, probed, request, slot};

fn used(used: u64, refused: u64) -> CapabilityUse {
    CapabilityUse { used, refused }
}

#[tokio::test]
async fn a_granted_log_line_is_written_under_the_plugins_id_and_cleaned() {
    let world = World::new();
    let probe = world.probe(&[Capability::Log]);
    let log = LogLines::collect();
    probed(&probe, &[("do", "log"), ("message", "hot\u{1b}[31m\nstuff")]).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("WARN ostler::plugin: hot\u{fffd}[31m\u{fffd}stuff"), "{lines:?}");
    assert!(lines[0].contains("plugin=\"test.probe\""), "{lines:?}");
    assert_eq!(probe.usage().capabilities[&Capability::Log], used(1, 0));
}

#[tokio::test]
async fn a_log_line_that_is_not_granted_is_dropped_and_counted() {
    let world = World::new();
    let probe = world.probe(NOTHING);
    let log = LogLines::collect();
    assert_eq!(probed(&probe, &[("do", "log"), ("message", "hot")]).await, "logged");
    assert_eq!(log.lines(), Vec::<String>::new());
    assert_eq!(probe.usage().capabilities[&Capability::Log], used(0, 1));
}

#[tokio::test]
async fn log_lines_over_the_limit_of_a_call_are_dropped_and_the_last_one_says_so() {
    let world = World::with(Limits { log_lines: 3, ..Limits::default() });
    let probe = world.probe(EVERYTHING);
    let log = LogLines::collect();
    probed(&probe, &[("do", "log"), ("message", "x"), ("times", "10")]).await;
    let lines = log.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[3].contains("7 lines over the limit of a call were dropped"), "{lines:?}");
}

#[tokio::test]
async fn a_long_log_line_is_cut_at_4_kib() {
    let world = World::new();
    let probe = world.probe(EVERYTHING);
    let log = LogLines::collect();
    probed(&probe, &[("do", "log"), ("message", &"x".repeat(10_000))]).await;
    assert_eq!(log.lines()[0].matches('x').count(), 4096);
}

#[tokio::test]
async fn what_a_plugin_prints_goes_to_the_log_and_nowhere_else() {
    let world = World::with(Limits { log_lines: 2, ..Limits::default() });
    let probe = world.probe(NOTHING);
    let log = LogLines::collect();
    probed(&probe, &[("do", "print"), ("message", "a\u{1b}b"), ("times", "5")]).await;
    let lines = log.lines();
    let with = |part: &str| lines.iter().filter(|line| line.contains(part)).count();
    assert_eq!(
        (with("a\u{fffd}b"), with("3 lines over the limit"), with("no end of line")),
        (2, 1, 1),
        "{lines:?}"
    );
    assert!(lines.iter().all(|line| line.contains("plugin=\"test.probe\"")), "{lines:?}");
}

#[tokio::test]
async fn a_plugin_finds_an_empty_environment_and_the_hosts_clock() {
    let probe = World::new().probe(NOTHING);
    assert_eq!(probed(&probe, &[("do", "environment")]).await, r#"[] [] Err("no files") Ok("")"#);
    assert_eq!(probed(&probe, &[("do", "clock")]).await, "Ok(1000000000.000001s)");
}

#[tokio::test]
async fn storage_outlives_the_instance_and_is_the_plugins_own() {
    let world = World::new();
    world.storage.values.lock().unwrap().insert(("test.other".into(), "k0".into()), b"other".to_vec());
    let probe = world.probe(EVERYTHING);
    assert_eq!(probed(&probe, &[("do", "storage.get"), ("key", "k0")]).await, "Ok(None)");
    assert_eq!(
        probed(&probe, &[("do", "storage.set"), ("key", "k"), ("bytes", "3"), ("times", "2")]).await,
        "set 2"
    );
    assert_eq!(probed(&probe, &[("do", "storage.get"), ("key", "k0")]).await, "Ok(Some([118, 118, 118]))");
    assert_eq!(probed(&probe, &[("do", "storage.keys"), ("key", "k")]).await, r#"Ok(["k0", "k1"])"#);
    assert_eq!(probed(&probe, &[("do", "storage.delete"), ("key", "k0")]).await, "Ok(())");
    assert_eq!(probed(&probe, &[("do", "storage.keys"), ("key", "")]).await, r#"Ok(["k1"])"#);
    assert_eq!(probed(&probe, &[("do", "storage.keys"), ("key", "x")]).await, "Ok([])");
    assert_eq!(probe.usage().capabilities[&Capability::Storage], used(8, 0));
    assert_eq!(world.storage.values.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn storage_that_is_not_granted_is_refused_by_value() {
    let world = World::new();
    let probe = world.probe(&[Capability::Log]);
    let refused = "the capability 'storage' is not granted";
    for call in ["storage.get", "storage.set", "storage.delete", "storage.keys"] {
        let answer = probed(&probe, &[("do", call), ("key", "k")]).await;
        assert!(answer.contains(refused), "{call}: {answer}");
    }
    assert_eq!(probe.usage().capabilities[&Capability::Storage], used(0, 4));
    assert!(world.storage.values.lock().unwrap().is_empty());
    assert_eq!(probe.usage().traps, 0);
}

#[tokio::test]
async fn storage_keeps_to_its_limits() {
    let world = World::with(Limits { storage_keys: 3, storage_bytes: 100_000, ..Limits::default() });
    let probe = world.probe(EVERYTHING);
    let set = |key, bytes, times| [("do", "storage.set"), ("key", key), ("bytes", bytes), ("times", times)];
    let long = "k".repeat(128);
    let cases = [
        (set(&long, "1", "1"), "a key has 1 to 128 bytes"),
        (set("a", "65537", "1"), "a value has at most 64 KiB"),
        (set("a", "60000", "2"), "the storage has at most 100000 bytes"),
        (set("b", "1", "3"), "the storage has at most 3 keys"),
    ];
    for (settings, expected) in cases {
        let answer = probed(&probe, &settings).await;
        assert!(answer.contains(expected), "{answer}");
    }
    // The key counts with its number: the probe appends one.
    assert!(probed(&probe, &set(&long[1..], "1", "1")).await.contains("the storage has at most 3 keys"));
    assert_eq!(probed(&probe, &[("do", "storage.delete"), ("key", "b0")]).await, "Ok(())");
    assert_eq!(probed(&probe, &set(&long[1..], "1", "1")).await, "set 1");
    let largest = World::new().probe(EVERYTHING);
    assert_eq!(probed(&largest, &set("a", "65536", "1")).await, "set 1");
}

#[tokio::test]
async fn a_value_that_is_replaced_does_not_count_twice() {
    let world = World::with(Limits { storage_keys: 1, storage_bytes: 70_000, ..Limits::default() });
    let probe = world.probe(EVERYTHING);
    for _ in 0..2 {
        let settings = [("do", "storage.set"), ("key", "a"), ("bytes", "60000")];
        assert_eq!(probed(&probe, &settings).await, "set 1");
    }
}

#[tokio::test]
async fn a_storage_that_can_not_be_reached_is_a_value_without_the_hosts_words() {
    let world = World::new();
    let probe = world.probe(EVERYTHING);
    *world.storage.broken.lock().unwrap() = true;
    for call in ["storage.get", "storage.set", "storage.delete", "storage.keys"] {
        let answer = probed(&probe, &[("do", call), ("key", "k")]).await;
        assert!(answer.contains("Unavailable(\"the storage can't be reached now\")"), "{call}: {answer}");
    }
}

#[tokio::test]
async fn settings_come_from_the_user_else_from_the_manifest() {
    let world = World::new();
    let text = |text: &str| SettingValue::Text(text.to_owned());
    let set = [
        ("greeting".to_owned(), text("good morning")),
        ("count".to_owned(), text("not a number")),
        ("undeclared".to_owned(), text("x")),
    ];
    world.settings.0.lock().unwrap().insert("test.probe".to_owned(), Settings(set.into()));
    let probe = world.probe(EVERYTHING);
    let get = async |key| probed(&probe, &[("do", "settings.get"), ("key", key)]).await;
    assert_eq!(get("greeting").await, r#"Ok(Some(SettingValue::Text("good morning")))"#);
    assert_eq!(get("names").await, r#"Ok(Some(SettingValue::Items(["a", "b"])))"#);
    assert_eq!(get("count").await, "Ok(None)");
    assert_eq!(get("undeclared").await, "Ok(None)");
    let all = probed(&probe, &[("do", "settings.all")]).await;
    assert!(all.contains("greeting") && all.contains("names"), "{all}");
    assert!(!all.contains("undeclared") && !all.contains("not a number"), "{all}");
    assert_eq!(probe.usage().capabilities[&Capability::Settings], used(5, 0));
}

#[tokio::test]
async fn settings_that_are_not_granted_are_refused_by_value() {
    let probe = World::new().probe(NOTHING);
    for call in ["settings.get", "settings.all"] {
        let answer = probed(&probe, &[("do", call), ("key", "greeting")]).await;
        assert!(answer.contains("the capability 'settings' is not granted"), "{answer}");
    }
    assert_eq!(probe.usage().capabilities[&Capability::Settings], used(0, 2));
}

#[tokio::test]
async fn the_answer_to_a_password_field_reaches_the_plugin_as_a_slot_only() {
    let world = World::new();
    let secret = |bytes: &str| FormAnswer::Secret {
        slot: slot("prompt.pin"),
        bytes: SecretBytes::from(bytes.to_owned()),
    };
    let answers = vec![
        ("name".to_owned(), FormAnswer::Text("admin".to_owned())),
        ("pin".to_owned(), secret("hunter2")),
        ("sure".to_owned(), FormAnswer::Flag(true)),
        ("foreign".to_owned(), FormAnswer::Text("x".to_owned())),
    ];
    world.person.script.lock().unwrap().push_back(Ok(answers));
    let probe = world.probe(EVERYTHING);
    let answer = probed(&probe, &[("do", "prompt")]).await;
    for part in [r#"Text("admin")"#, r#"Slot("prompt.pin")"#, "Flag(true)"] {
        assert!(answer.contains(part), "{answer}");
    }
    assert!(!answer.contains("hunter2") && !answer.contains("foreign"), "{answer}");
    let seen = world.person.seen.lock().unwrap();
    let (asker, form) = &seen[0];
    assert_eq!((asker.as_str(), form.title.as_str()), ("test.probe", "Log in\u{fffd}"));
    assert_eq!(form.message, "one\ntwo\u{fffd}");
    assert_eq!(form.fields[0].label, "name\u{fffd}[2J");
    assert_eq!(form.fields[1].kind, FieldKind::Password);
}

#[tokio::test]
async fn a_front_end_that_returns_a_password_as_text_gives_nothing_away() {
    let world = World::new();
    let answers = vec![("pin".to_owned(), FormAnswer::Text("hunter2".to_owned()))];
    world.person.script.lock().unwrap().push_back(Ok(answers));
    let answer = probed(&world.probe(EVERYTHING), &[("do", "prompt")]).await;
    assert!(answer.contains("prompt.pin") && !answer.contains("hunter2"), "{answer}");
}

#[tokio::test]
async fn prompted_passwords_come_out_beside_the_plan_that_names_them() {
    let world = World::new();
    let pin = FormAnswer::Secret { slot: slot("prompt.pin"), bytes: SecretBytes::from("hunter2".to_owned()) };
    world.person.script.lock().unwrap().push_back(Ok(vec![("pin".to_owned(), pin)]));
    let outcome = world.probe(EVERYTHING).plan(&request(&[("do", "prompt.plan")])).await.unwrap();
    let named: Vec<&str> = outcome.plan.slots().into_iter().map(|slot| slot.as_str()).collect();
    assert_eq!(named, ["login.password", "prompt.pin"]);
    assert_eq!(outcome.prompted, [(slot("prompt.pin"), SecretBytes::from("hunter2".to_owned()))]);
}

#[tokio::test]
async fn a_person_who_declines_or_is_not_there_is_a_value() {
    let world = World::new();
    world.person.script.lock().unwrap().push_back(Err(PromptError::Declined));
    let probe = world.probe(EVERYTHING);
    assert_eq!(probed(&probe, &[("do", "prompt")]).await, "Err(PromptError::Declined)");
    assert_eq!(probed(&probe, &[("do", "prompt")]).await, "Err(PromptError::Headless)");
    assert_eq!(probe.usage().capabilities[&Capability::Prompt], used(2, 0));
}

#[tokio::test]
async fn a_form_that_is_not_granted_is_never_shown() {
    let world = World::new();
    let probe = world.probe(&[Capability::Storage]);
    let answer = probed(&probe, &[("do", "prompt")]).await;
    assert!(answer.contains("the capability 'prompt' is not granted"), "{answer}");
    assert!(world.person.seen.lock().unwrap().is_empty());
    assert_eq!(probe.usage().capabilities[&Capability::Prompt], used(0, 1));
}

#[tokio::test]
async fn a_form_out_of_bounds_is_never_shown() {
    let world = World::new();
    let probe = world.probe(EVERYTHING);
    let cases = [
        ("empty", "a form has 1 to 16 fields"),
        ("many", "a form has 1 to 16 fields"),
        ("id", "a field's id has 1 to 48 of a-z, 0-9 and '-'"),
        ("twice", "a field's id is unique in its form"),
        ("choice", "a choice has 1 to 100 texts"),
        ("long", "a text of a form has at most 4 KiB"),
    ];
    for (fault, expected) in cases {
        let answer = probed(&probe, &[("do", "prompt"), ("form", fault)]).await;
        assert!(answer.contains("Invalid") && answer.contains(expected), "{fault}: {answer}");
    }
    assert!(world.person.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_call_shows_a_bounded_number_of_forms() {
    let world = World::with(Limits { forms: 2, ..Limits::default() });
    let answer = probed(&world.probe(EVERYTHING), &[("do", "prompt"), ("times", "5")]).await;
    assert!(answer.contains("a call shows at most 2 forms"), "{answer}");
    assert_eq!(world.person.seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_wait_for_a_person_is_not_charged_to_the_plugin() {
    // The person thinks far longer than the plugin may compute and sleep.
    let short = Duration::from_millis(400);
    let world = World::with(Limits { plan_time: short, sleep_time: short, ..Limits::default() });
    *world.person.thinks.lock().unwrap() = Duration::from_millis(1500);
    world.person.script.lock().unwrap().push_back(Err(PromptError::Declined));
    let probe = world.probe(EVERYTHING);
    assert_eq!(probed(&probe, &[("do", "prompt")]).await, "Err(PromptError::Declined)");
    assert_eq!(probe.usage().limits, 0);
}

#[tokio::test]
async fn granted_slots_are_listed_by_name() {
    let probe = World::new().probe(&[Capability::SecretsUse]);
    let answer = probed(&probe, &[("do", "secrets")]).await;
    assert_eq!(answer, r#"Ok([Slot { name: "login.password", field: SecretField::Password }])"#);
    assert_eq!(probe.usage().capabilities[&Capability::SecretsUse], used(1, 0));
}

#[tokio::test]
async fn slots_that_are_not_granted_are_refused_by_value() {
    let probe = World::new().probe(&[Capability::Prompt]);
    let answer = probed(&probe, &[("do", "secrets")]).await;
    assert!(answer.contains("the capability 'secrets.use' is not granted"), "{answer}");
    assert_eq!(probe.usage().capabilities[&Capability::SecretsUse], used(0, 1));
}

#[tokio::test]
async fn a_grant_that_the_manifest_does_not_ask_for_gives_nothing() {
    let world = World::new();
    let mut probe = guest("probe");
    probe.manifest.capabilities.retain(|request| request.name != Capability::Storage);
    let error = world.load(&probe, EVERYTHING).unwrap_err().to_string();
    assert!(error.contains("does not ask for the capability 'storage'"), "{error}");
}

#[tokio::test]
async fn usage_is_counted_until_it_is_taken() {
    let world = World::new();
    let probe = world.probe(EVERYTHING);
    probed(&probe, &[("do", "log"), ("message", "x"), ("times", "2")]).await;
    let taken = probe.take_usage();
    assert_eq!((taken.calls, taken.traps, taken.limits), (1, 0, 0));
    assert_eq!(taken.capabilities[&Capability::Log], used(2, 0));
    assert_eq!(taken.capabilities.len(), Capability::ALL.len());
    assert!(taken.peak_memory_bytes >= 1 << 16 && taken.guest_time > Duration::ZERO);
    assert_eq!(probe.usage().calls, 0);
    assert_eq!(probe.usage().capabilities[&Capability::Log], used(0, 0));
}
