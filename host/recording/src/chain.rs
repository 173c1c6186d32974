//! The chain of keys and segments: what makes it impossible to change, drop, swap or add one unnoticed.
//!
//! Segment n is sealed under key n, which is made from key n-1 by a step that nobody can take back, and its context
//! names the recording, its number and the SHA-256 of the file before it. Never keeps a key longer than for
//! the one segment it is for.

use ostler_core::RecordingId;
use ostler_sealing::{OpenError, SealingError, StreamKey, sha256};

const INFO_CONTEXT: &[u8] = b"ostler recording info v1";
const SEGMENT_CONTEXT: &[u8] = b"ostler recording segment v1";
const ROOT_CONTEXT: &[u8] = b"ostler recording root v1";

/// Seals the description of a session under the recording's first key; `public` is the line before it.
pub(crate) fn seal_info(key: &StreamKey, public: &[u8], info: &[u8]) -> Result<Vec<u8>, SealingError> {
    key.seal(&[INFO_CONTEXT, &sha256(&[public])].concat(), info)
}

/// Opens the description of a session.
pub(crate) fn open_info(key: &StreamKey, public: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    key.open(&[INFO_CONTEXT, &sha256(&[public])].concat(), sealed)
}

/// The place between two segments.
pub(crate) struct Chain {
    id: RecordingId,
    key: StreamKey,
    segments: u64,
    previous: [u8; 32],
    root: [u8; 32],
}

impl Chain {
    /// Starts after the header file; `key` is the one that the header's description is sealed with.
    pub(crate) fn start(id: RecordingId, key: &StreamKey, header_file: &[u8]) -> Self {
        let previous = sha256(&[header_file]);
        let root = sha256(&[ROOT_CONTEXT, &previous]);
        Self { id, key: key.ratchet(), segments: 0, previous, root }
    }

    /// Jumps to a segment, to open that one alone; `previous_file` is the file before it. The root is not known then.
    pub(crate) fn jump(id: RecordingId, key: &StreamKey, segment: u64, previous_file: &[u8]) -> Self {
        let mut chain = Self::start(id, key, previous_file);
        chain.key = (0..segment).fold(chain.key, |key, _| key.ratchet());
        chain.segments = segment;
        chain
    }

    /// Returns how many segments lie behind, which is also the number of the next one.
    pub(crate) fn segments(&self) -> u64 {
        self.segments
    }

    /// Returns the hash over the header and all segments up to here.
    pub(crate) fn root(&self) -> [u8; 32] {
        self.root
    }

    /// Seals the next segment.
    pub(crate) fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SealingError> {
        let sealed = self.key.seal(&self.context(), plaintext)?;
        self.advance(&sealed);
        Ok(sealed)
    }

    /// Opens the next segment.
    pub(crate) fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let plaintext = self.key.open(&self.context(), sealed)?;
        self.advance(sealed);
        Ok(plaintext)
    }

    fn context(&self) -> Vec<u8> {
        [SEGMENT_CONTEXT, &self.id.to_bytes(), &self.segments.to_be_bytes(), &self.previous].concat()
    }

    fn advance(&mut self, sealed: &[u8]) {
        self.previous = sha256(&[sealed]);
        self.root = sha256(&[ROOT_CONTEXT, &self.root, &self.previous]);
        self.key = self.key.ratchet();
        self.segments += 1;
    }
}
