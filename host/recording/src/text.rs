//! Bytes into text, chunk by chunk: a character may be split over chunks, and not all bytes are text.
//!
//! Never loses a byte: what is shown is text with U+FFFD for what is none, what is kept is the bytes themselves.

/// The longest character has 4 bytes, so at most 3 wait for the rest.
const MAX_PENDING_BYTES: usize = 3;

/// A piece of a stream: the bytes, and the text to show for them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// The text; equal to the bytes if `exact`.
    pub(crate) text: String,
    /// Whether the text is the bytes.
    pub(crate) exact: bool,
}

impl Decoded {
    /// Decodes bytes that nothing follows.
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self { text: text.to_owned(), exact: true, bytes },
            Err(_) => Self { text: String::from_utf8_lossy(&bytes).into_owned(), exact: false, bytes },
        }
    }
}

/// Decodes a stream of UTF-8 (and of whatever else).
#[derive(Debug, Default)]
pub(crate) struct TextDecoder {
    pending: Vec<u8>,
}

impl TextDecoder {
    /// Takes a chunk and returns what can be shown of it and what was pending; none if all must wait.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Option<Decoded> {
        let mut bytes = std::mem::take(&mut self.pending);
        bytes.extend_from_slice(chunk);
        self.pending = bytes.split_off(bytes.len() - unfinished_bytes(&bytes));
        (!bytes.is_empty()).then(|| Decoded::of(bytes))
    }

    /// Returns what still waited when the stream ended.
    pub(crate) fn finish(&mut self) -> Option<Decoded> {
        let bytes = std::mem::take(&mut self.pending);
        (!bytes.is_empty()).then(|| Decoded::of(bytes))
    }

    /// Returns the bytes that wait for the rest of their character.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.pending
    }
}

/// Returns how many bytes at the end are the beginning of a character.
fn unfinished_bytes(bytes: &[u8]) -> usize {
    let unfinished = |length: &usize| {
        let tail = bytes.len().checked_sub(*length).and_then(|start| bytes.get(start..));
        let error = tail.and_then(|tail| std::str::from_utf8(tail).err());
        error.is_some_and(|error| error.valid_up_to() == 0 && error.error_len().is_none())
    };
    (1..=MAX_PENDING_BYTES).find(unfinished).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(chunks: &[&[u8]]) -> (String, Vec<bool>) {
        let mut decoder = TextDecoder::default();
        let mut decoded: Vec<Decoded> = chunks.iter().filter_map(|chunk| decoder.push(chunk)).collect();
        decoded.extend(decoder.finish());
        (decoded.iter().map(|piece| piece.text.as_str()).collect(), decoded.iter().map(|p| p.exact).collect())
    }

    #[test]
    fn a_character_split_over_chunks_is_shown_whole() {
        assert_eq!(decode(&[b"a\xF0", b"\x9F", b"\x90\xB4", b"b"]), ("a\u{1F434}b".into(), vec![true; 3]));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_replacement_characters() {
        assert_eq!(decode(&[b"a\xFFb", b"c"]), ("a\u{FFFD}bc".into(), vec![false, true]));
        assert_eq!(decode(&[b"\xE2\x82"]), ("\u{FFFD}".into(), vec![false]));
        assert_eq!(decode(&[b"\xE2\x82", b"x"]), ("\u{FFFD}x".into(), vec![false]));
    }

    #[test]
    fn a_replacement_character_that_was_sent_is_text() {
        assert_eq!(decode(&["\u{FFFD}".as_bytes()]), ("\u{FFFD}".into(), vec![true]));
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_however_the_stream_is_cut(chunks: Vec<Vec<u8>>) {
            let mut decoder = TextDecoder::default();
            let mut bytes = Vec::new();
            for chunk in &chunks {
                if let Some(piece) = decoder.push(chunk) {
                    prop_assert_eq!(&piece.text, &String::from_utf8_lossy(&piece.bytes));
                    bytes.extend(piece.bytes);
                }
                prop_assert!(decoder.pending().len() <= MAX_PENDING_BYTES);
            }
            bytes.extend(decoder.finish().map(|piece| piece.bytes).unwrap_or_default());
            prop_assert_eq!(bytes, chunks.concat());
        }

        #[test]
        fn text_is_shown_as_it_is_however_it_is_cut(text: String, cuts: Vec<usize>) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &text.as_bytes()[cut[0]..cut[1]]).collect();
            let (shown, exact) = decode(&chunks);
            prop_assert_eq!(shown, text);
            prop_assert!(exact.iter().all(|&exact| exact));
        }
    }
}
