//! Everything that a command can fail with. The front end turns it into words; [`AppError::kind`] tells it which exit
//! code, and [`AppError::hint`] what to do now.

use std::path::PathBuf;

use crate::{KeyringError, PolicyFault};
use ostler_audit::AuditError;
use ostler_core::{PromptError, SessionError, TreeError};
use ostler_recording::RecordingError;
use ostler_registry::ShelfError;
use ostler_runtime::{LoadError, NativeError, PluginError, RuntimeError, SaidKind};
use ostler_vault::{DeviceKeyError, KeyFileError, VaultError};
use serde::{Deserialize, Serialize};

/// What sort of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// What was asked for can't be done as asked: names, values, files.
    User,
    /// The passphrase is wrong, or must wait.
    SignIn,
    /// Refused by policy, by a missing grant, or because it could not be audited.
    Denied,
    /// The session could not be opened or broke.
    Session,
    /// A plugin failed.
    Plugin,
    /// Stored data is damaged.
    Damaged,
    /// Something outside failed: disk, permissions.
    System,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The store.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The device key.
    #[error(transparent)]
    DeviceKey(#[from] DeviceKeyError),
    /// The key file.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The desktop's keyring could not help.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Neither passphrase nor keyring is there to sign in with.
    #[error("the store wants its passphrase")]
    NoPassphrase,
    /// The tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// Nothing has this name.
    #[error("there is no folder or connection '{path}'")]
    NotFound {
        /// What was named.
        path: String,
        /// What may have been meant.
        near: Vec<String>,
    },
    /// The audit log can't be written or read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A recording.
    #[error(transparent)]
    Recording(#[from] RecordingError),
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The plugin runtime could not start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A plugin can't be loaded.
    #[error("plugin '{plugin}' can't be loaded: {source}")]
    Load {
        /// The plugin.
        plugin: String,
        /// Why not.
        source: LoadError,
    },
    /// A plugin's call failed.
    #[error("plugin '{plugin}': {source}")]
    Plugin {
        /// The plugin.
        plugin: String,
        /// Why.
        source: PluginError,
    },
    /// A plugin failed too often, and does not run for now.
    #[error("plugin '{plugin}' does not run: {reason}")]
    HeldBack {
        /// The plugin.
        plugin: String,
        /// Why, and for how long.
        reason: String,
    },
    /// A call of a native plugin failed.
    #[error("plugin '{plugin}': {source}")]
    Native {
        /// The plugin.
        plugin: String,
        /// Why.
        source: NativeError,
    },
    /// A plugin can't be found, installed or removed.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The person declined, or nobody is there.
    #[error("{what}: {source}")]
    Prompt {
        /// What was asked for.
        what: String,
        /// Why there is no answer.
        source: PromptError,
    },
    /// There is no such plugin.
    #[error("there is no plugin '{0}'")]
    NoPlugin(String),
    /// There is no such recording.
    #[error("{0}")]
    NoRecording(String),
    /// No enabled plugin does this.
    #[error("no enabled plugin {what}")]
    NoPluginFor {
        /// Such as `opens 'ssh' connections`.
        what: String,
    },
    /// A value can't be used.
    #[error("{what}: {reason}")]
    BadValue {
        /// What it is of.
        what: String,
        /// Why not.
        reason: String,
    },
    /// Policy, a grant or the audit log forbids it.
    #[error("{0}")]
    Denied(String),
    /// A policy file can't be used.
    #[error(transparent)]
    Policy(#[from] PolicyFault),
    /// A session that must be recorded can't be.
    #[error("the session must be recorded and can't be: {0}")]
    NotRecorded(RecordingError),
    /// A file.
    #[error("{}: {source}", .file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Audit events could not be handed to another system.
    #[error("audit events can't be handed to {to}: {source}")]
    NotExported {
        /// Where to.
        to: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Other programs changed the store again and again.
    #[error("the store was changed by other programs at the same time, {0} times in a row")]
    Busy(u32),
    /// A host in another process failed.
    #[error("{message}")]
    Relayed {
        /// What sort of failure it is there.
        kind: ErrorKind,
        /// What it says.
        message: String,
        /// What to do now.
        hint: Option<String>,
        /// Why.
        source: Option<Box<RelayedCause>>,
    },
}

/// Why a host in another process failed.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct RelayedCause {
    /// What it says.
    pub message: String,
    /// Why.
    pub source: Option<Box<RelayedCause>>,
}

impl AppError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Vault(error) => vault_kind(error),
            Self::NoPassphrase | Self::Keyring(_) => ErrorKind::SignIn,
            Self::Tree(_)
            | Self::NotFound { .. }
            | Self::KeyFile(_)
            | Self::NoPlugin(_)
            | Self::NoRecording(_)
            | Self::NoPluginFor { .. }
            | Self::BadValue { .. } => ErrorKind::User,
            Self::Audit(AuditError::NoLine { .. }) => ErrorKind::User,
            Self::Recording(RecordingError::NoTerminal(_) | RecordingError::NoDesktop(_)) => ErrorKind::User,
            Self::Audit(AuditError::Damaged(_)) | Self::Recording(_) => ErrorKind::Damaged,
            Self::Session(SessionError::Injection(_))
            | Self::Denied(_)
            | Self::Policy(_)
            | Self::NotRecorded(_) => ErrorKind::Denied,
            Self::Session(_) | Self::Prompt { .. } => ErrorKind::Session,
            Self::Runtime(_)
            | Self::Load { .. }
            | Self::Plugin { .. }
            | Self::Native { .. }
            | Self::HeldBack { .. }
            | Self::Shelf(_) => ErrorKind::Plugin,
            Self::Relayed { kind, .. } => *kind,
            Self::DeviceKey(_)
            | Self::Audit(_)
            | Self::File { .. }
            | Self::NotExported { .. }
            | Self::Busy(_) => ErrorKind::System,
        }
    }

    /// Returns what to do now, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Vault(error) => vault_hint(error)?,
            Self::Keyring(error) => error.advice(),
            Self::NotFound { near, .. } if !near.is_empty() => {
                return Some(format!("did you mean '{}'?", near.join("' or '")));
            }
            Self::NotFound { .. } | Self::Tree(TreeError::NotFound { .. }) => {
                "'ostler tree' shows what there is"
            }
            Self::Tree(TreeError::Ambiguous { .. }) => "name it by its full path or its id",
            Self::Tree(TreeError::Exists { .. }) => "choose another name, or edit what is there",
            Self::Session(SessionError::HostKey { changed: true, .. }) => {
                "if the server really has a new key, forget the old one with 'ostler host-key remove HOST'"
            }
            Self::Session(SessionError::HostKey { .. }) => {
                "compare the fingerprint with the server's, then connect with '--host-key accept-new'"
            }
            Self::Session(SessionError::WrongCredential { .. } | SessionError::CredentialRefused { .. }) => {
                "'ostler connection show' tells which credential is used, 'ostler connection edit' changes it"
            }
            Self::Session(SessionError::Injection(_)) => {
                "the launcher planned to send a secret where it may not go; see 'ostler audit show', and mistrust the plugin"
            }
            Self::Session(SessionError::UnknownHost { .. } | SessionError::Refused { .. }) => {
                "check host and port with 'ostler connection show'"
            }
            Self::Plugin { source: PluginError::Refused { capability, .. }, plugin } => {
                return Some(format!(
                    "grant it with 'ostler plugin grant {plugin} {capability}', if you trust the plugin"
                ));
            }
            Self::Plugin { source: PluginError::Said(said), .. } => said_hint(&said.kind)?,
            Self::Plugin { plugin, .. } => {
                return Some(format!(
                    "nothing was changed; 'ostler plugin show {plugin}' tells more, the log has details"
                ));
            }
            Self::HeldBack { plugin, .. } => {
                return Some(format!(
                    "'ostler plugin crashes {plugin}' tells why; 'ostler plugin enable {plugin}' lets it run at once"
                ));
            }
            Self::Shelf(error) => return error.advice(),
            Self::Policy(_) => {
                "mend the file, or ask who administrates this machine; 'ostler doctor' checks it again"
            }
            Self::NoPlugin(_) | Self::NoPluginFor { .. } => {
                "'ostler plugin list' shows the plugins and why one can't run"
            }
            Self::NoRecording(_) => "'ostler recording list' shows the recordings",
            Self::Recording(RecordingError::NoTerminal(_)) => {
                "'ostler recording picture' and 'ostler recording export --format pictures' show it"
            }
            Self::Recording(RecordingError::NoDesktop(_)) => "'ostler recording play' shows it",
            Self::Prompt { .. } => "store it with 'ostler connection edit', or run ostler in a terminal",
            Self::NotRecorded(_) => "free disk space, or ask your administrator about the recording policy",
            Self::Audit(AuditError::Damaged(_)) => {
                "keep the store's 'audit' directory as evidence; to begin a new log, move it elsewhere"
            }
            Self::Audit(AuditError::NoLine { .. }) => "'ostler audit show' has the events' numbers",
            Self::NotExported { .. } => {
                "is the log server there? What it did not take is sent again by the next run with the same --cursor-file"
            }
            Self::Audit(_) => {
                "nothing is done that can't be written down; free space or mend the permissions"
            }
            Self::DeviceKey(error) => device_key_hint(error)?,
            Self::Busy(_) => "try again",
            Self::Relayed { hint, .. } => return hint.clone(),
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// Tells whether nothing more can be done with this host, since its keys open the store no more.
    #[must_use]
    pub fn wants_sign_in(&self) -> bool {
        matches!(self, Self::Vault(VaultError::Rekeyed | VaultError::Locked))
    }

    /// A value that can't be used.
    pub(crate) fn bad(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadValue { what: what.into(), reason: reason.into() }
    }
}

fn device_key_hint(error: &DeviceKeyError) -> Option<&'static str> {
    Some(match error {
        DeviceKeyError::Damaged { .. } => {
            "move it away, and a new one is made; neither the store nor its passphrase depends on it"
        }
        DeviceKeyError::ForeignOwner { .. } => "run ostler as that user, or take the file over with 'chown'",
        DeviceKeyError::Io { .. } => "mend the permissions of the file and its directory, or free space",
        DeviceKeyError::Exposed { .. } | DeviceKeyError::Sealing(_) => return None,
    })
}

fn said_hint(kind: &SaidKind) -> Option<&'static str> {
    Some(match kind {
        SaidKind::Missing => "store it with 'ostler connection edit', or connect from a terminal, which asks",
        SaidKind::BadSetting { .. } => "change it with 'ostler connection edit CONNECTION --set KEY=VALUE'",
        SaidKind::BadOption { .. } => "'ostler import --help' explains the options; nothing was imported",
        SaidKind::BadFile { .. } => {
            "mend the file, or name another importer with --plugin; nothing was imported"
        }
        SaidKind::Unsupported => return None,
    })
}

fn vault_kind(error: &VaultError) -> ErrorKind {
    match error {
        VaultError::Locked
        | VaultError::WrongPassphrase { .. }
        | VaultError::WrongFactors { .. }
        | VaultError::KeyFileWanted
        | VaultError::NoKeyringSlot
        | VaultError::Rekeyed
        | VaultError::TooSoon { .. } => ErrorKind::SignIn,
        VaultError::Damaged { .. } => ErrorKind::Damaged,
        VaultError::Missing { .. }
        | VaultError::NotAStore { .. }
        | VaultError::Newer { .. }
        | VaultError::Older { .. }
        | VaultError::OtherStore
        | VaultError::NotEmpty { .. }
        | VaultError::Exists { .. }
        | VaultError::WeakPassphrase { .. } => ErrorKind::User,
        _ => ErrorKind::System,
    }
}

fn vault_hint(error: &VaultError) -> Option<&'static str> {
    Some(match error {
        VaultError::Locked => "sign in again: 'ostler unlock', or give the passphrase to the next command",
        VaultError::Missing { .. } => "create one with 'ostler store create'",
        VaultError::NotEmpty { .. } => {
            "choose another directory, or move the store aside with 'ostler store create --replace'"
        }
        VaultError::NotAStore { .. } => "choose another directory with OSTLER_STORE or --store",
        VaultError::WrongPassphrase { .. } => {
            "try again; a backup opens with the passphrase of its time, and a lost passphrase can't be recovered"
        }
        VaultError::KeyFileWanted | VaultError::WrongFactors { .. } => {
            "name the key file with --store-key-file or OSTLER_STORE_KEY_FILE; without it the store can't be opened"
        }
        VaultError::WeakPassphrase { .. } => {
            "use at least 8 characters with upper and lower case, a digit and a symbol"
        }
        VaultError::OtherStore => "name the store's directory with --store, or restore into an empty one",
        VaultError::Damaged { .. } => {
            "'ostler store restore FILE' puts a backup in its place and keeps what is there"
        }
        VaultError::Busy => {
            "end the other program ('ostler lock' for one that keeps the store open), and try again"
        }
        VaultError::ReadOnly => "check the permissions of the store's directory",
        VaultError::Full => "free some space and try again",
        _ => return None,
    })
}
