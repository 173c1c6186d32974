//! The hostile suite: every attack of the guest `hostile`, each with its outcome. While it runs, another plugin's calls
//! come back; after it, the same plugin plans honestly.
//!
//! What is refused before anything runs is in `hostile_files.rs`. How long others wait is measured by
//! `cargo xtask bench --only hostile-echo`.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{
    Endpoint, ImportEntry, ImportProblem, SessionPlan, SettingValue, Settings, SshPlan, TerminalSize,
};
use ostler_runtime::{ImportOutlet, Limits, Plugin, PluginError};

use crate::world::{EVERYTHING, World, guest, request};
use Outcome::{BadAnswer, BadPlan, Crash, Limit, Plan, Refused, Says};

/// What becomes of an attack.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    /// The limit of this name ends the call.
    Limit(&'static str),
    /// It ends by a crash that says this.
    Crash(&'static str),
    /// The plan names what this launch does not offer.
    Refused(&'static str),
    /// The plan has a field that is out of bounds.
    BadPlan(&'static str),
    /// The answer is out of bounds.
    BadAnswer(&'static str),
    /// It comes to nothing, and the plugin says this.
    Says(&'static str),
    /// It has no effect.
    Plan,
}

/// Its time of computing; where others had the processor meanwhile, its time of sleeping may end before.
const TOO_LONG: Outcome = Limit("ing time");

const TOO_MUCH: Outcome = Limit("bytes of one call between plugin and host");

/// What a plan tries, and what becomes of it.
const PLANS: &[(&str, Outcome)] = &[
    // Computing, waiting and calling without an end.
    ("loop", TOO_LONG),
    ("loop-of-copies", TOO_LONG),
    ("loop-of-log-lines", TOO_LONG),
    ("loop-of-refused-calls", TOO_LONG),
    ("loop-of-slots", TOO_LONG),
    ("loop-of-clock-readings", TOO_LONG),
    ("recursion", Limit("stack")),
    ("recursion-through-pointers", Limit("stack")),
    ("sleep", TOO_LONG),
    ("sleep-in-small-pieces", TOO_LONG),
    ("wait-for-many-alarms", TOO_LONG),
    ("spin-on-an-alarm", TOO_LONG),
    ("wait-for-nothing", Crash("empty poll list")),
    // Memory: its own, and the host's.
    ("memory", Limit("memory")),
    ("memory-at-once", Limit("memory")),
    ("memory-page-by-page", Limit("memory")),
    ("huge-argument", TOO_MUCH),
    ("a-million-empty-texts-to-the-host", TOO_MUCH),
    ("a-form-of-ten-thousand-fields", Says("Invalid")),
    ("storage-in-many-keys", Says("Limit")),
    ("storage-in-large-values", Says("Limit")),
    ("a-key-of-a-megabyte", Says("Invalid")),
    ("a-key-of-another-plugin", Says("Ok(false)")),
    // Handles.
    ("ten-thousand-handles", Limit("host objects")),
    ("ten-thousand-handles-leaked", Limit("host objects")),
    ("ten-thousand-handles-one-by-one", Says("end")),
    ("a-forged-handle", Crash("handle")),
    ("a-handle-dropped-twice", Crash("handle")),
    ("a-handle-used-after-its-end", Crash("handle")),
    ("a-list-of-the-same-handle", Crash("handle limit")),
    // Floods.
    ("lines-to-stdout", Says("end")),
    ("lines-to-stderr", Says("end")),
    ("one-line-without-an-end", Says("end")),
    ("no-text-to-stdout", Says("end")),
    ("lines-to-the-log", Says("end")),
    ("a-forged-log-line", Says("end")),
    ("forms-without-an-end", Says("Limit")),
    ("a-form-in-the-name-of-the-host", Says("end")),
    // Ends.
    ("panic", Crash("unreachable")),
    ("exit-0", Crash("exit with status 0")),
    ("exit-1", Crash("exit with status 1")),
    ("abort", Crash("unreachable")),
    ("unreachable", Crash("unreachable")),
    ("a-number-out-of-range", Crash("integer")),
    ("reading-out-of-bounds", Crash("out of bounds")),
    ("writing-out-of-bounds", Crash("out of bounds")),
    ("calling-nothing", Crash("undefined element")),
    ("calling-another-type", Crash("indirect call type mismatch")),
    // Surroundings.
    ("environment", Says("0 variables")),
    ("arguments", Says("0 arguments")),
    ("files", Says("0 opened, listed false")),
    ("a-file-of-its-own", Says("false")),
    ("input", Says("Ok(\"\")")),
    ("a-program", Says("false")),
    ("a-thread", Says("false")),
    ("the-clock", Says("1000000000")),
    ("slots", Says("Ok(1)")),
    // Answers.
    ("a-huge-refusal", TOO_MUCH),
    ("a-refusal-of-escapes", Says("root@host:~#")),
    ("a-bad-setting-of-escapes", Says("")),
    ("a-huge-command", TOO_MUCH),
    ("a-million-empty-variables", TOO_MUCH),
    ("a-million-ways-to-log-in", TOO_MUCH),
    ("a-million-arguments", TOO_MUCH),
    ("a-slot-of-somebody-else", Refused("does not offer")),
    ("a-slot-as-a-key-that-is-not-offered", Refused("does not offer")),
    ("a-slot-that-is-no-name", BadPlan("auth.password")),
    ("a-host-of-escapes", BadPlan("target.host")),
    ("a-command-of-escapes", BadPlan("run.command")),
    ("a-time-without-an-end", BadPlan("connect-timeout-seconds")),
    ("a-drive-without-a-driver", Plan),
];

/// What a description tries.
const DESCRIPTIONS: &[(&str, Outcome)] = &[
    ("describe-loop", TOO_LONG),
    ("describe-panic", Crash("unreachable")),
    ("describe-a-million-kinds", TOO_MUCH),
    ("describe-a-huge-title", TOO_MUCH),
    ("describe-a-bad-kind", BadAnswer("kind")),
    ("describe-escapes", Plan),
];

/// What looking at a file tries.
const DETECTIONS: &[(&str, Outcome)] =
    &[("detect-loop", TOO_LONG), ("detect-panic", Crash("unreachable")), ("detect-255", Plan)];

/// What reading a file tries.
const FILES: &[(&str, Outcome)] = &[
    ("parse-loop", TOO_LONG),
    ("parse-panic", Crash("unreachable")),
    ("entries-without-an-end", Limit("entries of a file")),
    // As many entries as it may, or as much time, whichever comes first.
    ("entries-after-the-end", Limit("")),
    ("a-huge-entry", TOO_MUCH),
    ("a-million-empty-tags", TOO_MUCH),
    ("folders-without-an-end", Plan),
    ("a-block-of-noise", BadAnswer("a block of packed entries")),
    ("a-block-that-claims-four-billion", BadAnswer("a block of packed entries")),
    ("problems-without-an-end", Limit("problems of a file")),
    ("reads-without-an-end", TOO_LONG),
    ("a-summary-of-noise", Plan),
    ("a-failure-without-an-end", Says("")),
];

/// Limits that are soon reached.
fn tight() -> Limits {
    Limits {
        memory_bytes: 64 << 20,
        detect_time: Duration::from_millis(300),
        plan_time: Duration::from_millis(300),
        parse_time: Duration::from_millis(400),
        sleep_time: Duration::from_millis(100),
        import_entries: 10_000,
        import_problems: 10_000,
        ..Limits::default()
    }
}

fn hostile(world: &World) -> Plugin {
    world.load(&guest("hostile"), EVERYTHING).unwrap()
}

fn matches(found: &Result<String, PluginError>, expected: Outcome) -> bool {
    match (found, expected) {
        (Err(PluginError::Limit { limit, .. }), Limit(name)) => limit.contains(name),
        (Err(PluginError::Trap { message }), Crash(words)) => message.contains(words),
        (Err(PluginError::Refused { reason, .. }), Refused(words)) => reason.contains(words),
        (Err(PluginError::BadPlan(fault)), BadPlan(field)) => fault.field == field,
        (Err(PluginError::BadAnswer { what, .. }), BadAnswer(part)) => *what == part,
        (Err(PluginError::Said(said)), Says(words)) => {
            said.text.contains(words)
                && !said.text.contains(char::is_control)
                && said.text.chars().count() <= 2000
        }
        (Ok(_), Plan) => true,
        _ => false,
    }
}

/// Runs an attack while another plugin is called again and again, then lets the attacker plan honestly.
async fn unharmed<T>(world: &World, attacker: &Plugin, attack: impl Future<Output = T>) -> T {
    let other = world.probe(EVERYTHING);
    let mut attack = std::pin::pin!(attack);
    let mut calls = 0;
    let outcome = loop {
        tokio::select! {
            outcome = &mut attack => break outcome,
            planned = async {
                let planned = other.plan(&request(&[("do", "plan")])).await;
                // An attack that is over at once must not be overtaken for ever.
                tokio::task::yield_now().await;
                planned
            } => {
                planned.unwrap();
                calls += 1;
            }
        }
    };
    tracing::debug!(calls, "calls of another plugin during the attack");
    other.plan(&request(&[("do", "plan")])).await.unwrap();
    let honest = attacker.plan(&request(&[])).await.unwrap().plan;
    assert!(matches!(honest, SessionPlan::Ssh(SshPlan { target: Endpoint { port: 22, .. }, .. })));
    outcome
}

fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} attacks with another outcome:\n{}", wrong.len(), wrong.join("\n"));
}

/// On one thread: whoever runs between the steps of an attack runs because the attack yields.
#[tokio::test]
async fn every_attack_of_a_plan_has_its_outcome_and_harms_nobody() {
    let mut wrong = Vec::new();
    for (attack, expected) in PLANS {
        let world = World::with(tight());
        let attacker = hostile(&world);
        let request = request(&[("attack", attack)]);
        let planning = attacker.plan(&request);
        let found = unharmed(&world, &attacker, planning).await.map(|planned| format!("{:?}", planned.plan));
        if !matches(&found, *expected) {
            let found = format!("{found:?}");
            wrong.push(format!("{attack}: {expected:?}, not {}", found.get(..400).unwrap_or(&found)));
        }
    }
    report(&wrong);
}

#[tokio::test]
async fn every_attack_of_a_description_has_its_outcome_and_harms_nobody() {
    let mut wrong = Vec::new();
    for (attack, expected) in DESCRIPTIONS {
        let world = World::with(tight());
        let own = Settings([("describe".to_owned(), SettingValue::Text((*attack).to_owned()))].into());
        world.settings.0.lock().unwrap().insert("test.hostile".to_owned(), own);
        let attacker = hostile(&world);
        let found = unharmed(&world, &attacker, attacker.launcher_kinds()).await;
        if let Ok(kinds) = &found {
            assert!(kinds.iter().all(|kind| !kind.title.contains(char::is_control)));
        }
        let found = found.map(|kinds| format!("{kinds:?}"));
        if !matches(&found, *expected) {
            wrong.push(format!("{attack}: {expected:?}, not {found:?}"));
        }
    }
    report(&wrong);
}

#[tokio::test]
async fn every_attack_of_a_look_at_a_file_has_its_outcome_and_harms_nobody() {
    let mut wrong = Vec::new();
    for (attack, expected) in DETECTIONS {
        let world = World::with(tight());
        let attacker = hostile(&world);
        let found = unharmed(&world, &attacker, attacker.detect(attack.as_bytes(), "x")).await;
        assert!(found.as_ref().is_ok_and(|sure| *sure <= 100) || found.is_err());
        let found = found.map(|sure| sure.to_string());
        if !matches(&found, *expected) {
            wrong.push(format!("{attack}: {expected:?}, not {found:?}"));
        }
    }
    report(&wrong);
}

/// Takes ten thousand things, and then no more.
#[derive(Default)]
struct Basket(usize);

impl ImportOutlet for Basket {
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool {
        self.0 += entries.len();
        true
    }

    fn problems(&mut self, problems: Vec<ImportProblem>) {
        self.0 += problems.len();
    }
}

#[tokio::test]
async fn every_attack_of_reading_a_file_has_its_outcome_and_harms_nobody() {
    let mut wrong = Vec::new();
    for (attack, expected) in FILES {
        let world = World::with(tight());
        let attacker = hostile(&world);
        let mut basket = Basket::default();
        let input = Box::new(Cursor::new(attack.as_bytes().to_vec()));
        let found = unharmed(&world, &attacker, attacker.parse(input, &[], &mut basket)).await;
        if let Ok(summary) = &found {
            assert!(summary.format.chars().count() <= 2000 && !summary.format.contains(char::is_control));
        }
        assert!(basket.0 <= 20_000, "{attack}: {}", basket.0);
        let found = found.map(|summary| summary.format);
        if !matches(&found, *expected) {
            wrong.push(format!("{attack}: {expected:?}, not {found:?}"));
        }
    }
    report(&wrong);
}

#[test]
fn the_list_beside_the_guests_has_every_attack() {
    let readme = include_str!("../../../../tests/guests/README.md");
    let attacks = [PLANS, DESCRIPTIONS, DETECTIONS, FILES].concat();
    let missing: Vec<&str> = attacks
        .iter()
        .map(|(attack, _)| *attack)
        .filter(|attack| !readme.contains(&format!("| `{attack}` |")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(attacks.len() >= 40);
}

/// A launcher of `ostler:launcher` 0.2.0 sees all of a request.
#[tokio::test]
async fn a_launcher_sees_folder_tags_fields_terminal_and_slots_and_no_secret() {
    let world = World::new();
    let mut request = request(&[("attack", "what-it-gets")]);
    request.folder = vec!["Customers".to_owned(), "Acme".to_owned()];
    request.tags = vec!["linux".to_owned()];
    request.custom_fields = [("rack".to_owned(), "B7".to_owned())].into();
    request.terminal = Some(TerminalSize { columns: 132, rows: 43 });
    let Err(PluginError::Said(said)) = hostile(&world).plan(&request).await else { panic!("it tells") };
    for part in [
        "[\"Customers\", \"Acme\"]",
        "[\"linux\"]",
        "(\"rack\", \"B7\")",
        "columns: 132, rows: 43",
        "field: \"password\"",
    ] {
        assert!(said.text.contains(part), "{part}: {}", said.text);
    }
}

/// Several attacks at once, on few threads, more than there are places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_attacks_at_once_leave_room_for_others() {
    let world = World::with(Limits { concurrent_calls: 4, ..tight() });
    let attacker = Arc::new(hostile(&world));
    let attacks = ["loop", "memory", "recursion", "exit-0", "lines-to-stderr", "loop-of-copies"];
    let running: Vec<_> = attacks
        .iter()
        .cycle()
        .take(24)
        .map(|attack| {
            let (attacker, request) = (Arc::clone(&attacker), request(&[("attack", attack)]));
            tokio::spawn(async move { attacker.plan(&request).await.map(drop) })
        })
        .collect();
    let other = world.probe(EVERYTHING);
    for _ in 0..8 {
        other.plan(&request(&[("do", "plan")])).await.unwrap();
    }
    for attack in running {
        assert!(attack.await.unwrap().is_err());
    }
    assert_eq!(attacker.usage().calls, 24);
}
