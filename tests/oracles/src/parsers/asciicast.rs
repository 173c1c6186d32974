//! Recordings in asciicast v3, our own exports and others'. What was read is written and read again: nothing may be lost
//! on the way.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ostler_recording::{CastHeader, RecordedEvent, RecordedEventKind, parse_asciicast, write_asciicast};

use super::{Taken, recording};
use crate::Input;

const FOREIGN: &str = r##"{"version": 3, "term": {"cols": 80, "rows": 24, "theme": {"fg": "#fff"}}, "idle_time_limit": 2.0}
# a comment
[0.25, "o", "hello \u001b[31mworld\u001b[0m\r\n"]
[1e-3, "i", "\u00e4\ud83d\udc34"]
[10, "r", "132x50"]
[0, "m", ""]
[0.5, "?", "unknown"]
[0.1, "x", "0"]
"##;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    Ok(vec![Input::of(FOREIGN), Input::of(recording::exported()?)])
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some((header, events)) = read(input.bytes()) else { return Ok(Taken::Refused) };
    let mut written = Vec::new();
    write_asciicast(&header, &events, &mut written)?;
    let (header_again, events_again) = read(&written).context("what was written can't be read")?;
    ensure!(header_again == header, "the header {header:?} came back as {header_again:?}");
    let (first, again) = (Content::of(&events), Content::of(&events_again));
    ensure!(again == first, "what was written came back as something else");
    Ok(Taken::Read)
}

/// What must not be lost: all bytes, and all that happened between them. Where one piece of output ends and the next
/// begins may differ, by the bytes of a character that was split.
#[derive(Default, PartialEq)]
struct Content {
    output: Vec<u8>,
    input: Vec<u8>,
    others: Vec<RecordedEvent>,
}

impl Content {
    fn of(events: &[RecordedEvent]) -> Self {
        let mut content = Self::default();
        for event in events {
            match &event.kind {
                RecordedEventKind::Output(bytes) => content.output.extend(bytes),
                RecordedEventKind::Input(bytes) => content.input.extend(bytes),
                _ => content.others.push(event.clone()),
            }
        }
        content
    }
}

/// Returns header and events, or none where an error came.
pub(super) fn read(bytes: &[u8]) -> Option<(CastHeader, Vec<RecordedEvent>)> {
    let (header, events) = parse_asciicast(bytes).map_err(|error| error.to_string()).ok()?;
    let events: Result<Vec<RecordedEvent>, String> =
        events.map(|event| event.map_err(|error| error.to_string())).collect();
    Some((header, events.ok()?))
}
