//! The keys of an unlocked store, and the context that binds each sealed value to its place.
//!
//! Never seals two kinds of value under one context, and never holds a secret's own key.

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{EnvelopePrivateKey, MacKey, OpenError, RecordKey, RootKey, SealingError, tag_of};

/// The epoch of a new store.
pub(crate) const FIRST_EPOCH: i64 = 1;

/// What the root key gives. The root key itself is not kept.
pub(crate) struct Keys {
    store: StoreId,
    /// Counts the store's root keys, this one being the newest.
    epoch: i64,
    root_id: [u8; 16],
    metadata: RecordKey,
    /// Wraps the keys of secrets.
    wrapping: RecordKey,
    mac: MacKey,
    envelope: EnvelopePrivateKey,
}

/// A secret's three sealed parts.
pub(crate) struct SealedSecret {
    pub(crate) wrapped_key: Vec<u8>,
    pub(crate) rules: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

impl Keys {
    /// Grows the keys of an epoch from its root key.
    pub(crate) fn new(store: StoreId, epoch: i64, root: &RootKey) -> Self {
        Self {
            store,
            epoch,
            root_id: root.id(),
            metadata: root.metadata_key(),
            // The number of an epoch that is none is found by the MAC, whose key does not depend on it.
            wrapping: root.epoch_key(u32::try_from(epoch).unwrap_or_default()),
            mac: root.mac_key(),
            envelope: root.envelope(),
        }
    }

    /// Adds the envelope keys of earlier epochs.
    pub(crate) fn with_retired(mut self, retired: Vec<EnvelopePrivateKey>) -> Self {
        self.envelope = self.envelope.with_retired(retired);
        self
    }

    pub(crate) fn store(&self) -> StoreId {
        self.store
    }

    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }

    pub(crate) fn root_id(&self) -> [u8; 16] {
        self.root_id
    }

    pub(crate) fn mac(&self) -> &MacKey {
        &self.mac
    }

    pub(crate) fn envelope(&self) -> &EnvelopePrivateKey {
        &self.envelope
    }

    /// Returns the id that stands in the clear for names that must not: a keyed hash.
    pub(crate) fn name_id(&self, what: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut named: Vec<&[u8]> = vec![b"ostler name", what.as_bytes()];
        named.extend(parts);
        self.mac.tag(&named)
    }

    /// Seals metadata of the row `id` for its place: which table and kind, and which version.
    pub(crate) fn seal(
        &self,
        place: &str,
        id: &[u8],
        version: i64,
        plain: &[u8],
    ) -> Result<Vec<u8>, SealingError> {
        self.metadata.seal(&[&self.store.to_bytes(), place.as_bytes(), id, &version.to_be_bytes()], plain)
    }

    /// Opens what [`Keys::seal`] made for the same place.
    pub(crate) fn open(
        &self,
        place: &str,
        id: &[u8],
        version: i64,
        sealed: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        self.metadata.open(&[&self.store.to_bytes(), place.as_bytes(), id, &version.to_be_bytes()], sealed)
    }

    /// Seals a secret under a fresh key, and its rules so that they belong to this sealing only.
    pub(crate) fn seal_secret(
        &self,
        id: &[u8],
        version: i64,
        rules: &[u8],
        secret: &SecretBytes,
    ) -> Result<SealedSecret, SealingError> {
        let own = RecordKey::random()?;
        let (store, version) = (self.store.to_bytes(), version.to_be_bytes());
        let context: &[&[u8]] = &[&store, b"secret key", id, &self.epoch.to_be_bytes(), &version];
        let wrapped_key = self.wrapping.seal_key(context, &own)?;
        let sealing = tag_of(&wrapped_key);
        Ok(SealedSecret {
            rules: self.metadata.seal(&[&store, b"secret rules", id, &version, &sealing], rules)?,
            sealed: own.seal(&[&store, b"secret", id, &version], secret.expose())?,
            wrapped_key,
        })
    }

    /// Opens a secret's rules, and nothing else of it.
    pub(crate) fn open_rules(
        &self,
        id: &[u8],
        version: i64,
        wrapped_key: &[u8],
        rules: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        let sealing = tag_of(wrapped_key);
        self.metadata
            .open(&[&self.store.to_bytes(), b"secret rules", id, &version.to_be_bytes(), &sealing], rules)
    }

    /// Opens a secret's own key, and the secret with it.
    pub(crate) fn open_secret(
        &self,
        id: &[u8],
        version: i64,
        wrapped_key: &[u8],
        sealed: &[u8],
    ) -> Result<SecretBytes, OpenError> {
        let (store, version) = (self.store.to_bytes(), version.to_be_bytes());
        let context: &[&[u8]] = &[&store, b"secret key", id, &self.epoch.to_be_bytes(), &version];
        self.wrapping.open_key(context, wrapped_key)?.open(&[&store, b"secret", id, &version], sealed)
    }
}
