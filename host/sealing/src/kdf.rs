//! Randomness, the encoding of context parts, and HKDF-Expand (RFC 5869) as this crate uses it.
//!
//! Never extracts: every key that comes in is uniformly random or the output of a key derivation already.

use hkdf::Hkdf;
use hmac::KeyInit as _;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::{SealingError, lock::LockedKey};

/// Returns `N` bytes of the operating system's randomness.
///
/// # Errors
/// [`SealingError::NoRandomness`] if the system gives none.
pub fn random_bytes<const N: usize>() -> Result<[u8; N], SealingError> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), SealingError> {
    getrandom::fill(bytes).map_err(|_| SealingError::NoRandomness)
}

/// Calls `take` with every piece of the encoding of `parts`: each one after its length as 64 bits, big-endian.
///
/// No two different lists of parts have the same encoding.
pub(crate) fn each_piece(parts: &[&[u8]], mut take: impl FnMut(&[u8])) {
    for part in parts {
        take(&(part.len() as u64).to_be_bytes());
        take(part);
    }
}

/// Returns the encoding of `parts` as one string.
pub(crate) fn encode_parts(parts: &[&[u8]]) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    each_piece(parts, |piece| encoded.extend_from_slice(piece));
    encoded
}

/// Starts HMAC-SHA-256 under a key of 32 bytes.
pub(crate) fn hmac_sha256(key: &[u8; 32]) -> hmac::Hmac<Sha256> {
    let mut block = Zeroizing::new([0; 64]);
    // A shorter key is padded with zeros to the block of the hash (RFC 2104), so this is the same key.
    block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    hmac::Hmac::<Sha256>::new((&*block).into())
}

/// Derives a key with HKDF-Expand-SHA-256; `label` and `context` keep every use apart from every other.
#[expect(
    clippy::expect_used,
    reason = "32 bytes are a whole key of SHA-256, and within the 255 blocks of HKDF"
)]
pub(crate) fn derive_key(key: &[u8; 32], label: &str, context: &[&[u8]]) -> LockedKey {
    let mut info = encode_parts(&[b"ostler sealing v1", label.as_bytes()]);
    each_piece(context, |piece| info.extend_from_slice(piece));
    let mut derived = LockedKey::zeroed();
    Hkdf::<Sha256>::from_prk(key)
        .expect("the key has the length of the hash")
        .expand(&info, derived.bytes_mut())
        .expect("the output is one block");
    derived
}

/// HKDF-Expand-SHA-512 of a key of 32 bytes.
#[expect(clippy::expect_used, reason = "the lengths are fixed when compiling")]
pub(crate) fn expand_sha512<const N: usize>(key: &[u8; 32], info: &[&[u8]], output: &mut [u8; N]) {
    const { assert!(N <= 255 * 64) };
    let mut padded = Zeroizing::new([0; 64]);
    // HMAC pads a key with zeros to the block of the hash (RFC 2104), so padding it to the 64 bytes that the
    // library asks for changes nothing.
    padded.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
    Hkdf::<Sha512>::from_prk(padded.as_slice())
        .expect("the key has the length of the hash")
        .expand_multi_info(info, output)
        .expect("the output is at most 255 blocks");
}
