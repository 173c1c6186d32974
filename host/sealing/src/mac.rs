//! HMAC-SHA-256 over lists of parts.
//!
//! Never compares a tag but in constant time.

use std::fmt;

use hmac::Mac as _;

use crate::{
    kdf::{each_piece, hmac_sha256},
    lock::LockedKey,
};

/// A key that proves that its holder wrote something.
pub struct MacKey(LockedKey);

impl MacKey {
    pub(crate) fn new(key: LockedKey) -> Self {
        Self(key)
    }

    /// Takes a key from its bytes, which must be uniformly random; wiping the original is the caller's part.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(LockedKey::copy_of(bytes))
    }

    /// Returns the tag of the parts.
    ///
    /// Each part is preceded by its length, so that no two different lists have the same tag.
    #[must_use]
    pub fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = hmac_sha256(self.0.bytes());
        each_piece(parts, |piece| mac.update(piece));
        mac.finalize().into_bytes().into()
    }

    /// Tells whether `tag` is the tag of the parts, in constant time.
    #[must_use]
    pub fn verify(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        let mut mac = hmac_sha256(self.0.bytes());
        each_piece(parts, |piece| mac.update(piece));
        mac.verify(tag.into()).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}
