//! The two ciphers under everything: AES-256-GCM (NIST SP 800-38D) and XAES-256-GCM (c2sp.org/XAES-256-GCM).
//!
//! Never chooses a nonce: who calls proves that it does not repeat under its key.

use aes_gcm::{
    Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};
use xaes_256_gcm::Xaes256Gcm;

use crate::{OpenError, SealingError};

/// Bytes of an authentication tag.
pub(crate) const TAG_BYTES: usize = 16;

/// AES-256-GCM under one key; the key schedule is wiped on drop.
pub(crate) struct Gcm(Aes256Gcm);

impl Gcm {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts the buffer in place and returns the tag.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], SealingError> {
        let tag = self.0.encrypt_inout_detached(nonce.into(), associated, buffer.into());
        tag.map(Into::into).map_err(|_| SealingError::TooLong)
    }

    /// Decrypts the buffer in place; on failure it is left encrypted.
    pub(crate) fn open(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), OpenError> {
        self.0
            .decrypt_inout_detached(nonce.into(), associated, buffer.into(), tag.into())
            .map_err(|_| OpenError::Damaged)
    }
}

/// XAES-256-GCM under one key; the key schedule is wiped on drop.
pub(crate) struct Xaes(Xaes256Gcm);

impl Xaes {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Xaes256Gcm::new(key.into()))
    }

    /// Encrypts the buffer in place and returns the tag.
    pub(crate) fn seal(
        &self,
        nonce: &[u8; 24],
        associated: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], SealingError> {
        let tag = self.0.encrypt_inout_detached(nonce.into(), associated, buffer.into());
        tag.map(Into::into).map_err(|_| SealingError::TooLong)
    }

    /// Decrypts the buffer in place; on failure it is left encrypted.
    pub(crate) fn open(
        &self,
        nonce: &[u8; 24],
        associated: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), OpenError> {
        self.0
            .decrypt_inout_detached(nonce.into(), associated, buffer.into(), tag.into())
            .map_err(|_| OpenError::Damaged)
    }
}
