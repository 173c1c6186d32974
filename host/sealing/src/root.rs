//! The root key of a store, and what grows from it.
//!
//! Never seals anything itself: it only derives, so nothing on disk is a direct use of it but the key slot.

use std::fmt;

use crate::{EnvelopePrivateKey, MacKey, RecordKey, SealingError, kdf::derive_key, lock::LockedKey};

/// The root key: random, made once per store and epoch, wrapped by the key slots.
pub struct RootKey(pub(crate) LockedKey);

impl RootKey {
    /// Makes the root key of a new store.
    ///
    /// # Errors
    /// [`SealingError::NoRandomness`] if the system gives none.
    pub fn random() -> Result<Self, SealingError> {
        LockedKey::random().map(Self)
    }

    /// Returns what names this root key and tells nothing of it; safe to keep in the clear.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = *self.derive("root/id", &[]).bytes();
        id
    }

    /// Returns the key of all metadata: names, hosts, notes, settings, known hosts.
    #[must_use]
    pub fn metadata_key(&self) -> RecordKey {
        RecordKey::new(self.derive("root/metadata", &[]))
    }

    /// Returns the key of the MAC over the store's content.
    #[must_use]
    pub fn mac_key(&self) -> MacKey {
        MacKey::new(self.derive("root/mac", &[]))
    }

    /// Returns the key of an epoch, which wraps the keys of single secrets.
    #[must_use]
    pub fn epoch_key(&self, epoch: u32) -> RecordKey {
        RecordKey::new(self.derive("root/epoch", &[&epoch.to_be_bytes()]))
    }

    /// Returns the store's key pair for envelopes (recordings, audit log).
    #[must_use]
    pub fn envelope(&self) -> EnvelopePrivateKey {
        EnvelopePrivateKey::from_seed(self.derive("root/envelope", &[]).bytes())
    }

    fn derive(&self, label: &str, context: &[&[u8]]) -> LockedKey {
        derive_key(self.0.bytes(), label, context)
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}
