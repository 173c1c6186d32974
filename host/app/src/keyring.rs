//! The desktop's keyring (the Secret Service of D-Bus: GNOME Keyring, KWallet, KeePassXC): keeps a random secret that opens
//! one slot of the store.
//!
//! Never keeps the passphrase or the root key there, never asks the person to unlock the keyring, and is never the only way in:
//! whoever calls falls back to the passphrase.

use std::collections::HashMap;

use ostler_core::StoreId;
use ostler_vault::RandomSecret;
use secret_service::EncryptionType;
use secret_service::blocking::{Collection, Item, SecretService};
use zeroize::Zeroizing;

/// How an item of ours is found again. The store's id is random and tells nothing of its content.
const APPLICATION: &str = "ostler";

const CONTENT_TYPE: &str = "application/octet-stream";

/// The keyring could not help.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none, or it does not answer.
    #[error("the desktop's keyring is not to be reached: {0}")]
    Absent(String),
    /// It is there, and locked.
    #[error("the desktop's keyring is locked")]
    Locked,
    /// It has no secret of this store.
    #[error("the desktop's keyring has lost the store's secret")]
    Missing,
    /// Its secret is none of the store's present ones.
    #[error("what the desktop's keyring keeps does not open the store any more")]
    Stale,
}

impl KeyringError {
    /// Returns what to do now.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Absent(_) => "use the passphrase; 'ostler store keyring disable' stops asking the keyring",
            Self::Locked => "unlock the keyring, or use the passphrase",
            Self::Missing | Self::Stale => "use the passphrase, then 'ostler store keyring enable' again",
        }
    }
}

/// Gets the store's secret from the keyring.
pub(crate) fn find(store: StoreId) -> Result<RandomSecret, KeyringError> {
    with_service(|service| {
        let found = service.search_items(attributes(&store.to_string())).map_err(absent)?;
        let Some(item) = found.unlocked.first() else {
            return Err(if found.locked.is_empty() { missing(service)? } else { KeyringError::Locked });
        };
        let kept = Zeroizing::new(item.get_secret().map_err(absent)?);
        RandomSecret::from_bytes(&kept).ok_or(KeyringError::Stale)
    })
}

/// Lets the keyring keep a secret for the store, in place of any that it has.
pub(crate) fn keep(store: StoreId, secret: &RandomSecret) -> Result<(), KeyringError> {
    with_service(|service| {
        let collection = open_collection(service)?;
        let (label, store) = (format!("Ostler store {store}"), store.to_string());
        collection
            .create_item(&label, attributes(&store), secret.expose(), true, CONTENT_TYPE)
            .map(drop)
            .map_err(absent)
    })
}

/// Removes the store's secret from the keyring.
pub(crate) fn forget(store: StoreId) -> Result<(), KeyringError> {
    with_service(|service| {
        let found = service.search_items(attributes(&store.to_string())).map_err(absent)?;
        if !found.locked.is_empty() {
            return Err(KeyringError::Locked);
        }
        found.unlocked.iter().try_for_each(Item::delete).map_err(absent)
    })
}

/// A locked keyring may not tell what it has.
fn missing(service: &SecretService<'_>) -> Result<KeyringError, KeyringError> {
    open_collection(service).map(|_| KeyringError::Missing)
}

fn open_collection<'a>(service: &'a SecretService<'a>) -> Result<Collection<'a>, KeyringError> {
    let collection = service.get_default_collection().map_err(absent)?;
    if collection.is_locked().map_err(absent)? { Err(KeyringError::Locked) } else { Ok(collection) }
}

fn attributes(store: &str) -> HashMap<&str, &str> {
    HashMap::from([("application", APPLICATION), ("store", store)])
}

/// Works with the keyring on a thread of its own: the library waits in a runtime of its own, which must not happen inside of
/// another.
fn with_service<T: Send>(
    work: impl FnOnce(&SecretService<'_>) -> Result<T, KeyringError> + Send,
) -> Result<T, KeyringError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("keyring".to_owned()).spawn_scoped(scope, || {
            // Encrypted on the bus, so that whoever watches it sees nothing.
            let service = SecretService::connect(EncryptionType::Dh).map_err(absent)?;
            work(&service)
        });
        let thread = thread.map_err(|error| KeyringError::Absent(error.to_string()))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// The library's messages name services and paths of D-Bus; never what is kept.
fn absent(error: secret_service::Error) -> KeyringError {
    match error {
        secret_service::Error::Locked => KeyringError::Locked,
        error => KeyringError::Absent(error.to_string()),
    }
}
