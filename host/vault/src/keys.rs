//! The keys of an unlocked store, and the context that binds each sealed value to its place.
//!
//! Never seals two kinds of value under one context, and never holds a secret's own key.

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    EnvelopePrivateKey, MacKey, OpenError, RecordKey, RootKey, SealingError, random_bytes, tag_of,
};
use zeroize::Zeroizing;

/// The epoch whose key wraps the keys of new secrets.
pub(crate) const EPOCH: i64 = 1;

/// What the root key gives. The root key itself is not kept.
pub(crate) struct Keys {
    store: StoreId,
    metadata: RecordKey,
    epoch: RecordKey,
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
    pub(crate) fn new(store: StoreId, root: &RootKey) -> Self {
        Self {
            store,
            metadata: root.metadata_key(),
            epoch: root.epoch_key(1),
            mac: root.mac_key(),
            envelope: root.envelope(),
        }
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
        let own_bytes = Zeroizing::new(random_bytes::<32>()?);
        let own = RecordKey::from_bytes(&own_bytes);
        let (store, version) = (self.store.to_bytes(), version.to_be_bytes());
        let wrapped_key = self
            .epoch
            .seal(&[&store, b"secret key", id, &EPOCH.to_be_bytes(), &version], own_bytes.as_slice())?;
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
        let own =
            self.epoch.open(&[&store, b"secret key", id, &EPOCH.to_be_bytes(), &version], wrapped_key)?;
        let own: &[u8; 32] = own.expose().try_into().map_err(|_| OpenError::Damaged)?;
        RecordKey::from_bytes(own).open(&[&store, b"secret", id, &version], sealed)
    }
}
