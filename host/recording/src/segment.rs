//! The plaintext of a segment: `flags (1) | end (8) | pending length (1) | pending (0 to 3) | compressed text`.
//!
//! The head tells what a list needs (is it the last, when did it end) without decompressing anything. `end` is the time of
//! the latest event in microseconds, big-endian. `pending` are the first bytes of a character whose rest had not
//! come when the segment was closed: they stand at the beginning of the next output, or at the end if none follows.

use std::time::Duration;

const STARTS_FRAME: u8 = 1;
const LAST: u8 = 2;

/// What a segment says before its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    /// The text can be decompressed without the segments before.
    pub(crate) starts_frame: bool,
    /// The recording was closed with this segment.
    pub(crate) last: bool,
    /// The time of the latest event.
    pub(crate) end: Duration,
    /// Bytes of output that are not in the text yet.
    pub(crate) pending: Vec<u8>,
}

impl SegmentHead {
    /// Returns the plaintext of a segment.
    pub(crate) fn with_text(&self, compressed: &[u8]) -> Vec<u8> {
        let flags = if self.starts_frame { STARTS_FRAME } else { 0 } | if self.last { LAST } else { 0 };
        let mut plaintext = vec![flags];
        plaintext.extend_from_slice(&microseconds(self.end).to_be_bytes());
        plaintext.push(self.pending.len().try_into().unwrap_or(u8::MAX));
        plaintext.extend_from_slice(&self.pending);
        plaintext.extend_from_slice(compressed);
        plaintext
    }

    /// Takes a plaintext apart; none if it has another form.
    pub(crate) fn split(plaintext: &[u8]) -> Option<(Self, &[u8])> {
        let (&flags, rest) = plaintext.split_first()?;
        let (end, rest) = rest.split_first_chunk::<8>()?;
        let (&pending_bytes, rest) = rest.split_first()?;
        if flags & !(STARTS_FRAME | LAST) != 0 || pending_bytes > 3 {
            return None;
        }
        let (pending, compressed) = rest.split_at_checked(pending_bytes.into())?;
        let head = Self {
            starts_frame: flags & STARTS_FRAME != 0,
            last: flags & LAST != 0,
            end: Duration::from_micros(u64::from_be_bytes(*end)),
            pending: pending.to_vec(),
        };
        Some((head, compressed))
    }
}

/// Returns a duration in whole microseconds: the resolution of a recording.
pub(crate) fn microseconds(duration: Duration) -> u64 {
    duration.as_micros().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_as_it_was() {
        let head = SegmentHead {
            starts_frame: true,
            last: false,
            end: Duration::from_micros(1_234_567),
            pending: vec![0xF0, 0x9F],
        };
        let plaintext = head.with_text(b"text");
        assert_eq!(SegmentHead::split(&plaintext), Some((head, b"text".as_slice())));
    }

    #[test]
    fn unknown_flags_and_cut_heads_are_refused() {
        let head = SegmentHead { starts_frame: true, last: true, end: Duration::ZERO, pending: vec![0xC3] };
        let plaintext = head.with_text(b"");
        for length in 0..plaintext.len() {
            assert_eq!(SegmentHead::split(&plaintext[..length]), None, "{length}");
        }
        let mut unknown = plaintext;
        unknown[0] |= 4;
        assert_eq!(SegmentHead::split(&unknown), None);
    }
}
