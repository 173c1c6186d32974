//! Recordings of desktops: what is replayed is what was shown, at every time, from wherever reading begins.

use std::fs;
use std::time::Duration;

use ostler_core::{
    DesktopArea, DesktopChange, DesktopEvent, DesktopPoint, DesktopSize, PointerShape, RecordingId,
};
use ostler_recording::{
    DesktopRecord, RecordedEventKind, RecordedSurface, Recorder, RecordingError, RecordingInfo,
    RecordingState,
};
use ostler_surface::{Framebuffer, Screen};

use crate::common::{Store, files, info};

const SIZE: DesktopSize = DesktopSize { width: 200, height: 130 };

fn start(store: &Store) -> (RecordingId, Recorder) {
    store.start_with(RecordingInfo { surface: RecordedSurface::Desktop, ..info() })
}

/// A change that is another one for each number, somewhere on the desktop.
fn change(number: u32) -> DesktopChange {
    let small = |number: u32, most: u16| u16::try_from(number % u32::from(most)).unwrap();
    let at = DesktopArea {
        x: small(number * 37, 150),
        y: small(number * 23, 100),
        width: 1 + small(number * 7, 50),
        height: 1 + small(number * 5, 30),
    };
    match number % 3 {
        0 => DesktopChange::Fill { at, color: [number as u8, (number >> 1) as u8, 9] },
        1 => DesktopChange::Copy {
            from: DesktopPoint { x: small(number * 3, 100), y: 0 },
            to: DesktopArea { y: 50, height: 20, ..at },
        },
        _ => {
            let bytes = (0..at.pixels() * 4).map(|index| (index as u32).wrapping_mul(number) as u8).collect();
            DesktopChange::Pixels { at, bytes }
        }
    }
}

fn update(changes: Vec<DesktopChange>) -> DesktopEvent {
    DesktopEvent::Update { changes, last: true }
}

#[test]
fn what_is_replayed_is_what_was_shown_at_every_time_from_wherever_reading_begins() {
    let store = Store::new();
    let (id, recorder) = start(&store);
    let mut screen = Screen::default();
    let mut shown: Vec<(Duration, Framebuffer)> = Vec::new();
    let mut now = Duration::ZERO;
    let mut show = |event: DesktopEvent, now: Duration| {
        recorder.desktop(&event).unwrap();
        screen.take(event).unwrap();
        shown.push((now, screen.shown().clone()));
    };
    show(DesktopEvent::Size(SIZE), now);
    // Longer than a minute, so that there are several places where reading can begin.
    for number in 0..200 {
        store.clock.advance(Duration::from_millis(987));
        now += Duration::from_millis(987);
        if number == 120 {
            show(DesktopEvent::Size(DesktopSize { width: 160, height: 120 }), now);
            show(DesktopEvent::Size(SIZE), now);
        }
        show(update(vec![change(number), change(number + 1000)]), now);
        recorder.flush().unwrap();
    }
    recorder.finish(None).unwrap();

    // The latest of each time.
    let mut times: Vec<(Duration, Framebuffer)> = Vec::new();
    for (at, picture) in shown {
        match times.last_mut() {
            Some(last) if last.0 == at => last.1 = picture,
            _ => times.push((at, picture)),
        }
    }
    for (at, picture) in times.iter().step_by(7) {
        let replayed = store.recordings().desktop_at(id, &store.key, *at).unwrap();
        assert!(replayed.shown() == picture, "at {at:?}");
        let later = store.recordings().desktop_at(id, &store.key, *at + Duration::from_millis(986)).unwrap();
        assert!(later.shown() == picture, "until the next change, at {at:?}");
    }
    let end = store.recordings().desktop_at(id, &store.key, Duration::MAX).unwrap();
    assert!(end.shown() == &times.last().unwrap().1);
    let verified = store.recordings().verify(id, &store.key).unwrap();
    assert_eq!(verified.state, RecordingState::Complete);
}

#[test]
fn an_update_that_comes_in_pieces_is_recorded_as_one_and_what_did_not_change_is_not() {
    let store = Store::new();
    let (id, recorder) = start(&store);
    recorder.desktop(&DesktopEvent::Size(SIZE)).unwrap();
    let fill = |x, color| DesktopChange::Fill { at: DesktopArea { x, y: 0, width: 10, height: 10 }, color };
    recorder.desktop(&DesktopEvent::Update { changes: vec![fill(0, [1, 1, 1])], last: false }).unwrap();
    store.clock.advance(Duration::from_millis(100));
    recorder.desktop(&DesktopEvent::Update { changes: vec![fill(100, [2, 2, 2])], last: true }).unwrap();
    // The very same once more, and a change that is taken back before the update ends.
    recorder.desktop(&update(vec![fill(0, [1, 1, 1]), fill(50, [3, 3, 3]), fill(50, [0, 0, 0])])).unwrap();
    recorder.finish(None).unwrap();
    let tiles: Vec<(Duration, DesktopArea)> = store
        .events(id)
        .into_iter()
        .filter_map(|event| match event.kind {
            RecordedEventKind::Desktop(DesktopRecord::Tile { at, .. }) => Some((event.at, at)),
            _ => None,
        })
        .collect();
    let at = Duration::from_millis(100);
    let tile = |x| DesktopArea { x, y: 0, width: 64, height: 64 };
    assert_eq!(tiles, [(at, tile(0)), (at, tile(64))]);
}

#[test]
fn a_desktop_larger_than_a_segment_comes_back_whole() {
    let store = Store::new();
    let (id, recorder) = start(&store);
    let size = DesktopSize { width: 2000, height: 1500 };
    recorder.desktop(&DesktopEvent::Size(size)).unwrap();
    let at = DesktopArea::whole(size);
    // Nothing that compresses.
    let mut state = 1_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let bytes: Vec<u8> = (0..at.pixels() * 4).map(|_| byte()).collect();
    let mut shown = Framebuffer::default();
    shown.resize(size).unwrap();
    let change = DesktopChange::Pixels { at, bytes };
    shown.apply(&change).unwrap();
    recorder.desktop(&update(vec![change])).unwrap();
    let root = recorder.finish(None).unwrap();
    assert!(root.segments >= 3, "{}", root.segments);
    assert!(store.recordings().desktop_at(id, &store.key, Duration::MAX).unwrap().shown() == &shown);
}

#[test]
fn pointer_and_markers_are_there_and_the_clipboard_is_not() {
    let store = Store::new();
    let (id, recorder) = start(&store);
    let shape = PointerShape {
        size: DesktopSize { width: 2, height: 1 },
        hot: DesktopPoint { x: 1, y: 0 },
        bytes: vec![9; 8],
    };
    recorder.desktop(&DesktopEvent::Size(SIZE)).unwrap();
    recorder.desktop(&DesktopEvent::Pointer(Some(shape.clone()))).unwrap();
    recorder.pointer_at(DesktopPoint { x: 7, y: 8 }).unwrap();
    recorder.desktop(&DesktopEvent::Clipboard("a secret from the clipboard".to_owned())).unwrap();
    recorder.marker("here").unwrap();
    recorder.finish(Some(3)).unwrap();
    let events = store.events(id);
    assert!(!format!("{events:?}").contains("clipboard"), "{events:?}");
    assert!(events.iter().any(|event| event.kind == RecordedEventKind::Marker("here".to_owned())));
    assert_eq!(events.last().unwrap().kind, RecordedEventKind::Exit(Some(3)));
    let replay = store.recordings().desktop_at(id, &store.key, Duration::MAX).unwrap();
    assert_eq!(replay.pointer(), (Some(&shape), DesktopPoint { x: 7, y: 8 }));
}

#[test]
fn one_that_was_cut_short_is_incomplete_and_shows_what_it_has() {
    let store = Store::new();
    let (id, recorder) = start(&store);
    recorder.desktop(&DesktopEvent::Size(SIZE)).unwrap();
    recorder.desktop(&update(vec![change(0)])).unwrap();
    drop(recorder);
    assert_eq!(store.recordings().verify(id, &store.key).unwrap().state, RecordingState::Incomplete);
    let shown = store.recordings().desktop_at(id, &store.key, Duration::MAX).unwrap();
    assert_eq!(shown.shown().size(), SIZE);
}

#[test]
fn a_changed_byte_is_reported() {
    let store = Store::new();
    let (id, recorder) = start(&store);
    recorder.desktop(&DesktopEvent::Size(SIZE)).unwrap();
    recorder.desktop(&update(vec![change(0)])).unwrap();
    recorder.finish(None).unwrap();
    for file in files(&store.path(id)) {
        let whole = fs::read(&file).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x20;
            fs::write(&file, &changed).unwrap();
            let read = store.recordings().verify(id, &store.key);
            assert!(
                matches!(read, Err(RecordingError::Damaged { .. })),
                "byte {place} of {}",
                file.display()
            );
        }
        fs::write(&file, &whole).unwrap();
    }
    store.recordings().verify(id, &store.key).unwrap();
}

#[test]
fn a_terminal_is_no_desktop_and_a_desktop_no_terminal() {
    let store = Store::new();
    let (terminal, _) = store.record();
    let refused = store.recordings().desktop_at(terminal, &store.key, Duration::ZERO);
    assert!(matches!(refused, Err(RecordingError::NoDesktop(_))));
    let (desktop, recorder) = start(&store);
    recorder.finish(None).unwrap();
    let refused = store.recordings().export_asciicast(desktop, &store.key, &mut Vec::new());
    assert!(matches!(refused, Err(RecordingError::NoTerminal(_))));
}
