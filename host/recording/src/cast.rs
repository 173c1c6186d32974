//! Writing asciicast v3 (docs.asciinema.org/manual/asciicast/v3), losslessly.
//!
//! Two event codes are our own; players skip codes that they don't know, and their data are strings as the format
//! wants it:
//! - `"B"` follows an `"o"` or `"i"` event whose bytes are no UTF-8: the Base64 of exactly the bytes that its text
//!   stands for (U+FFFD in place of each sequence that is none, as `String::from_utf8_lossy` puts it).
//! - `"X"` stands in place of `"x"` where the session ended without an exit status; its text is empty.
//!
//! Times are whole microseconds, printed as seconds with six decimals, each counted from the event before it, so
//! that no error adds up. Never writes a line that is longer than [`parse_asciicast`](crate::parse_asciicast) takes.

use std::{
    io::{self, Write},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ostler_core::TerminalSize;

use crate::{
    RecordedEvent, RecordedEventKind, RecordingInfo,
    layout::PIECE_BYTES,
    segment::microseconds,
    text::{Decoded, TextDecoder},
};

/// The code of an event that keeps the exact bytes of the one before it.
pub(crate) const BYTES_CODE: &str = "B";
/// The code of an end without exit status.
pub(crate) const ENDED_CODE: &str = "X";

/// The first line of an asciicast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CastHeader {
    /// The terminal at the beginning.
    pub terminal: TerminalSize,
    /// The terminal's type, such as `xterm-256color`.
    pub terminal_type: Option<String>,
    /// When the recording began, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// The title.
    pub title: Option<String>,
    /// The command that was recorded.
    pub command: Option<String>,
}

impl From<&RecordingInfo> for CastHeader {
    fn from(info: &RecordingInfo) -> Self {
        Self {
            terminal: info.terminal,
            terminal_type: Some(info.terminal_type.clone()),
            timestamp: info.started.seconds().try_into().ok(),
            title: Some(info.name.clone()),
            command: info.command.clone(),
        }
    }
}

impl CastHeader {
    /// Returns the line, with its newline.
    pub(crate) fn line(&self) -> Vec<u8> {
        let mut terminal = serde_json::Map::new();
        terminal.insert("cols".to_owned(), self.terminal.columns.into());
        terminal.insert("rows".to_owned(), self.terminal.rows.into());
        terminal.extend(self.terminal_type.iter().map(|kind| ("type".to_owned(), kind.as_str().into())));
        let mut header = serde_json::Map::new();
        header.insert("version".to_owned(), 3.into());
        header.insert("term".to_owned(), terminal.into());
        header.extend(self.timestamp.map(|time| ("timestamp".to_owned(), time.into())));
        header.extend(self.command.iter().map(|command| ("command".to_owned(), command.as_str().into())));
        header.extend(self.title.iter().map(|title| ("title".to_owned(), title.as_str().into())));
        format!("{}\n", serde_json::Value::from(header)).into_bytes()
    }
}

/// Turns events into lines. Output is decoded as one stream: a character that is split over two events is shown with
/// the second one.
#[derive(Debug, Default)]
pub(crate) struct CastEncoder {
    microseconds: u64,
    output: TextDecoder,
    /// Events are lines that were read: their text must be what it was, so nothing is joined over events.
    as_read: bool,
}

impl CastEncoder {
    /// Makes an encoder that gives the very lines back that events were read from.
    pub(crate) fn as_read() -> Self {
        Self { as_read: true, ..Self::default() }
    }

    /// Appends the lines of an event.
    pub(crate) fn event(&mut self, at: Duration, kind: &RecordedEventKind, lines: &mut Vec<u8>) {
        match kind {
            RecordedEventKind::Output(bytes) => {
                for piece in pieces(bytes) {
                    let decoded = if self.as_read {
                        Some(Decoded::of(piece.to_vec()))
                    } else {
                        self.output.push(piece)
                    };
                    if let Some(decoded) = decoded {
                        self.text(at, "o", &decoded, lines);
                    }
                }
            }
            RecordedEventKind::Input(bytes) => {
                pieces(bytes).for_each(|piece| self.text(at, "i", &Decoded::of(piece.to_vec()), lines));
            }
            RecordedEventKind::Resize(size) => {
                self.line(at, "r", &format!("{}x{}", size.columns, size.rows), lines);
            }
            // Has a format of its own.
            RecordedEventKind::Desktop(_) => {}
            RecordedEventKind::Marker(label) => self.line(at, "m", label, lines),
            RecordedEventKind::Exit(status) => {
                self.finish(at, lines);
                match status {
                    Some(status) => self.line(at, "x", &status.to_string(), lines),
                    None => self.line(at, ENDED_CODE, "", lines),
                }
            }
        }
    }

    /// Appends what is left of the output once nothing follows.
    pub(crate) fn finish(&mut self, at: Duration, lines: &mut Vec<u8>) {
        if let Some(decoded) = self.output.finish() {
            self.text(at, "o", &decoded, lines);
        }
    }

    /// Returns the bytes of output that wait for the rest of their character.
    pub(crate) fn pending(&self) -> &[u8] {
        self.output.pending()
    }

    fn text(&mut self, at: Duration, code: &str, decoded: &Decoded, lines: &mut Vec<u8>) {
        self.line(at, code, &decoded.text, lines);
        if !decoded.exact {
            self.line(at, BYTES_CODE, &STANDARD.encode(&decoded.bytes), lines);
        }
    }

    fn line(&mut self, at: Duration, code: &str, data: &str, lines: &mut Vec<u8>) {
        let now = microseconds(at).max(self.microseconds);
        let interval = now - self.microseconds;
        self.microseconds = now;
        let (seconds, rest) = (interval / 1_000_000, interval % 1_000_000);
        let data = serde_json::Value::from(data);
        lines.extend_from_slice(format!("[{seconds}.{rest:06}, \"{code}\", {data}]\n").as_bytes());
    }
}

/// Cuts bytes so that no line gets too long; what a reader returned is never cut again.
fn pieces(bytes: &[u8]) -> std::slice::Chunks<'_, u8> {
    // Up to 3 pending bytes come before a piece.
    bytes.chunks(if bytes.len() <= PIECE_BYTES { PIECE_BYTES } else { PIECE_BYTES - 3 })
}

/// Writes an asciicast v3.
///
/// Output and input come back exactly, byte for byte, from [`parse_asciicast`](crate::parse_asciicast); chunks longer
/// than 16 KiB come back in pieces.
///
/// # Errors
/// Fails where `out` takes no more.
pub fn write_asciicast<'a>(
    header: &CastHeader,
    events: impl IntoIterator<Item = &'a RecordedEvent>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut encoder = CastEncoder::default();
    let mut lines = header.line();
    let mut end = Duration::ZERO;
    for event in events {
        encoder.event(event.at, &event.kind, &mut lines);
        end = end.max(event.at);
        out.write_all(&lines)?;
        lines.clear();
    }
    encoder.finish(end, &mut lines);
    out.write_all(&lines)
}
