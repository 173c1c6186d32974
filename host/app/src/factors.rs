//! What opens a store, and how a passphrase is to be stretched, as commands name it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::SecretInput;

/// How a passphrase is to be stretched: what is none stays as strong as it is, or becomes as strong as a new store's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KdfChange {
    /// Memory, in MiB; not for a store of the FIPS profile.
    pub memory_mib: Option<u32>,
    /// Passes; the rounds of PBKDF2 for a store of the FIPS profile.
    pub passes: Option<u32>,
}

/// What opens a store, asked for again where its keys are at stake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreFactors {
    /// The passphrase.
    pub passphrase: SecretInput,
    /// The key file, where the store wants one; an absolute path.
    pub key_file: Option<PathBuf>,
}
