//! From a locked store to a host: creating a store, and signing in to one.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ostler_audit::{AuditLog, EventClass, Outcome};
use ostler_core::{Clock, SecretBytes};
use ostler_vault::{
    Anchors, DeviceKey, Factors, History, KdfParameters, KeyFile, LockedVault, SlotError, Vault, VaultError,
};

use crate::auditing::Auditor;
use crate::keyring::{self, KeyringError};
use crate::{AppError, Configuration, FrontEnd, Host, Places};

/// Keeps this process's memory out of core dumps and other processes' reach, as far as the system allows.
pub fn harden_process() {
    if let Err(error) = ostler_vault::harden_process() {
        tracing::warn!(%error, "the process could not be hardened");
    }
}

/// What a new store opens with.
#[derive(Debug, Clone)]
pub struct NewStore {
    /// The passphrase.
    pub passphrase: SecretBytes,
    /// A key file that is wanted beside it.
    pub key_file: Option<PathBuf>,
    /// Whether only functions that FIPS 140 approves may stretch the passphrase.
    pub fips: bool,
}

/// Creates a store in the directory, which must be empty or missing, and returns its id.
///
/// # Errors
/// Fails where the directory holds something, the passphrase is too weak, the key file can't be read, or nothing can be
/// written; then nothing is left behind.
pub fn create_store(places: &Places, new: &NewStore, clock: &Arc<dyn Clock>) -> Result<String, AppError> {
    let key_file = new.key_file.as_deref().map(KeyFile::read).transpose()?;
    let device = Arc::new(DeviceKey::load_or_create(&places.device_key())?);
    let factors = Factors { passphrase: &new.passphrase, key_file: key_file.as_ref() };
    let kdf = if new.fips { KdfParameters::FIPS } else { KdfParameters::DEFAULT };
    let locked = LockedVault::create(&places.store, factors, kdf, clock.as_ref())?;
    let locked = locked.anchored(anchors(places, &device));
    locked.adopt()?;
    let details = [("key-derivation", kdf.to_string()), ("key-file", key_file.is_some().to_string())];
    auditor(places, &locked, &device, clock)?.success(EventClass::VaultCreate, &details)?;
    Ok(locked.store_id().to_string())
}

/// Puts a backup in the place of the store's database, which is kept beside it; returns where, if there was one.
///
/// # Errors
/// Fails where `with` does not open the backup, the backup is not sound or of another store, a program has the store open, or
/// nothing can be written; then nothing is changed.
pub fn restore_store(
    places: &Places,
    backup: &Path,
    with: &Unlock,
    clock: &Arc<dyn Clock>,
) -> Result<Option<PathBuf>, AppError> {
    let key_file = with.key_file.as_deref().map(KeyFile::read).transpose()?;
    let passphrase = with.passphrase.as_ref().ok_or(AppError::NoPassphrase)?;
    let factors = Factors { passphrase, key_file: key_file.as_ref() };
    let device = Arc::new(DeviceKey::load_or_create(&places.device_key())?);
    let anchors = anchors(places, &device);
    let restored = ostler_vault::restore(&places.store, backup, factors, anchors, clock.as_ref())?;
    let mut details = vec![("backup", backup.display().to_string())];
    details.extend(restored.aside.iter().map(|aside| ("kept", aside.display().to_string())));
    auditor(places, &restored.locked, &device, clock)?.success(EventClass::VaultRestore, &details)?;
    Ok(restored.aside)
}

/// Makes a random key file, readable by its owner only.
///
/// # Errors
/// Fails where there is a file already, or it can't be written.
pub fn make_key_file(path: &Path) -> Result<(), AppError> {
    Ok(KeyFile::create(path)?)
}

/// Moves the store aside, so that a new one can be created in its place, and returns where it lies now.
///
/// # Errors
/// Fails where there is no store or it can't be moved.
pub fn move_store_aside(places: &Places, clock: &Arc<dyn Clock>) -> Result<PathBuf, AppError> {
    Ok(ostler_vault::move_aside(&places.store, clock.as_ref())?)
}

/// What a person or a program has to sign in with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unlock {
    /// The passphrase.
    pub passphrase: Option<SecretBytes>,
    /// The key file, where the store wants one.
    pub key_file: Option<PathBuf>,
    /// Whether the desktop's keyring may be asked, where the store has a slot for it. It is asked first, and the
    /// passphrase is used where it can't help.
    pub keyring: bool,
}

impl From<SecretBytes> for Unlock {
    fn from(passphrase: SecretBytes) -> Self {
        Self { passphrase: Some(passphrase), ..Self::default() }
    }
}

/// A store that was found and can be read, before the passphrase.
pub struct SignIn {
    places: Places,
    configuration: Configuration,
    front: Arc<dyn FrontEnd>,
    clock: Arc<dyn Clock>,
    locked: LockedVault,
    device: Arc<DeviceKey>,
    audit: Auditor,
}

impl SignIn {
    /// Opens the store's files without its passphrase.
    ///
    /// # Errors
    /// Fails where there is no store, it is of another kind or newer, damaged, or can't be written to.
    pub fn open(
        places: Places,
        configuration: Configuration,
        front: Arc<dyn FrontEnd>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AppError> {
        let locked = LockedVault::open(&places.store)?;
        let device = Arc::new(DeviceKey::load_or_create(&places.device_key())?);
        let locked = locked.anchored(anchors(&places, &device));
        let audit = auditor(&places, &locked, &device, &clock)?;
        Ok(Self { places, configuration, front, clock, locked, device, audit })
    }

    /// Returns how long wrong passphrases before make the next try wait.
    #[must_use]
    pub fn wait_before_try(&self) -> Duration {
        self.locked.wait_before_try(self.clock.as_ref())
    }

    /// Tells whether the store may open with the desktop's keyring, without a passphrase.
    ///
    /// # Errors
    /// Fails with a damaged store.
    pub fn may_ask_keyring(&self) -> Result<bool, AppError> {
        Ok(self.locked.has_keyring_slot()?)
    }

    /// Fails where the store wants a key file and none is there, so that nobody types a passphrase in vain.
    ///
    /// # Errors
    /// That, and a damaged store.
    pub fn check_key_file(&self, key_file: Option<&Path>) -> Result<(), AppError> {
        if key_file.is_none() && self.locked.wants_key_file()? {
            return Err(VaultError::KeyFileWanted.into());
        }
        Ok(())
    }

    /// Signs in. A failed try leaves this as it was, for the next one. What the person should know besides is in
    /// [`Host::notices`].
    ///
    /// # Errors
    /// Fails with a wrong passphrase or key file, too soon after wrong ones, where neither passphrase nor keyring opens
    /// the store, with a damaged store, and where the sign-in can't be audited.
    pub fn unlock(&self, with: &Unlock) -> Result<Host, AppError> {
        let key_file = with.key_file.as_deref().map(KeyFile::read).transpose()?;
        let (vault, means, mut notices) = self.open_vault(with, key_file.as_ref())?;
        let details = [("means", means.to_owned()), ("version", env!("CARGO_PKG_VERSION").to_owned())];
        self.audit.success(EventClass::VaultUnlock, &details)?;
        notices.extend(self.look_back(&vault)?);
        Ok(Host::new(
            self.places.clone(),
            self.configuration.clone(),
            Arc::clone(&self.front),
            Arc::clone(&self.clock),
            vault,
            Arc::clone(&self.device),
            self.audit.clone(),
            notices,
        ))
    }

    /// Opens the store, by the keyring where that is wanted and can be done, and says by what.
    fn open_vault(
        &self,
        with: &Unlock,
        key_file: Option<&KeyFile>,
    ) -> Result<(Vault, &'static str, Vec<String>), AppError> {
        let mut notices = Vec::new();
        if with.keyring && self.locked.has_keyring_slot()? {
            match self.open_by_keyring(key_file) {
                Ok(vault) => return Ok((vault, "keyring", notices)),
                Err(AppError::Keyring(error)) if with.passphrase.is_some() => notices.push(error.to_string()),
                Err(error) => return Err(error),
            }
        }
        let passphrase = with.passphrase.as_ref().ok_or(AppError::NoPassphrase)?;
        let factors = Factors { passphrase, key_file };
        let (vault, stronger) = self
            .locked
            .unlock_and_strengthen(factors, self.clock.as_ref())
            .map_err(|error| self.failed(error))?;
        if let Some(kdf) = stronger {
            self.audit.success(EventClass::VaultStrengthen, &[("key-derivation", kdf.to_string())])?;
            notices.push(format!("the passphrase was weakly stretched; it is now: {kdf}"));
        }
        Ok((vault, "passphrase", notices))
    }

    fn open_by_keyring(&self, key_file: Option<&KeyFile>) -> Result<Vault, AppError> {
        let secret = keyring::find(self.locked.store_id())?;
        self.locked.unlock_with_secret(&secret, key_file).map_err(|error| match error {
            VaultError::KeySlot(SlotError::WrongSecret) => KeyringError::Stale.into(),
            error => self.failed(error),
        })
    }

    /// Compares the store with what this device remembers of it.
    fn look_back(&self, vault: &Vault) -> Result<Option<String>, AppError> {
        let (reason, notice) = match vault.history()? {
            History::Current | History::New => return Ok(None),
            History::Older { seen, found } => (
                format!("revision {found} where {seen} was seen"),
                format!(
                    "THE STORE IS OLDER than it was on this device (change {found}, where change {seen} was seen): \
                     somebody may have put an old copy in its place; if it was you, say so with \
                     'ostler store restore --present'"
                ),
            ),
            History::Unknown => (
                "what this device remembers of the store is damaged".to_owned(),
                "what this device remembers of the store was changed or is damaged, so nobody can tell whether the \
                 store is older than it was; it is remembered anew"
                    .to_owned(),
            ),
        };
        let mut event = self.audit.event(EventClass::VaultRollbackWarning, Outcome::Failure);
        event.reason = Some(reason);
        self.audit.write(&event)?;
        Ok(Some(notice))
    }

    /// Audits a try that failed because of what was tried.
    fn failed(&self, error: VaultError) -> AppError {
        if matches!(error, VaultError::WrongPassphrase { .. } | VaultError::WrongFactors { .. }) {
            let mut event = self.audit.event(EventClass::VaultUnlock, Outcome::Failure);
            event.reason = Some(error.to_string());
            if let Err(unaudited) = self.audit.write(&event) {
                return unaudited.into();
            }
        }
        error.into()
    }
}

fn anchors(places: &Places, device: &Arc<DeviceKey>) -> Anchors {
    Anchors::new(places.anchors(), Arc::clone(device))
}

fn auditor(
    places: &Places,
    locked: &LockedVault,
    device: &Arc<DeviceKey>,
    clock: &Arc<dyn Clock>,
) -> Result<Auditor, AppError> {
    let (device, key) = (Arc::clone(device), locked.envelope_key());
    let log = AuditLog::open(&places.audit(), locked.store_id(), device, &key, Arc::clone(clock))?;
    Ok(Auditor::new(Arc::new(log)))
}
