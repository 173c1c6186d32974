//! Sealed streams: long messages in chunks, by Cobblestone-256 of c2sp.org/chunked-encryption.
//!
//! Never authenticates a prefix: here the whole message opens or nothing does.
//!
//! A sealed stream is `salt (24) | commitment (32) | chunks`, where a chunk is 16 KiB of the message and a tag of
//! 16 bytes, and the last one is always shorter (empty, if the message is a multiple of 16 KiB). Key, nonce
//! and commitment come from HKDF-Expand-SHA-512 of the key, the random salt and the context; chunk number n has the
//! nonce XOR n. So every message has a key of its own, and the commitment ties the bytes to one key.

use std::fmt;

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{
    OpenError, SealingError,
    aead::{Gcm, TAG_BYTES},
    kdf::{encode_parts, expand_sha512, random_bytes},
    lock::LockedKey,
};

const SALT_BYTES: usize = 24;
const COMMITMENT_BYTES: usize = 32;
const HEADER_BYTES: usize = SALT_BYTES + COMMITMENT_BYTES;
const CHUNK_BYTES: usize = 16 * 1024;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// The most chunks that the specification lets one message have.
const MAX_CHUNKS: u64 = 1 << 38;
const INFO_PREFIX: &[u8] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0";

/// A key that seals streams, and can step forward so that earlier messages can't be forged afterwards.
pub struct StreamKey(LockedKey);

impl StreamKey {
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

    /// Returns the bytes, to be wrapped in an envelope.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0.bytes())
    }

    /// Returns the next key; nobody gets from it back to this one.
    #[must_use]
    pub fn ratchet(&self) -> Self {
        let mut next = LockedKey::zeroed();
        // The same function as the one that derives message keys, kept apart by its information string.
        let info = encode_parts(&[b"ostler sealing v1", b"stream/ratchet"]);
        expand_sha512(self.0.bytes(), &[&info], next.bytes_mut());
        Self(next)
    }

    /// Seals a message: 56 bytes and about 0.1 % more than `plaintext`.
    ///
    /// # Errors
    /// [`SealingError::NoRandomness`], or [`SealingError::TooLong`] beyond 4 PiB.
    pub fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealingError> {
        self.seal_with_salt(&random_bytes()?, context, plaintext)
    }

    pub(crate) fn seal_with_salt(
        &self,
        salt: &[u8; SALT_BYTES],
        context: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealingError> {
        let message = MessageKeys::derive(self.0.bytes(), salt, context);
        let chunk_count = plaintext.len() / CHUNK_BYTES + 1;
        let mut sealed = Vec::with_capacity(HEADER_BYTES + plaintext.len() + chunk_count * TAG_BYTES);
        sealed.extend_from_slice(salt);
        sealed.extend_from_slice(&message.commitment);
        let (full, last) = plaintext.as_chunks::<CHUNK_BYTES>();
        for (number, chunk) in (0..).zip(full.iter().map(<[u8; CHUNK_BYTES]>::as_slice).chain([last])) {
            let nonce = message.nonce(number).ok_or(SealingError::TooLong)?;
            let start = sealed.len();
            sealed.extend_from_slice(chunk);
            let (_, body) = sealed.split_at_mut(start);
            let tag = message.cipher.seal(&nonce, &[], body)?;
            sealed.extend_from_slice(&tag);
        }
        Ok(sealed)
    }

    /// Opens a sealed message.
    ///
    /// # Errors
    /// [`OpenError`]: all that it tells is too short, or not authentic.
    pub fn open(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (salt, rest) = sealed.split_first_chunk::<SALT_BYTES>().ok_or(OpenError::TooShort)?;
        let (commitment, body) = rest.split_first_chunk::<COMMITMENT_BYTES>().ok_or(OpenError::TooShort)?;
        let message = MessageKeys::derive(self.0.bytes(), salt, context);
        if !bool::from(message.commitment.ct_eq(commitment)) {
            return Err(OpenError::Damaged);
        }
        // The last chunk is shorter than the others by rule; the remainder of the division is it.
        let (full, last) = body.as_chunks::<SEALED_CHUNK_BYTES>();
        let mut plaintext = Zeroizing::new(Vec::with_capacity(body.len()));
        for (number, chunk) in (0..).zip(full.iter().map(<[u8; SEALED_CHUNK_BYTES]>::as_slice).chain([last]))
        {
            let (chunk, tag) = chunk.split_last_chunk::<TAG_BYTES>().ok_or(OpenError::TooShort)?;
            let nonce = message.nonce(number).ok_or(OpenError::Damaged)?;
            let start = plaintext.len();
            plaintext.extend_from_slice(chunk);
            let (_, opened) = plaintext.split_at_mut(start);
            message.cipher.open(&nonce, &[], opened, tag)?;
        }
        Ok(std::mem::take(&mut *plaintext))
    }
}

impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(..)")
    }
}

/// What one message is sealed with.
struct MessageKeys {
    cipher: Gcm,
    base_nonce: [u8; 12],
    commitment: [u8; COMMITMENT_BYTES],
}

impl MessageKeys {
    fn derive(key: &[u8; 32], salt: &[u8; SALT_BYTES], context: &[u8]) -> Self {
        let mut derived = Zeroizing::new([0; 32 + 12 + COMMITMENT_BYTES]);
        expand_sha512(key, &[INFO_PREFIX, salt, context], &mut derived);
        let mut message_key = Zeroizing::new([0; 32]);
        let (mut base_nonce, mut commitment) = ([0; 12], [0; COMMITMENT_BYTES]);
        let places = message_key.iter_mut().chain(&mut base_nonce).chain(&mut commitment);
        places.zip(&*derived).for_each(|(to, from)| *to = *from);
        Self { cipher: Gcm::new(&message_key), base_nonce, commitment }
    }

    /// Returns the nonce of a chunk; none beyond the last chunk that a message may have.
    fn nonce(&self, chunk: u64) -> Option<[u8; 12]> {
        if chunk >= MAX_CHUNKS {
            return None;
        }
        let mut nonce = self.base_nonce;
        nonce.iter_mut().rev().zip(chunk.to_le_bytes()).for_each(|(to, from)| *to ^= from);
        Some(nonce)
    }
}
