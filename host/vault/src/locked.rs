//! A store before its passphrase: it can be made, found and signed in to, and says where recordings may be sealed to.
//!
//! Never reads a sealed value.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_core::{Clock, SecretBytes, StoreId, check_passphrase};
use ostler_sealing::{
    EnvelopePublicKey, Factors, KdfParameters, RootKey, SlotError, SlotInfo, open_slot, seal_slot,
};
use rusqlite::Connection;

use crate::keys::Keys;
use crate::meta::Meta;
use crate::{Vault, VaultError, database, files, sign_in};

/// A store that was found and is ready to be signed in to.
pub struct LockedVault {
    dir: PathBuf,
    store: StoreId,
    envelope: EnvelopePublicKey,
    connection: Mutex<Connection>,
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
        let keys = Keys::new(store, &root);
        let mut meta = Meta::new(store, clock.now(), keys.envelope().public().to_bytes(), slot);
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
        Ok(Self { dir: dir.to_owned(), store: meta.store, envelope, connection: Mutex::new(connection) })
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
        sign_in::wait(&mut self.connection(), clock.now()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the count of wrong passphrases can't be read");
            Duration::ZERO
        })
    }

    /// Signs in. Takes as long as the key derivation, and waits (up to 30 s) while another program signs in: tries go
    /// one after the other, so that many at once give no more guesses.
    ///
    /// # Errors
    /// [`VaultError::WrongPassphrase`], which counts; [`VaultError::TooSoon`], which does not;
    /// [`VaultError::Damaged`], also where the header, the key slot or the public key is not the one that was written
    /// last; [`VaultError::KeySlot`] for a key derivation that is weaker than the least that is accepted.
    pub fn unlock<'a>(
        &self,
        factors: impl Into<Factors<'a>>,
        clock: &dyn Clock,
    ) -> Result<Vault, VaultError> {
        let factors = factors.into();
        let _one_at_a_time = files::lock(&self.dir)?;
        let slot = Meta::read(&self.connection())?.slot;
        if factors.key_file.is_none() && SlotInfo::of(&slot, self.store).is_ok_and(|info| info.key_file) {
            // Nothing can be tried without it, so this is no try.
            return Err(VaultError::KeyFileWanted);
        }
        let tried = sign_in::begin(&mut self.connection(), clock.now())?;
        let root = open_slot(&slot, factors, self.store).map_err(|error| match error {
            SlotError::WrongPassphrase => VaultError::WrongPassphrase { wait: tried.delay() },
            SlotError::WrongFactors => VaultError::WrongFactors { wait: tried.delay() },
            other => other.into(),
        })?;
        sign_in::succeed(&self.connection(), clock.now())?;
        Vault::open(&self.dir, self.store, &root)
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
