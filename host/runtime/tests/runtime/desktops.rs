//! The capability `desktop`: what a plugin shows comes whole and in order, in pieces that stay small, and what can't be shown is
//! refused with a value.

use std::sync::Arc;

use ostler_core::{
    ConnectionId, DesktopArea, DesktopEvent, DesktopPoint, DesktopSize, DriveRequest, DrivenSurface,
    EndReason, Endpoint, InjectError, KeyInput, PointerButtons, PointerInput, SecretBytes, SecretInjector,
    SessionEvent, SessionInput, SettingValue, Settings, Sink, SlotName, TerminalSize,
};
use ostler_plugin_api::Capability;
use ostler_runtime::{DriveFailure, DriveLink, Plugin};
use ostler_surface::Screen;
use tokio::sync::mpsc;

use crate::world::{World, guest};

const GRANTED: &[Capability] = &[Capability::Desktop, Capability::Terminal];

struct NoSecrets;

impl SecretInjector for NoSecrets {
    fn inject(&self, slot: &SlotName, _: &Sink) -> Result<SecretBytes, InjectError> {
        Err(InjectError::NoSuchSlot { slot: slot.clone() })
    }
}

fn request(misuse: Option<&str>) -> DriveRequest {
    let setting = |misuse: &str| ("misuse".to_owned(), SettingValue::Text(misuse.to_owned()));
    DriveRequest {
        connection: ConnectionId::random(),
        name: "Painter".to_owned(),
        kind: "painter".to_owned(),
        target: Endpoint { host: "127.0.0.1".to_owned(), port: 5900 },
        user: None,
        domain: None,
        settings: Settings(misuse.map(setting).into_iter().collect()),
        slots: Vec::new(),
        surface: DrivenSurface::Desktop,
        terminal: TerminalSize { columns: 80, rows: 24 },
        terminal_type: "xterm".to_owned(),
    }
}

async fn misused(plugin: &Plugin, how: &str) -> (String, Vec<SessionEvent>) {
    let (_input, input) = mpsc::channel(1);
    let (output, mut shown) = mpsc::channel(100);
    let link = DriveLink { input, output, secrets: Arc::new(NoSecrets) };
    let driven = plugin.drive(&request(Some(how)), link).await;
    let mut events = Vec::new();
    while let Some(event) = shown.recv().await {
        events.push(event);
    }
    match driven {
        Ok(Err(DriveFailure::Other(text))) => (text, events),
        other => panic!("the painter should say what it got, not {other:?}"),
    }
}

#[tokio::test]
async fn what_can_not_be_shown_is_refused_with_a_value() {
    let plugin = World::new().load(&guest("painter"), GRANTED).unwrap();
    for (how, expected) in [
        ("size", "Invalid(\"a desktop has 1 to 8192 pixels"),
        ("outside", "Invalid(\"an area is not on the desktop"),
        ("copy", "Invalid(\"what is copied is not on the desktop"),
        ("short", "Invalid(\"an area has four bytes"),
        ("many", "Limit(\"an update has at most 4096 changes"),
        ("pointer", "Invalid(\"the pointer has 1 to 256 pixels"),
        ("clipboard", "Limit(\"a clipboard has at most 1 MiB"),
        ("terminal", "Unavailable(\"there is no session that shows a terminal"),
    ] {
        let (said, events) = misused(&plugin, how).await;
        assert!(said.contains(expected), "{how}: {said}");
        assert_eq!(events.len(), 1, "nothing of it is shown but the size before: {how}");
    }
    for fine in ["nothing", "good-pointer", "large"] {
        assert_eq!(misused(&plugin, fine).await.0, "Ok(())", "{fine}");
    }
}

#[tokio::test]
async fn a_large_update_comes_in_pieces_and_is_whole_with_the_last_one() {
    let plugin = World::new().load(&guest("painter"), GRANTED).unwrap();
    let (_, events) = misused(&plugin, "large").await;
    let mut screen = Screen::default();
    let mut pieces = 0;
    for event in events {
        let SessionEvent::Desktop(event) = event else { panic!("{event:?}") };
        if let DesktopEvent::Update { changes, last } = &event {
            pieces += 1;
            let bytes: usize = changes.iter().map(|change| format!("{change:?}").len()).sum();
            assert!(bytes > 0 && *last == (pieces == 8), "{pieces} {last}");
        }
        screen.take(event).unwrap();
    }
    assert_eq!(pieces, 8, "8 MiB in pieces of 1 MiB");
    let pixel = |x, y| screen.shown().colors(DesktopArea { x, y, width: 1, height: 1 }).unwrap();
    assert_eq!(pixel(1000, 1000), [232, 232, 0]);
    assert_eq!(pixel(2047, 0), [255, 0, 255]);
}

#[tokio::test]
async fn the_largest_desktop_is_shown_at_once_and_not_a_pixel_more() {
    let plugin = World::new().load(&guest("painter"), GRANTED).unwrap();
    let (outcome, events) = misused(&plugin, "largest").await;
    assert_eq!(
        (outcome.as_str(), events.len()),
        ("Ok(())", 66),
        "the size before it, its own, and 64 pieces"
    );
    let (outcome, _) = misused(&plugin, "too-large").await;
    assert!(outcome.contains("Limit(\"an update has at most 4096 changes and 64 MiB"), "{outcome}");
}

#[tokio::test]
async fn what_the_user_does_reaches_the_plugin_and_what_it_shows_the_user() {
    let plugin = World::new().load(&guest("painter"), GRANTED).unwrap();
    let (input, hears) = mpsc::channel(16);
    let (shows, mut shown) = mpsc::channel(16);
    let link = DriveLink { input: hears, output: shows, secrets: Arc::new(NoSecrets) };
    let driving = tokio::spawn(async move { plugin.drive(&request(None), link).await });
    let left = PointerButtons { left: true, ..PointerButtons::default() };
    for done in [
        SessionInput::Key(KeyInput { keysym: 0x0012_3456, down: true }),
        SessionInput::Key(KeyInput { keysym: 0x0012_3456, down: false }),
        SessionInput::Pointer(PointerInput {
            at: DesktopPoint { x: 50, y: 60 },
            buttons: left,
            wheel_x: 0,
            wheel_y: 0,
        }),
        SessionInput::Clipboard("copied".to_owned()),
        SessionInput::ResizeDesktop(DesktopSize { width: 400, height: 300 }),
        SessionInput::Close,
    ] {
        input.send(done).await.unwrap();
    }
    let (mut screen, mut before, mut clipboard) = (Screen::default(), None, String::new());
    while let Some(event) = shown.recv().await {
        let SessionEvent::Desktop(event) = event else { panic!("{event:?}") };
        match &event {
            DesktopEvent::Size(DesktopSize { width: 400, .. }) => before = Some(screen.shown().clone()),
            DesktopEvent::Clipboard(text) => clipboard.clone_from(text),
            _ => {}
        }
        screen.take(event).unwrap();
    }
    let before = before.unwrap();
    let pixel = |x, y| before.colors(DesktopArea { x, y, width: 1, height: 1 }).unwrap();
    assert_eq!(
        (pixel(13, 7), pixel(51, 61), clipboard.as_str()),
        (vec![0x56, 0x34, 0x12], vec![0, 0, 255], "copied")
    );
    assert_eq!(screen.shown().size(), DesktopSize { width: 400, height: 300 });
    let end = driving.await.unwrap().unwrap().unwrap();
    assert_eq!(end.reason, EndReason::ClosedHere);
}
