//! How a connection or folder proves who the user is (feature CM-13).
//!
//! Holds ids and names of secrets, never a secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{SecretId, SlotName};

/// The slot of a log-in password.
pub const PASSWORD_SLOT: &str = "login.password";
/// The slot of a private key.
pub const PRIVATE_KEY_SLOT: &str = "login.private-key";
/// The slot of the passphrase that opens a private key.
pub const PASSPHRASE_SLOT: &str = "login.key-passphrase";

/// Where the credential of a connection or folder comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialMode {
    /// No credential is stored: what is missing is asked for at launch.
    None,
    /// The nearest folder above that has a credential of its own gives it.
    #[default]
    Inherit,
    /// Kept in this store.
    Local(LocalCredential),
    /// Acquired at launch from a credential source, a plugin.
    Source(SourceCredential),
}

/// A credential that lives elsewhere: where, and under which name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceCredential {
    /// The plugin's id.
    pub plugin: String,
    /// The entry, as the source names it.
    pub entry: String,
    /// The user name, where the source does not say one.
    pub user: Option<String>,
}

/// A credential kept in the store: names in the sealed record, secrets sealed one by one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LocalCredential {
    /// The user name, if known.
    pub user: Option<String>,
    /// The domain, if any.
    pub domain: Option<String>,
    /// The secrets, by the slot that a plan names.
    pub secrets: BTreeMap<SlotName, SecretId>,
}

/// A credential as a launcher plugin sees it: names and slots.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CredentialDescription {
    /// The user name, if known.
    pub user: Option<String>,
    /// The domain, if any.
    pub domain: Option<String>,
    /// What can be injected.
    pub slots: Vec<SlotDescription>,
}

/// One slot of a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotDescription {
    /// The name that a plan uses.
    pub name: SlotName,
    /// The protocol field that the secret is meant for.
    pub field: crate::SecretField,
}
