//! What is in a segment of a desktop's recording, as it stands there before it is compressed and sealed.
//!
//! What is read comes back byte for byte, and replays to a desktop that a picture can be made of.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;
use ostler_core::{DesktopArea, DesktopPoint, DesktopSize, PointerShape};
use ostler_recording::fuzzing::{read_desktop, write_desktop};
use ostler_recording::{DesktopRecord, RecordedEvent, RecordedEventKind, Replay};

use super::Taken;
use crate::Input;

/// Larger desktops are read here and not replayed: they cost time and teach nothing.
const MOST_PIXELS: usize = 1 << 18;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let size = |width, height| DesktopSize { width, height };
    let shape = PointerShape { size: size(2, 1), hot: DesktopPoint { x: 1, y: 0 }, bytes: vec![9; 8] };
    let tile = |x, y, width, height| {
        let at = DesktopArea { x, y, width, height };
        DesktopRecord::Tile { at, colors: vec![7; at.pixels() * 3] }
    };
    let records = [
        DesktopRecord::Size(size(80, 70)),
        tile(0, 0, 64, 64),
        tile(64, 64, 16, 6),
        DesktopRecord::Pointer(Some(shape)),
        DesktopRecord::PointerAt(DesktopPoint { x: 3, y: 4 }),
        DesktopRecord::Size(size(20, 20)),
        tile(0, 0, 20, 20),
        DesktopRecord::Pointer(None),
    ];
    let kinds = records.into_iter().map(RecordedEventKind::Desktop).chain([
        RecordedEventKind::Marker("here".to_owned()),
        RecordedEventKind::Output(b"text".to_vec()),
        RecordedEventKind::Exit(Some(1)),
        RecordedEventKind::Exit(None),
    ]);
    let events: Vec<RecordedEvent> =
        (0..).zip(kinds).map(|(at, kind)| RecordedEvent { at: Duration::from_millis(at), kind }).collect();
    Ok(vec![Input::of(write_desktop(&events)), Input::of("")])
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some(events) = read_desktop(input.bytes()) else { return Ok(Taken::Refused) };
    ensure!(write_desktop(&events) == input.bytes(), "what was read is written as something else");
    let mut replay = Replay::default();
    for event in &events {
        if let RecordedEventKind::Desktop(DesktopRecord::Size(size)) = &event.kind
            && size.pixels() > MOST_PIXELS
        {
            return Ok(Taken::Read);
        }
        let changed = replay.take(event);
        if let (true, RecordedEventKind::Desktop(DesktopRecord::Tile { at, colors })) = (changed, &event.kind)
        {
            ensure!(replay.shown().colors(*at).as_ref() == Some(colors), "a tile is not where it was put");
        }
    }
    let (shown, size) = (replay.shown(), replay.shown().size());
    ensure!(ostler_surface::png(shown).is_ok() == size.fits(), "a desktop of {size:?} has no picture");
    Ok(Taken::Read)
}
