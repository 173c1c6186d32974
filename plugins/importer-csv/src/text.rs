//! The file as UTF-8 bytes, whatever it is written in, and a record's bytes as text.
//!
//! UTF-16 is known by its byte order mark and converted on the way; a record that is no UTF-8 is read as Windows-1252,
//! which every byte is. Keeps one piece of the file at a time.

use std::borrow::Cow;
use std::io::{self, Read};

/// Bytes that are read of the file at once.
const PIECE: usize = 64 << 10;

/// How a file says that it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It does not say.
    None,
    Utf8,
    Utf16Le,
    Utf16Be,
}

impl Mark {
    /// Looks at the first bytes of a file.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0xef, 0xbb, 0xbf, ..] => Self::Utf8,
            [0xff, 0xfe, ..] => Self::Utf16Le,
            [0xfe, 0xff, ..] => Self::Utf16Be,
            _ => Self::None,
        }
    }

    pub(crate) fn length(self) -> usize {
        match self {
            Self::None => 0,
            Self::Utf8 => 3,
            Self::Utf16Le | Self::Utf16Be => 2,
        }
    }

    fn unit(self, pair: [u8; 2]) -> u16 {
        if self == Self::Utf16Be { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    }
}

/// A file as UTF-8 bytes (or bytes that are neither UTF-8 nor UTF-16, as they are), without its mark.
pub(crate) struct Source<R> {
    file: R,
    mark: Mark,
    ready: Vec<u8>,
    read: usize,
    /// The bytes of a character that the last piece cut in two.
    rest: Vec<u8>,
}

impl<R: Read> Source<R> {
    /// Reads the mark.
    pub(crate) fn open(mut file: R) -> io::Result<Self> {
        let mut head = Vec::new();
        file.by_ref().take(3).read_to_end(&mut head)?;
        let mark = Mark::of(&head);
        let behind = head.split_off(mark.length().min(head.len()));
        let mut source = Self { file, mark, ready: Vec::new(), read: 0, rest: Vec::new() };
        if mark == Mark::Utf16Le || mark == Mark::Utf16Be {
            source.rest = behind;
        } else {
            source.ready = behind;
        }
        Ok(source)
    }

    pub(crate) fn mark(&self) -> Mark {
        self.mark
    }

    fn fill(&mut self) -> io::Result<()> {
        self.read = 0;
        self.ready.clear();
        if self.mark == Mark::None || self.mark == Mark::Utf8 {
            self.file.by_ref().take(PIECE as u64).read_to_end(&mut self.ready)?;
            return Ok(());
        }
        let mut bytes = std::mem::take(&mut self.rest);
        let more = self.file.by_ref().take(PIECE as u64).read_to_end(&mut bytes)?;
        let (pairs, odd) = bytes.as_chunks::<2>();
        let mut units: Vec<u16> = pairs.iter().map(|pair| self.mark.unit(*pair)).collect();
        if more > 0 {
            let keep = if units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) { 2 } else { 0 };
            units.truncate(units.len() - keep / 2);
            self.rest = bytes.get(bytes.len() - odd.len() - keep..).unwrap_or_default().to_vec();
        } else if !odd.is_empty() {
            // Half a character at the end of the file.
            units.push(0xfffd);
        }
        let text: String =
            char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        self.ready = text.into_bytes();
        Ok(())
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A piece of UTF-16 may be less than a character: then there is more.
        while self.read == self.ready.len() {
            self.fill()?;
            if self.ready.is_empty() && self.rest.is_empty() {
                return Ok(0);
            }
        }
        let mut rest = self.ready.get(self.read..).unwrap_or_default();
        let length = rest.read(buffer)?;
        self.read += length;
        Ok(length)
    }
}

/// Returns bytes as text, and whether they are UTF-8; what is not is taken as Windows-1252.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), true),
        Err(_) => (Cow::Owned(bytes.iter().map(|byte| windows_1252(*byte)).collect()), false),
    }
}

/// Returns the character of a byte in Windows-1252, as the WHATWG Encoding Standard has it.
fn windows_1252(byte: u8) -> char {
    const FROM_80: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    let from_80 = byte.checked_sub(0x80).and_then(|index| FROM_80.get(usize::from(index)));
    from_80.copied().unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out a few bytes at a time.
    struct Dribble<'a>(&'a [u8]);

    impl Read for Dribble<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = buffer.len().min(1);
            self.0.read(&mut buffer[..most])
        }
    }

    fn read(bytes: &[u8]) -> String {
        let mut text = String::new();
        Source::open(Dribble(bytes)).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_mark_is_known_and_left_out() {
        let text = "a;ä;€;🦀\n".repeat(20_000);
        let be: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
        let le: Vec<u8> =
            [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        assert!(read(text.as_bytes()) == text);
        assert!(read(&[b"\xef\xbb\xbf", text.as_bytes()].concat()) == text);
        assert!(read(&be) == text);
        assert!(read(&le) == text);
    }

    #[test]
    fn broken_utf_16_is_replaced_and_ends() {
        assert_eq!(read(b"\xff\xfea\0\x3d\xd8"), "a\u{fffd}");
        assert_eq!(read(b"\xff\xfea\0b"), "a\u{fffd}");
        assert_eq!(read(b"\xff\xfe"), "");
        assert_eq!(read(b""), "");
    }

    #[test]
    fn what_is_not_utf_8_is_windows_1252() {
        assert_eq!(decode("Zürich".as_bytes()), (Cow::Borrowed("Zürich"), true));
        assert_eq!(decode(b"Z\xfcrich \x80"), (Cow::Borrowed("Zürich €"), false));
    }
}
