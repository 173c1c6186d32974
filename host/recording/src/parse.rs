//! Reading asciicast v3, ours and others'.
//!
//! Total: any bytes give events or an error that names the line; memory is bounded by [`MAX_LINE_BYTES`]. Codes
//! that are unknown are skipped, as the format asks.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read as _},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ostler_core::TerminalSize;
use serde::Deserialize;

use crate::{
    CastHeader, RecordedEvent, RecordedEventKind,
    cast::{BYTES_CODE, ENDED_CODE},
};

/// The longest line that is read, in bytes; more would be held in memory at once.
pub const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;
/// The longest time between two events: 30 years, so that times can be added up without a thought.
const MAX_INTERVAL_SECONDS: f64 = 1e9;

/// Text is not an asciicast v3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CastError {
    /// The file could not be read.
    #[error("the asciicast could not be read: {0}")]
    Read(io::ErrorKind),
    /// The first line is not a header.
    #[error("line 1 is not the header of an asciicast: {0}")]
    Header(&'static str),
    /// It is another version.
    #[error("an asciicast of version {0}: expected 3")]
    Version(u64),
    /// A line is not an event.
    #[error("line {line} is not an event: {fault}")]
    Event {
        /// The line, from 1 on.
        line: u64,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A line is longer than [`MAX_LINE_BYTES`].
    #[error("line {line} is too long")]
    LineTooLong {
        /// The line, from 1 on.
        line: u64,
    },
}

/// Reads an asciicast v3: the header at once, the events as they are asked for.
///
/// # Errors
/// [`CastError`], if there is no header.
pub fn parse_asciicast<R: BufRead>(mut reader: R) -> Result<(CastHeader, CastEvents<R>), CastError> {
    let mut parser = CastParser::default();
    let line = read_line(&mut reader, 1)?.ok_or(CastError::Header("the file is empty"))?;
    let header = parser.header(&line)?;
    Ok((header, CastEvents { reader, parser, ended: false }))
}

/// The events of an asciicast. After an error there are none.
#[derive(Debug)]
pub struct CastEvents<R> {
    reader: R,
    parser: CastParser,
    ended: bool,
}

impl<R: BufRead> Iterator for CastEvents<R> {
    type Item = Result<RecordedEvent, CastError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let event = match read_line(&mut self.reader, self.parser.lines + 1) {
                Ok(Some(line)) => self.parser.event(&line),
                Ok(None) => {
                    self.ended = true;
                    Ok(self.parser.finish())
                }
                Err(error) => Err(error),
            };
            self.ended |= event.is_err();
            if let Some(event) = event.transpose() {
                return Some(event);
            }
        }
        None
    }
}

fn read_line(reader: &mut impl BufRead, number: u64) -> Result<Option<Vec<u8>>, CastError> {
    let mut line = Vec::new();
    let read = reader.take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut line);
    let read = read.map_err(|error| CastError::Read(error.kind()))?;
    if read as u64 > MAX_LINE_BYTES {
        return Err(CastError::LineTooLong { line: number });
    }
    Ok((read > 0).then_some(line))
}

#[derive(Deserialize)]
struct HeaderLine {
    version: u64,
    term: Option<Terminal>,
    timestamp: Option<u64>,
    title: Option<String>,
    command: Option<String>,
}

#[derive(Deserialize)]
struct Terminal {
    cols: u16,
    rows: u16,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Takes an asciicast line by line. An event is given out with the next line: that may hold its exact bytes.
#[derive(Debug, Default)]
pub(crate) struct CastParser {
    lines: u64,
    microseconds: u64,
    held: Option<RecordedEvent>,
}

impl CastParser {
    /// Takes the first line.
    pub(crate) fn header(&mut self, line: &[u8]) -> Result<CastHeader, CastError> {
        self.lines += 1;
        let header: HeaderLine = serde_json::from_slice(line)
            .map_err(|_| CastError::Header("expected a JSON object with a version"))?;
        if header.version != 3 {
            return Err(CastError::Version(header.version));
        }
        let terminal = header.term.ok_or(CastError::Header("the terminal is missing"))?;
        Ok(CastHeader {
            terminal: TerminalSize { columns: terminal.cols, rows: terminal.rows },
            terminal_type: terminal.kind,
            timestamp: header.timestamp,
            title: header.title,
            command: header.command,
        })
    }

    /// Takes a further line, and gives out an event that is complete now.
    pub(crate) fn event(&mut self, line: &[u8]) -> Result<Option<RecordedEvent>, CastError> {
        self.lines += 1;
        let number = self.lines;
        let fault = |fault| CastError::Event { line: number, fault };
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(None);
        }
        let (interval, code, data): (f64, Cow<'_, str>, serde_json::Value) =
            serde_json::from_slice(line).map_err(|_| fault("expected [interval, code, data]"))?;
        if !(0.0..=MAX_INTERVAL_SECONDS).contains(&interval) {
            return Err(fault("the interval is negative or longer than 30 years"));
        }
        // Between 0 and 1e15, by the check above.
        let interval = (interval * 1e6).round() as u64;
        self.microseconds = self.microseconds.saturating_add(interval);

        let text = data.as_str();
        if code == BYTES_CODE {
            if let (Some(held), Some(text)) = (&mut self.held, text) {
                keep_exact_bytes(held, text);
            }
            return Ok(self.held.take());
        }
        let kind = match code.as_ref() {
            "o" => RecordedEventKind::Output(text.ok_or(fault("the data is no text"))?.as_bytes().to_vec()),
            "i" => RecordedEventKind::Input(text.ok_or(fault("the data is no text"))?.as_bytes().to_vec()),
            "m" => RecordedEventKind::Marker(text.ok_or(fault("the data is no text"))?.to_owned()),
            "r" => RecordedEventKind::Resize(
                text.and_then(size).ok_or(fault("expected a size such as '80x24'"))?,
            ),
            "x" => {
                let status = text.and_then(|text| text.parse::<i64>().ok());
                let status = status.or(data.as_i64()).ok_or(fault("expected an exit status"))?;
                RecordedEventKind::Exit(status.try_into().ok())
            }
            ENDED_CODE => RecordedEventKind::Exit(None),
            _ => return Ok(self.held.take()),
        };
        let event = RecordedEvent { at: Duration::from_micros(self.microseconds), kind };
        Ok(self.held.replace(event))
    }

    /// Gives out the last event.
    pub(crate) fn finish(&mut self) -> Option<RecordedEvent> {
        self.held.take()
    }
}

/// Puts the bytes in place of the text, if they are what the text stands for; a foreign event of this code is skipped.
fn keep_exact_bytes(held: &mut RecordedEvent, encoded: &str) {
    let (RecordedEventKind::Output(shown) | RecordedEventKind::Input(shown)) = &mut held.kind else { return };
    if let Ok(bytes) = STANDARD.decode(encoded)
        && String::from_utf8_lossy(&bytes).as_bytes() == shown.as_slice()
    {
        *shown = bytes;
    }
}

fn size(text: &str) -> Option<TerminalSize> {
    let (columns, rows) = text.split_once('x')?;
    Some(TerminalSize { columns: columns.parse().ok()?, rows: rows.parse().ok()? })
}
