//! Clipboards: text in Latin-1 (RFC 6143), and the extended clipboard with Unicode (rfbproto, 'Extended Clipboard Pseudo-Encoding').
//!
//! Nothing but text is exchanged, and at most 1 MiB of it.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::bytes::{Reader, Source as _, Stop};
use super::fault::Fault;
use super::inflate::{Inflated, Inflater, Scratch};
use super::messages;

/// The most bytes of a text.
pub(super) const MOST_TEXT: usize = 1 << 20;

const TEXT: u32 = 1;
const FORMATS: u32 = 0xffff;
const CAPS: u32 = 1 << 24;
const REQUEST: u32 = 1 << 25;
const PEEK: u32 = 1 << 26;
const NOTIFY: u32 = 1 << 27;
const PROVIDE: u32 = 1 << 28;

/// What came of a message of the server.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Nothing,
    /// The server's clipboard.
    Text(String),
    /// What is sent back.
    Answer(Vec<u8>),
}

/// The user's clipboard, and what the server does with such.
#[derive(Debug, Default)]
pub(super) struct Clipboard {
    /// What the server said that it does; none where it has no extended clipboard.
    actions: Option<u32>,
    own: Option<String>,
}

impl Clipboard {
    /// Takes what the user copied, and returns the message that says so.
    pub(super) fn copied(&mut self, text: &str) -> Vec<u8> {
        match self.actions {
            // The text goes over the wire once somebody there wants it.
            Some(actions) if actions & NOTIFY != 0 => {
                self.own = Some(text.to_owned());
                message(NOTIFY | TEXT, &[])
            }
            Some(actions) if actions & PROVIDE != 0 => provide(text),
            _ => messages::cut_text(&text.replace("\r\n", "\n")),
        }
    }

    /// Takes a message of the extended clipboard.
    pub(super) fn take(&mut self, content: &[u8], scratch: &mut Scratch) -> Result<Heard, Stop> {
        let broken = |stop| match stop {
            Stop::Short => Fault::Order("a message of the clipboard ends too early").into(),
            Stop::Fault(_) => stop,
        };
        let mut reader = Reader::new(content);
        let flags = reader.u32().map_err(broken)?;
        if flags & CAPS != 0 {
            // Lengths of formats follow, which only matter to who sends without being asked.
            self.actions = Some(flags & !(FORMATS | CAPS));
            let most = (MOST_TEXT as u32).to_be_bytes();
            return Ok(Heard::Answer(message(CAPS | REQUEST | PEEK | NOTIFY | PROVIDE | TEXT, &most)));
        }
        let has_text = flags & TEXT != 0;
        Ok(match flags & (REQUEST | PEEK | NOTIFY | PROVIDE) {
            NOTIFY if has_text => Heard::Answer(message(REQUEST | TEXT, &[])),
            PEEK => Heard::Answer(message(NOTIFY | if self.own.is_some() { TEXT } else { 0 }, &[])),
            REQUEST if has_text => match &self.own {
                Some(text) => Heard::Answer(provide(text)),
                None => Heard::Nothing,
            },
            PROVIDE if has_text => {
                provided(reader, scratch).map_err(broken)?.map_or(Heard::Nothing, Heard::Text)
            }
            _ => Heard::Nothing,
        })
    }
}

/// Turns text of the plain clipboard into text.
pub(super) fn latin_1(bytes: &[u8]) -> String {
    let text: String = bytes.iter().copied().map(char::from).collect();
    text.replace("\r\n", "\n")
}

fn message(flags: u32, rest: &[u8]) -> Vec<u8> {
    messages::extended_cut_text(&[&flags.to_be_bytes(), rest].concat())
}

/// Lines end with CR and LF, the text with NUL.
fn provide(text: &str) -> Vec<u8> {
    let text = text.replace("\r\n", "\n").replace('\n', "\r\n") + "\0";
    let mut compressed = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = compressed
        .write_all(&(text.len() as u32).to_be_bytes())
        .and_then(|()| compressed.write_all(text.as_bytes()));
    // Writing into memory does not fail.
    let compressed = written.and_then(|()| compressed.finish()).unwrap_or_default();
    message(PROVIDE | TEXT, &compressed)
}

/// Reads a text that the server sent; none where it is too long.
fn provided(from: Reader<'_>, scratch: &mut Scratch) -> Result<Option<String>, Stop> {
    let compressed = from.rest();
    let mut stream = Inflater::new();
    let mut source = Inflated::new(&mut stream, scratch, compressed);
    let length = source.take(4)?.first_chunk().copied().map(u32::from_be_bytes).unwrap_or_default();
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MOST_TEXT {
        return Ok(None);
    }
    let mut text = Vec::with_capacity(length);
    while text.len() < length {
        let piece = (length - text.len()).min(super::bytes::MOST_AT_ONCE);
        text.extend_from_slice(source.take(piece)?);
    }
    let text = String::from_utf8_lossy(&text);
    Ok(Some(text.trim_end_matches('\0').replace("\r\n", "\n")))
}
