//! Imports connections from JSON: Ostler's own exports, and those of Delinea Connection Manager.
//!
//! Records are found by their brackets and read one by one, so that a broken one costs itself only. A comma too many is taken for none;
//! all else that is no JSON (RFC 8259) is named with its line and column. Never guesses at a value.

mod connection_manager;
mod exported;
mod names;
mod scan;

use std::io::Read as _;

use ostler_sdk::importer::{Failure, Feed, Importer, Info, Options, Position, Summary};

use crate::scan::Document;

/// The plugin.
pub struct Json;

ostler_sdk::export_plugin!(Json, kinds: [importer]);

/// How sure the importer is of what it knows by its members.
const SURE: u8 = 95;

impl Importer for Json {
    fn describe() -> Info {
        Info::new("JSON").extension("json").extension("jsonl")
    }

    fn detect(head: &[u8], _: &str) -> u8 {
        let (text, _) = text(head);
        let text = text.trim_start();
        let has = |member: &str| text.contains(&format!("\"{member}\""));
        let own = has("ostler-export");
        let manager = has("SchemaVersion") && (has("Secrets") || has("Folders") || has("records"));
        if text.starts_with('{') && (own || manager) { SURE } else { 0 }
    }

    fn parse(_: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
        let mut bytes = Vec::new();
        feed.read_to_end(&mut bytes)?;
        let (text, broken) = text(&bytes);
        if let Some(line) = broken {
            return Err(Failure::file(Position::line(line), "the text is not UTF-8: save it as that"));
        }
        let document = Document::read(&text)?;
        if document.member("format") == Some("\"ostler-export\"") {
            exported::import(&document, feed)
        } else if document.member("SchemaVersion").is_some() {
            connection_manager::import(&document, feed)
        } else {
            let reason =
                "it is neither an export of Ostler ('format') nor of Connection Manager ('SchemaVersion')";
            Err(Failure::file(Position::line(1), reason))
        }
    }
}

/// Decodes a file: UTF-8 with or without a mark, UTF-16 with one. Also returns the line where it is neither.
fn text(bytes: &[u8]) -> (String, Option<u64>) {
    let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes.as_chunks().0.iter().copied().map(unit).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => (wide(rest, u16::from_le_bytes), None),
        [0xfe, 0xff, rest @ ..] => (wide(rest, u16::from_be_bytes), None),
        [0xef, 0xbb, 0xbf, rest @ ..] => utf8(rest),
        rest => utf8(rest),
    }
}

fn utf8(bytes: &[u8]) -> (String, Option<u64>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = (1..).zip(before.split(|byte| *byte == b'\n')).last().map_or(1, |(line, _)| line);
            (String::from_utf8_lossy(bytes).into_owned(), Some(line))
        }
    }
}
