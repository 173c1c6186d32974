//! The capabilities `recording.annotate` and `recording.read`: granted, not granted, outside of the granted folders, and at
//! their limits. The guest asks for the recordings of `Servers`.

use std::sync::Arc;

use ostler_core::ChallengeAlgorithm;
use ostler_core::{
    ConnectionId, DriveRequest, DrivenSurface, EndReason, Endpoint, InjectError, SecretBytes, SecretInjector,
    SessionEvent, SettingValue, Settings, Sink, SlotName, TerminalSize,
};
use ostler_plugin_api::{Capability, Guard};
use ostler_runtime::{DriveLink, Limits, Plugin};
use tokio::sync::mpsc;

use crate::store::recording;
use crate::world::{NOTHING, World, probed};

const READ: &[Capability] = &[Capability::RecordingRead];
const MARK: &[Capability] = &[Capability::RecordingAnnotate, Capability::Terminal];

struct NoSecrets;

impl SecretInjector for NoSecrets {
    fn inject(&self, slot: &SlotName, _: &Sink) -> Result<SecretBytes, InjectError> {
        Err(InjectError::NoSuchSlot { slot: slot.clone() })
    }

    fn answer(
        &self,
        slot: &SlotName,
        _: &Sink,
        _: ChallengeAlgorithm,
        _: &[u8],
    ) -> Result<Vec<u8>, InjectError> {
        Err(InjectError::NoSuchSlot { slot: slot.clone() })
    }
}

/// Lets the guest drive a session, and returns what was shown, with markers in between.
async fn driven(plugin: &Plugin, settings: &[(&str, &str)]) -> String {
    let setting = |(key, value): &(&str, &str)| ((*key).to_owned(), SettingValue::Text((*value).to_owned()));
    let request = DriveRequest {
        connection: ConnectionId::random(),
        name: "db".to_owned(),
        kind: "ssh".to_owned(),
        target: Endpoint { host: "db.example".to_owned(), port: 22 },
        user: None,
        domain: None,
        settings: Settings(settings.iter().map(setting).collect()),
        slots: Vec::new(),
        surface: DrivenSurface::Terminal,
        terminal: TerminalSize { columns: 80, rows: 24 },
        terminal_type: "xterm".to_owned(),
    };
    let (_input, input) = mpsc::channel(1);
    let (output, mut shown) = mpsc::channel(2000);
    let link = DriveLink { input, output, secrets: Arc::new(NoSecrets) };
    let end = plugin.drive(&request, link).await.unwrap().unwrap();
    assert_eq!(end.reason, EndReason::Finished);
    let mut text = String::new();
    while let Some(event) = shown.recv().await {
        match event {
            SessionEvent::Output { bytes, .. } => text += &String::from_utf8(bytes).unwrap(),
            SessionEvent::Marker(marker) => text += &format!("<{marker}>"),
            other => panic!("the plugin shows no {other:?}"),
        }
    }
    text
}

#[tokio::test]
async fn a_marker_stands_where_it_was_made_under_the_plugins_name_and_cleaned() {
    let plugin = World::new().store_user(MARK);
    let shown = driven(&plugin, &[]).await;
    assert_eq!(shown, "before <test.store-user: here\u{fffd}[2J>Some(Ok(()))");
}

#[tokio::test]
async fn a_marker_without_a_session_a_grant_or_within_no_bounds_is_refused_by_value() {
    let nowhere = probed(&World::new().store_user(MARK), &[("do", "mark")]).await;
    assert!(nowhere.contains("Unavailable(\"there is no session\")"), "{nowhere}");
    let shown = driven(&World::new().store_user(&[Capability::Terminal]), &[]).await;
    assert!(shown.contains("the capability 'recording.annotate' is not granted"), "{shown}");
    let shown = driven(&World::without(Guard::Granted).store_user(NOTHING), &[]).await;
    assert!(shown.contains("Some(Ok(()))"), "{shown}");
    for marker in ["", "long"] {
        let shown = driven(&World::new().store_user(MARK), &[("marker", marker)]).await;
        assert!(shown.contains("Invalid(\"a marker has 1 to 1024 bytes\")"), "{shown}");
    }
    let plugin = World::with(Limits { markers: 2, ..Limits::default() }).store_user(MARK);
    let shown = driven(&plugin, &[("times", "3")]).await;
    assert_eq!(shown.matches("<test.store-user").count(), 2, "{shown}");
    assert!(shown.contains("Limit(\"a call makes at most 2 markers\")"), "{shown}");
}

fn recorded(world: &World) {
    *world.store.recordings.lock().unwrap() = vec![
        recording("Private/bank", Some("Private/bank"), 1),
        recording("Servers/a", Some("Servers/a"), 2),
        // Was out of reach when it was made, and is out of reach now.
        recording("Private/b", Some("Servers/b"), 3),
        recording("Servers/c", Some("Private/c"), 4),
        recording("Servers/Lab/gone", None, 5),
    ];
}

fn ids(world: &World) -> Vec<String> {
    world.store.recordings.lock().unwrap().iter().map(|found| found.id.to_string()).collect()
}

#[tokio::test]
async fn a_plugin_lists_and_reads_recordings_within_the_granted_folders() {
    let world = World::new();
    recorded(&world);
    let plugin = world.store_user(READ);
    let list = |arguments: &[(&'static str, &'static str)]| {
        let mut all = vec![("do", "recordings.list")];
        all.extend_from_slice(arguments);
        all
    };
    assert_eq!(probed(&plugin, &list(&[])).await, r#"["Servers/a", "Servers/Lab/gone"] None"#);
    assert_eq!(probed(&plugin, &list(&[("under", "Servers/Lab")])).await, r#"["Servers/Lab/gone"] None"#);
    assert_eq!(probed(&plugin, &list(&[("since", "3")])).await, r#"["Servers/Lab/gone"] None"#);
    assert_eq!(probed(&plugin, &list(&[("until", "3")])).await, r#"["Servers/a"] None"#);
    let read = probed(&plugin, &[("do", "recordings.read")]).await;
    assert_eq!(read, r#""hello <note><80x24><exit Some(0)>" in 1"#);
    assert_eq!(*world.store.opened.lock().unwrap(), [world.store.recordings.lock().unwrap()[4].id]);
    // From the third moment on.
    let read = probed(&plugin, &[("do", "recordings.read"), ("first", "3")]).await;
    assert_eq!(read, r#""<80x24><exit Some(0)>" in 1"#);
    assert_eq!(plugin.usage().refusals, []);
}

#[tokio::test]
async fn a_recording_outside_of_the_grant_is_refused_and_that_is_the_guards_work() {
    let world = World::new();
    recorded(&world);
    let plugin = world.store_user(READ);
    let under = probed(&plugin, &[("do", "recordings.list"), ("under", "Private")]).await;
    assert!(
        under.contains("the folder 'Private' is not covered by the grant of 'recording.read'"),
        "{under}"
    );
    for index in [0, 2, 3] {
        let answer = probed(&plugin, &[("do", "recordings.read"), ("id", &ids(&world)[index])]).await;
        assert!(answer.contains("the folder 'Private' is not covered"), "{index}: {answer}");
    }
    assert_eq!(*world.store.opened.lock().unwrap(), [], "nothing is opened that is refused");
    let world = World::without(Guard::Scope);
    recorded(&world);
    let unguarded = world.store_user(READ);
    for id in ids(&world) {
        let answer = probed(&unguarded, &[("do", "recordings.read"), ("id", &id)]).await;
        assert!(answer.contains("hello"), "{answer}");
    }
}

#[tokio::test]
async fn recordings_that_are_not_granted_missing_or_broken_are_refused_by_value() {
    let world = World::new();
    recorded(&world);
    let plugin = world.store_user(NOTHING);
    for call in ["recordings.list", "recordings.read"] {
        let answer = probed(&plugin, &[("do", call), ("id", &ids(&world)[1])]).await;
        assert!(answer.contains("the capability 'recording.read' is not granted"), "{call}: {answer}");
    }
    let plugin = world.store_user(READ);
    let unknown = "0".repeat(32);
    for (id, expected) in
        [("xyz", "an id has 32 hexadecimal digits"), (&unknown, "no such finished recording")]
    {
        let answer = probed(&plugin, &[("do", "recordings.read"), ("id", id)]).await;
        assert!(answer.contains(expected), "{answer}");
    }
    *world.store.broken.lock().unwrap() = true;
    let answer = probed(&plugin, &[("do", "recordings.list")]).await;
    assert!(answer.contains("Unavailable(\"the store can't be reached now\")"), "{answer}");
    let unguarded = World::without(Guard::Granted).store_user(NOTHING);
    assert_eq!(probed(&unguarded, &[("do", "recordings.list")]).await, "[] None");
}

#[tokio::test]
async fn long_lists_and_recordings_come_in_pieces_that_go_on_where_the_last_one_ended() {
    let world = World::with(Limits { store_calls: 4, ..Limits::default() });
    *world.store.recordings.lock().unwrap() =
        (0..300).map(|number| recording(&format!("Servers/c{number}"), None, number)).collect();
    let plugin = world.store_user(READ);
    let first = probed(&plugin, &[("do", "recordings.list")]).await;
    let last = ids(&world)[255].clone();
    assert_eq!(first, format!("256 Some(\"{last}\")"));
    let second = probed(&plugin, &[("do", "recordings.list"), ("after", &last)]).await;
    assert_eq!(second, "44 None");
    *world.store.outputs.lock().unwrap() = 2500;
    let id = ids(&world)[0].clone();
    let read = probed(&plugin, &[("do", "recordings.read"), ("id", &id)]).await;
    // 2504 moments; the reader is kept from one chunk to the next, so that it was opened once.
    assert!(read.ends_with(" in 3"), "{read}");
    assert_eq!(world.store.opened.lock().unwrap().len(), 1);
    *world.store.outputs.lock().unwrap() = 5000;
    let limited = probed(&plugin, &[("do", "recordings.read"), ("id", &id)]).await;
    assert!(limited.contains("at most 4 times"), "{limited}");
}
