//! A store before its passphrase: it can be made, found and signed in to, and says where recordings may be sealed to.
//!
//! Never reads a sealed value.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_core::{Clock, SecretBytes, StoreId, check_passphrase};
use ostler_sealing::{
    EnvelopePublicKey, Factors, KdfParameters, KeyFile, RandomSecret, RootKey, SlotInfo, open_random_slot,
    seal_slot,
};
use rusqlite::Connection;

use crate::anchor::Anchors;
use crate::keys::{FIRST_EPOCH, Keys};
use crate::meta::Meta;
use crate::sign_in::Counter;
use crate::{Vault, VaultError, database, files, sign_in};

/// A store that was found and is ready to be signed in to.
pub struct LockedVault {
    dir: PathBuf,
    store: StoreId,
    envelope: EnvelopePublicKey,
    connection: Mutex<Connection>,
    anchors: Option<Anchors>,
}

impl LockedVault {
    /// Makes a new store in a directory that is empty or missing: `store.db`, `recordings/`, `audit/`, `plugins/`, all for
    /// the owner only. It is there whole when this returns, or not at all.
    ///
    /// # Errors
    /// [`VaultError::NotEmpty`], [`VaultError::WeakPassphrase`], [`VaultError::KeySlot`] for parameters that are too
    /// weak or too costly, [`VaultError::ReadOnly`], and failures of the disk.
    pub fn create<'a>(
        dir: &Path,
        factors: impl Into<Factors<'a>>,
        kdf: KdfParameters,
        clock: &dyn Clock,
    ) -> Result<Self, VaultError> {
        let factors = factors.into();
        check_new_passphrase(factors.passphrase)?;
        let new = files::NewStore::begin(dir)?;
        let (store, root) = (StoreId::random(), RootKey::random()?);
        let slot = seal_slot(&root, factors, kdf, store)?;
        let keys = Keys::new(store, FIRST_EPOCH, &root);
        let mut meta = Meta::new(clock.now(), &keys, slot);
        database::create(&new.database(), &mut meta, keys.mac())?;
        new.finish()?;
        Self::open(dir)
    }

    /// Opens the files of a store.
    ///
    /// # Errors
    /// [`VaultError::Missing`], [`VaultError::NotAStore`], [`VaultError::Newer`], [`VaultError::Damaged`],
    /// [`VaultError::ReadOnly`], and failures of the disk.
    pub fn open(dir: &Path) -> Result<Self, VaultError> {
        let connection = database::open(&files::database_of(dir)?)?;
        let meta = Meta::read(&connection)?;
        let envelope = EnvelopePublicKey::from_bytes(&meta.envelope)
            .map_err(|_| VaultError::damaged("table meta: the public key is no key"))?;
        files::make_folders(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
            store: meta.store,
            envelope,
            connection: Mutex::new(connection),
            anchors: None,
        })
    }

    /// Returns the store's id.
    #[must_use]
    pub fn store_id(&self) -> StoreId {
        self.store
    }

    /// Returns the public key that recordings and audit events are sealed for.
    ///
    /// Before the sign-in nobody can tell whether the file's copy of it is the store's own; [`LockedVault::unlock`]
    /// refuses a store whose copy is not.
    #[must_use]
    pub fn envelope_key(&self) -> EnvelopePublicKey {
        self.envelope.clone()
    }

    /// Returns how long wrong passphrases before make the next try wait; zero if it may be made now, and also if
    /// the count can't be read, which the try itself then reports.
    #[must_use]
    pub fn wait_before_try(&self, clock: &dyn Clock) -> Duration {
        let counter = Counter::new(self.store, self.anchors.as_ref());
        sign_in::wait(&mut self.connection(), counter, clock.now()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the count of wrong passphrases can't be read");
            Duration::ZERO
        })
    }

    /// Tells whether a key file is wanted beside the passphrase.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn wants_key_file(&self) -> Result<bool, VaultError> {
        let slot = Meta::read(&self.connection())?.slot;
        Ok(SlotInfo::of(&slot, self.store)?.key_file)
    }

    /// Tells whether the store has a slot for a secret that the desktop's keyring keeps.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn has_keyring_slot(&self) -> Result<bool, VaultError> {
        Ok(Meta::read(&self.connection())?.keyring_slot.is_some())
    }

    /// Signs in. Takes as long as the key derivation, and waits (up to 30 s) while another program signs in.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`] and [`VaultError::WrongFactors`], which count; [`VaultError::TooSoon`] and
    /// [`VaultError::KeyFileWanted`], which do not; [`VaultError::Damaged`], also where the header, the key slot or the
    /// public key is not the one that was written last; [`VaultError::KeySlot`] for a key derivation that is weaker than the
    /// least that is accepted.
    pub fn unlock<'a>(
        &self,
        factors: impl Into<Factors<'a>>,
        clock: &dyn Clock,
    ) -> Result<Vault, VaultError> {
        let _lock = files::lock(&self.dir)?;
        let (slot, root) = self.open_root(factors.into(), clock)?;
        self.open_vault(&slot, &root)
    }

    /// Signs in, and makes the slot as strong as a new store's where it is weaker; returns how strong it is now, if that
    /// changed. Where the slot can't be written, the sign-in goes on and the log says so.
    ///
    /// # Errors
    /// As [`LockedVault::unlock`].
    pub fn unlock_and_strengthen(
        &self,
        factors: Factors<'_>,
        clock: &dyn Clock,
    ) -> Result<(Vault, Option<KdfParameters>), VaultError> {
        let lock = files::lock(&self.dir)?;
        let (slot, root) = self.open_root(factors, clock)?;
        let vault = self.open_vault(&slot, &root)?;
        drop(lock);
        let kdf = SlotInfo::of(&slot, self.store)?.kdf;
        if kdf.raised() == kdf {
            return Ok((vault, None));
        }
        let stronger = seal_slot(&root, factors, kdf.raised(), self.store);
        match stronger.map_err(VaultError::from).and_then(|stronger| vault.replace_slot(&slot, stronger)) {
            Ok(()) => Ok((vault, Some(kdf.raised()))),
            Err(error) => {
                tracing::warn!(%error, "the key slot could not be strengthened");
                Ok((vault, None))
            }
        }
    }

    /// Signs in with the secret that the desktop's keyring kept. It is no guess, so it is neither slowed nor counted.
    ///
    /// # Errors
    /// [`VaultError::NoKeyringSlot`], [`VaultError::KeySlot`] if it is not the slot's secret,
    /// [`VaultError::KeyFileWanted`], [`VaultError::WrongFactors`], [`VaultError::Damaged`].
    pub fn unlock_with_secret(
        &self,
        secret: &RandomSecret,
        key_file: Option<&KeyFile>,
    ) -> Result<Vault, VaultError> {
        let _lock = files::lock(&self.dir)?;
        let slot = Meta::read(&self.connection())?.keyring_slot.ok_or(VaultError::NoKeyringSlot)?;
        let root = open_random_slot(&slot, secret, key_file, self.store)?;
        self.open_vault(&slot, &root)
    }

    /// Lets this device remember the store's revision, and authenticate the count of wrong passphrases.
    #[must_use]
    pub fn anchored(mut self, anchors: Anchors) -> Self {
        self.anchors = Some(anchors);
        self
    }

    /// Lets this device take the store as it is now for the newest, and the count of wrong passphrases for its own: for a
    /// store that was made, restored or put here on purpose.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn adopt(&self) -> Result<(), VaultError> {
        let Some(anchors) = &self.anchors else { return Ok(()) };
        let connection = self.connection();
        Counter::new(self.store, Some(anchors)).adopt(&connection)?;
        anchors.set(self.store, Meta::read(&connection)?.revision());
        Ok(())
    }

    fn open_root(&self, factors: Factors<'_>, clock: &dyn Clock) -> Result<(Vec<u8>, RootKey), VaultError> {
        let counter = Counter::new(self.store, self.anchors.as_ref());
        sign_in::open_root(&mut self.connection(), counter, factors, clock)
    }

    /// Opens the store with the root key that stood in a slot. The caller holds the store's lock, so that the file is not
    /// replaced in between.
    fn open_vault(&self, slot: &[u8], root: &RootKey) -> Result<Vault, VaultError> {
        let opened = Vault::open(&self.dir, self.store, root, self.anchors.clone());
        if !matches!(opened, Err(VaultError::Rekeyed)) {
            return opened;
        }
        // Either the store got new keys a moment ago, or its header names a root key that its slots don't have.
        let meta = Meta::read(&self.connection())?;
        let same = meta.slot == slot || meta.keyring_slot.as_deref() == Some(slot);
        Err(if same {
            VaultError::damaged(
                "table meta: the root key is named differently than it stands in the key slot",
            )
        } else {
            VaultError::Rekeyed
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere has rolled its transaction back, so the connection is in order.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for LockedVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LockedVault").field("store", &self.store).finish_non_exhaustive()
    }
}

/// Checks the rule for new passphrases.
pub(crate) fn check_new_passphrase(passphrase: &SecretBytes) -> Result<(), VaultError> {
    let text = passphrase.expose_text().ok_or(VaultError::PassphraseNotText)?;
    let faults = check_passphrase(text);
    if faults.is_empty() { Ok(()) } else { Err(VaultError::WeakPassphrase { faults }) }
}
