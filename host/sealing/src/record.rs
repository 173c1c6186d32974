//! Sealed records: one short value under one key, bound to its context (XAES-256-GCM, random 192-bit nonce).
//!
//! Never accepts a context other than the one it was sealed with, so records can't be swapped.
//!
//! A sealed record is `version (1) | nonce (24) | ciphertext | tag (16)`: 41 bytes more than the plaintext. The
//! additional data is the version and the context parts, each preceded by its length. One key seals up to
//! 2^80 records before nonces may repeat with a chance of 2^-32.

use std::fmt;

use ostler_core::SecretBytes;

use crate::{
    OpenError, SealingError,
    aead::{TAG_BYTES, Xaes},
    kdf::{derive_key, encode_parts, random_bytes},
    lock::LockedKey,
};

const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;
const OVERHEAD_BYTES: usize = 1 + NONCE_BYTES + TAG_BYTES;

/// A key that seals records and derives further keys.
pub struct RecordKey(LockedKey);

impl RecordKey {
    pub(crate) fn new(key: LockedKey) -> Self {
        Self(key)
    }

    /// Makes a random key.
    ///
    /// # Errors
    /// [`SealingError::NoRandomness`] if the system gives none.
    pub fn random() -> Result<Self, SealingError> {
        LockedKey::random().map(Self)
    }

    /// Takes a key from its bytes, which must be uniformly random; wiping the original is the caller's part.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(LockedKey::copy_of(bytes))
    }

    /// Derives another key (HKDF-Expand-SHA-256, RFC 5869): the same for the same label and context, and
    /// telling nothing of this key or its other descendants.
    #[must_use]
    pub fn derive(&self, label: &str, context: &[&[u8]]) -> Self {
        // The prefix keeps what callers name apart from what this crate derives of the same key.
        let label = format!("record/{label}");
        Self(derive_key(self.0.bytes(), &label, context))
    }

    /// Seals `plaintext`; it opens only under the same key and the same context parts.
    ///
    /// # Errors
    /// [`SealingError::NoRandomness`], or [`SealingError::TooLong`] beyond 64 GiB.
    pub fn seal(&self, context: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealingError> {
        let nonce = random_bytes::<NONCE_BYTES>()?;
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        // In place, and never reallocated: no copy of the plaintext is left behind.
        let (_, body) = sealed.split_at_mut(1 + NONCE_BYTES);
        let tag = Xaes::new(self.0.bytes()).seal(&nonce, &associated(context), body)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens a sealed record.
    ///
    /// # Errors
    /// [`OpenError`]: all that it tells is too short, unknown version, or not authentic.
    pub fn open(&self, context: &[&[u8]], sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let (version, rest) = sealed.split_first().ok_or(OpenError::TooShort)?;
        if *version != VERSION {
            return Err(OpenError::Version { found: *version });
        }
        let (nonce, rest) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(OpenError::TooShort)?;
        let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(OpenError::TooShort)?;
        let mut plaintext = body.to_vec();
        Xaes::new(self.0.bytes()).open(nonce, &associated(context), &mut plaintext, tag)?;
        Ok(SecretBytes::new(plaintext))
    }

    /// Seals another key, so that its bytes never leave this crate.
    ///
    /// # Errors
    /// As [`seal`](Self::seal).
    pub fn seal_key(&self, context: &[&[u8]], key: &Self) -> Result<Vec<u8>, SealingError> {
        self.seal(context, key.0.bytes())
    }

    /// Opens a sealed key.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`OpenError::Damaged`] if what was sealed is no key.
    pub fn open_key(&self, context: &[&[u8]], sealed: &[u8]) -> Result<Self, OpenError> {
        let opened = self.open(context, sealed)?;
        opened.expose().try_into().map(Self::from_bytes).map_err(|_| OpenError::Damaged)
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(..)")
    }
}

fn associated(context: &[&[u8]]) -> Vec<u8> {
    let mut data = vec![VERSION];
    data.extend_from_slice(&encode_parts(context));
    data
}

/// Returns the authentication tag at the end of a sealed record: a name for this sealing of this content.
///
/// Of fewer than 16 bytes, which no sealed record has, it is the bytes there are after zeros.
#[must_use]
pub fn tag_of(sealed: &[u8]) -> [u8; TAG_BYTES] {
    let mut tag = [0; TAG_BYTES];
    tag.iter_mut().rev().zip(sealed.iter().rev()).for_each(|(to, from)| *to = *from);
    tag
}
