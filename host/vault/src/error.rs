//! What can go wrong with a store.
//!
//! A message names tables, ids and paths; never a value that stood sealed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler_core::{PassphraseFault, SecretId};
use ostler_sealing::{SealingError, SlotError};
use rusqlite::ErrorCode;

/// A store could not be made, opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The store was locked, and nothing in it can be read or changed any more.
    #[error("the store is locked")]
    Locked,
    /// There is no store in the directory.
    #[error("there is no store in {}", .path.display())]
    Missing {
        /// The directory.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not an Ostler store: {reason}", .path.display())]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        reason: &'static str,
    },
    /// A newer program made or converted the store.
    #[error(
        "the store has format {found}, and this program knows formats up to {known}: use a newer program"
    )]
    Newer {
        /// The store's format.
        found: u32,
        /// The newest known one.
        known: u32,
    },
    /// A program from before the first release made the store.
    #[error("the store has format {found}, which is no longer read: make a new one and import into it")]
    Older {
        /// The store's format.
        found: u32,
    },
    /// What is stored is not what was written.
    #[error("the store is damaged: {what}; restore a backup")]
    Damaged {
        /// The table and id, as far as they can be told, and what is wrong.
        what: String,
    },
    /// The directory or a file in it can't be written to.
    #[error("the store can't be written to: its directory or a file in it is read-only")]
    ReadOnly,
    /// A new store needs an empty directory.
    #[error("{} is not empty: a new store needs an empty or missing directory", .path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// A backup never replaces a file.
    #[error("{} exists already", .path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The new passphrase can't be used.
    #[error("the passphrase is too weak: {}", list(.faults))]
    WeakPassphrase {
        /// All that it lacks.
        faults: Vec<PassphraseFault>,
    },
    /// The new passphrase is not UTF-8.
    #[error("the passphrase is no text: expected UTF-8")]
    PassphraseNotText,
    /// The passphrase is wrong.
    #[error("the passphrase is wrong")]
    WrongPassphrase {
        /// How long the next try has to wait.
        wait: Duration,
    },
    /// The passphrase or the key file is wrong; nobody can tell which.
    #[error("the passphrase or the key file is wrong: the store wants both")]
    WrongFactors {
        /// How long the next try has to wait.
        wait: Duration,
    },
    /// The store wants a key file, and none was given.
    #[error("the store wants its key file beside the passphrase")]
    KeyFileWanted,
    /// The store has no slot for the keyring.
    #[error("the store does not open with the keyring")]
    NoKeyringSlot,
    /// The backup is of another store than the one that it should replace.
    #[error("the backup is of another store")]
    OtherStore,
    /// The store got a new root key since it was opened here.
    #[error("the store got new keys since the sign-in: sign in again")]
    Rekeyed,
    /// Wrong passphrases before make this try wait, or a count of them that is not this device's.
    #[error("too many wrong passphrases: the next try is possible in {} s", seconds(*.wait))]
    TooSoon {
        /// How long.
        wait: Duration,
    },
    /// The key slot can't be used, or not be made as asked for.
    #[error(transparent)]
    KeySlot(SlotError),
    /// The store is not the one that the changes were worked out from: read it again, then try again.
    #[error("another program changed the store in the meantime")]
    Conflict,
    /// No secret has this id.
    #[error("there is no secret {id}")]
    NoSecret {
        /// The id.
        id: SecretId,
    },
    /// Another program held the store for too long.
    #[error("another program is using the store: try again")]
    Busy,
    /// The disk is full.
    #[error("the disk is full: nothing was changed")]
    Full,
    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Something could not be sealed.
    #[error(transparent)]
    Sealing(#[from] SealingError),
    /// The database failed in another way.
    #[error("the database failed")]
    Database(#[source] rusqlite::Error),
}

impl VaultError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged { what: what.into() }
    }

    /// Takes an error of the file system, and tells a read-only or full one from the others.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Self::ReadOnly,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

impl From<rusqlite::Error> for VaultError {
    fn from(error: rusqlite::Error) -> Self {
        match &error {
            rusqlite::Error::InvalidColumnType(_, column, _) => {
                Self::damaged(format!("a value of column {column} has the wrong type"))
            }
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => Self::damaged("a value has the wrong type"),
            rusqlite::Error::QueryReturnedNoRows => Self::damaged("a row that every store has is missing"),
            rusqlite::Error::SqliteFailure(failure, _)
                if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHORT_READ =>
            {
                Self::damaged("store.db is cut short")
            }
            // Growing the index of the write-ahead log needs space, and SQLite has no better name for the lack of it.
            rusqlite::Error::SqliteFailure(failure, _)
                if failure.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE =>
            {
                Self::Full
            }
            _ => match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::TypeMismatch) => {
                    Self::damaged("store.db is no sound database")
                }
                // Rows that break a rule of their own table come of damage only: the program keeps the rules.
                Some(ErrorCode::ConstraintViolation) => Self::damaged("a table breaks its own rules"),
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Self::ReadOnly,
                Some(ErrorCode::DiskFull) => Self::Full,
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
                _ => Self::Database(error),
            },
        }
    }
}

impl From<SlotError> for VaultError {
    fn from(error: SlotError) -> Self {
        match error {
            SlotError::WrongPassphrase => Self::WrongPassphrase { wait: Duration::ZERO },
            SlotError::WrongFactors => Self::WrongFactors { wait: Duration::ZERO },
            SlotError::KeyFileWanted => Self::KeyFileWanted,
            SlotError::Damaged => {
                Self::damaged("table key_slots: the key slot is damaged or of another store")
            }
            SlotError::Sealing(error) => Self::Sealing(error),
            other => Self::KeySlot(other),
        }
    }
}

fn list(faults: &[PassphraseFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whole seconds, rounded up, so that whoever waits that long has waited long enough.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
