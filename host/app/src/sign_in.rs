//! From a locked store to a host: creating a store, and signing in to one.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ostler_audit::{AuditLog, Outcome};
use ostler_core::{Clock, SecretBytes};
use ostler_vault::{DeviceKey, Factors, KdfParameters, KeyFile, LockedVault, VaultError};

use crate::auditing::Auditor;
use crate::{AppError, Configuration, FrontEnd, Host, Places};

/// Keeps this process's memory out of core dumps and other processes' reach, as far as the system allows.
pub fn harden_process() {
    if let Err(error) = ostler_vault::harden_process() {
        tracing::warn!(%error, "the process could not be hardened");
    }
}

/// Creates a store in the directory, which must be empty or missing, and returns its id.
///
/// # Errors
/// Fails where the directory holds something, the passphrase is too weak, or nothing can be written; then nothing is left
/// behind.
pub fn create_store(
    places: &Places,
    passphrase: &SecretBytes,
    clock: &Arc<dyn Clock>,
) -> Result<String, AppError> {
    let device = Arc::new(DeviceKey::load_or_create(&places.device_key())?);
    let locked = LockedVault::create(&places.store, passphrase, KdfParameters::DEFAULT, clock.as_ref())?;
    auditor(places, &locked, &device, clock)?.success("vault.create", &[])?;
    Ok(locked.store_id().to_string())
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
        let audit = auditor(&places, &locked, &device, &clock)?;
        Ok(Self { places, configuration, front, clock, locked, device, audit })
    }

    /// Returns how long wrong passphrases before make the next try wait.
    #[must_use]
    pub fn wait_before_try(&self) -> Duration {
        self.locked.wait_before_try(self.clock.as_ref())
    }

    /// Signs in. A failed try leaves this as it was, for the next one.
    ///
    /// # Errors
    /// Fails with a wrong passphrase or key file, too soon after wrong ones, where neither passphrase nor keyring opens
    /// the store, with a damaged store, and where the sign-in can't be audited.
    pub fn unlock(&self, with: &Unlock) -> Result<Host, AppError> {
        let key_file = with.key_file.as_deref().map(KeyFile::read).transpose()?;
        let passphrase = with.passphrase.as_ref().ok_or(AppError::NoPassphrase)?;
        let factors = Factors { passphrase, key_file: key_file.as_ref() };
        let vault = self.locked.unlock(factors, self.clock.as_ref()).map_err(|error| self.failed(error))?;
        self.audit.success("vault.unlock", &[])?;
        Ok(Host::new(
            self.places.clone(),
            self.configuration.clone(),
            Arc::clone(&self.front),
            Arc::clone(&self.clock),
            vault,
            Arc::clone(&self.device),
            self.audit.clone(),
        ))
    }

    /// Audits a try that failed because of what was tried.
    fn failed(&self, error: VaultError) -> AppError {
        if matches!(error, VaultError::WrongPassphrase { .. } | VaultError::WrongFactors { .. }) {
            let mut event = self.audit.event("vault.unlock", Outcome::Failure);
            event.reason = Some(error.to_string());
            if let Err(unaudited) = self.audit.write(&event) {
                return unaudited.into();
            }
        }
        error.into()
    }
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
