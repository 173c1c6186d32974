//! Envelopes: a key wrapped for a public key, so that a locked store can still be written to.
//!
//! HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. Never tells who wrapped a key:
//! base mode has no sender.
//!
//! A wrapped key is `version (1) | encapsulated key (32) | ciphertext (32) | tag (16)`; the version stands before
//! the caller's bytes in HPKE's `info`, and there is no additional data. Each wrapping has a fresh key of its own,
//! so that its nonce never repeats.

use std::fmt;

use hpke::{
    Deserializable as _, Kem as _, OpModeR, OpModeS, Serializable as _, aead::AesGcm256, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal,
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::{OpenError, SealingError, kdf::random_bytes, lock::LockedKey};

const VERSION: u8 = 1;
const ENCAPSULATED_BYTES: usize = 32;

type Kem = X25519HkdfSha256;

/// A public key that keys are wrapped for; safe to keep in the clear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopePublicKey(<Kem as hpke::Kem>::PublicKey);

impl EnvelopePublicKey {
    /// Takes a public key from its 32 bytes (RFC 7748).
    ///
    /// # Errors
    /// [`SealingError::BadPublicKey`] for any other length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealingError> {
        <Kem as hpke::Kem>::PublicKey::from_bytes(bytes).map(Self).map_err(|_| SealingError::BadPublicKey)
    }

    /// Returns the 32 bytes of the key.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes().into()
    }

    /// Wraps a key; `info` is what it belongs to, and must be the same when it is unwrapped.
    ///
    /// # Errors
    /// [`SealingError::NoRandomness`], or [`SealingError::BadPublicKey`] for a point of small order.
    pub fn wrap(&self, info: &[u8], key: &[u8; 32]) -> Result<Vec<u8>, SealingError> {
        // The library panics where the system gives no randomness; asking first makes that an error.
        random_bytes::<1>()?;
        let (encapsulated, sealed) = single_shot_seal::<AesGcm256, HkdfSha256, Kem>(
            &OpModeS::Base,
            &self.0,
            &versioned(info),
            key,
            &[],
        )
        .map_err(|_| SealingError::BadPublicKey)?;
        let mut wrapped = vec![VERSION];
        wrapped.extend_from_slice(&encapsulated.to_bytes());
        wrapped.extend_from_slice(&sealed);
        Ok(wrapped)
    }
}

/// The private key that unwraps, and those that it took the place of.
pub struct EnvelopePrivateKey {
    private: LockedKey,
    public: EnvelopePublicKey,
    retired: Vec<Self>,
}

impl EnvelopePrivateKey {
    /// Derives the key pair from a seed, which must be uniformly random (RFC 9180, `DeriveKeyPair`).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (private, public) = Kem::derive_keypair(seed);
        let mut bytes = private.to_bytes();
        let mut locked = LockedKey::zeroed();
        locked.bytes_mut().iter_mut().zip(&bytes).for_each(|(to, from)| *to = *from);
        bytes.as_mut_slice().zeroize();
        Self { private: locked, public: EnvelopePublicKey(public), retired: Vec::new() }
    }

    /// Takes a key from what [`EnvelopePrivateKey::to_bytes`] returned; wiping the original is the caller's part.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] if the bytes are no private key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, OpenError> {
        let private = <Kem as hpke::Kem>::PrivateKey::from_bytes(bytes).map_err(|_| OpenError::Damaged)?;
        let public = EnvelopePublicKey(Kem::sk_to_pk(&private));
        Ok(Self { private: LockedKey::copy_of(bytes), public, retired: Vec::new() })
    }

    /// Returns the bytes of this key, without the retired ones, to be sealed.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.private.bytes())
    }

    /// Adds keys that this one took the place of: what was wrapped for them unwraps as well.
    #[must_use]
    pub fn with_retired(mut self, retired: Vec<Self>) -> Self {
        self.retired = retired;
        self
    }

    /// Returns the keys that this one took the place of, the newest first.
    #[must_use]
    pub fn retired(&self) -> &[Self] {
        &self.retired
    }

    /// Returns the public key.
    #[must_use]
    pub fn public(&self) -> EnvelopePublicKey {
        self.public.clone()
    }

    /// Unwraps a key that was wrapped, with the same `info`, for this one or one that it took the place of.
    ///
    /// # Errors
    /// [`OpenError`]: all that it tells is too short, unknown version, or not authentic.
    pub fn unwrap(&self, info: &[u8], wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        let (version, rest) = wrapped.split_first().ok_or(OpenError::TooShort)?;
        if *version != VERSION {
            return Err(OpenError::Version { found: *version });
        }
        let (encapsulated, sealed) =
            rest.split_first_chunk::<ENCAPSULATED_BYTES>().ok_or(OpenError::TooShort)?;
        let own = self.unwrap_alone(info, encapsulated, sealed);
        let mut older = self.retired.iter().map(|key| key.unwrap_alone(info, encapsulated, sealed));
        own.or_else(|error| older.find_map(Result::ok).ok_or(error))
    }

    fn unwrap_alone(
        &self,
        info: &[u8],
        encapsulated: &[u8; ENCAPSULATED_BYTES],
        sealed: &[u8],
    ) -> Result<Zeroizing<[u8; 32]>, OpenError> {
        let private = <Kem as hpke::Kem>::PrivateKey::from_bytes(self.private.bytes())
            .map_err(|_| OpenError::Damaged)?;
        let encapsulated =
            <Kem as hpke::Kem>::EncappedKey::from_bytes(encapsulated).map_err(|_| OpenError::Damaged)?;
        let opened = single_shot_open::<AesGcm256, HkdfSha256, Kem>(
            &OpModeR::Base,
            &private,
            &encapsulated,
            &versioned(info),
            sealed,
            &[],
        );
        let opened = Zeroizing::new(opened.map_err(|_| OpenError::Damaged)?);
        let key: &[u8; 32] = opened.as_slice().try_into().map_err(|_| OpenError::Damaged)?;
        Ok(Zeroizing::new(*key))
    }
}

fn versioned(info: &[u8]) -> Vec<u8> {
    [&[VERSION], info].concat()
}

impl fmt::Debug for EnvelopePrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnvelopePrivateKey(..)")
    }
}
