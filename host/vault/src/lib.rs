//! The sealed store: folders, connections, secrets, known hosts, plugins' values and documents in one SQLite file.
//!
//! All of an entry but its random id is sealed. A secret is sealed under a key of its own, so that opening one opens
//! nothing else, and the rows together stand under a MAC, so that deleted, swapped and replayed rows are found.
//! Several processes may work on one store at once. The database's tables are in `schema.rs`, what the MAC covers in
//! `integrity.rs`.
//!
//! Never decides who may read a secret or where it may go, never keeps a passphrase, never puts a value into an
//! error message, and never removes anything outside of the store's directory.
#![warn(missing_docs)]

mod anchor;
mod changes;
mod database;
mod error;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod integrity;
mod keys;
mod locked;
mod maintenance;
mod meta;
mod plugin_secrets;
mod records;
mod rekey;
mod restore;
mod rows;
mod schema;
mod secrets;
mod sides;
mod sign_in;
mod slots;
mod vault;
mod write;

#[cfg(test)]
mod flipped_bytes;

pub use anchor::{Anchors, History};
pub use changes::{Changes, Generation, KnownHost, Snapshot, StoredSecret};
pub use error::VaultError;
pub use files::move_aside;
pub use locked::LockedVault;
pub use maintenance::{StoreInfo, VerifyReport};
pub use ostler_sealing::{
    DeviceKey, DeviceKeyError, EnvelopePrivateKey, EnvelopePublicKey, Factors, HardenError, KdfParameters,
    KeyFile, KeyFileError, KeyMemory, RandomSecret, SlotError, answer_challenge, harden_process,
};
pub use plugin_secrets::StoredPluginSecret;
pub use rekey::Rekeyed;
pub use restore::{Restored, restore};
pub use slots::KeyringSlot;
pub use vault::Vault;
