//! SHA-256 for chains, digests and file names.
//!
//! Never meets a key: what must prove who wrote it is a [`MacKey`](crate::MacKey)'s business.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of the parts, one after the other, as `sha256sum` prints it for their concatenation.
///
/// Parts of changing length are the caller's to delimit: `["ab", "c"]` and `["a", "bc"]` are the same bytes.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut stream = Sha256Stream::new();
    for part in parts {
        stream.update(part);
    }
    stream.finish()
}

/// A SHA-256 that takes its bytes piece by piece.
#[derive(Clone, Default)]
pub struct Sha256Stream(Sha256);

impl Sha256Stream {
    /// Starts an empty digest.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes further bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

impl fmt::Debug for Sha256Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256Stream(..)")
    }
}
