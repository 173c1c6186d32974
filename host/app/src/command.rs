//! Commands: everything that a front end can ask of a host, as plain data.
//!
//! A command names entries as a person does (a path, a unique name or an id).

mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use crate::audit::{AuditExport, AuditFilter};
use crate::{KdfChange, SecretInput, StoreFactors};
use ostler_core::{LogLevel, RunRequest, SettingValue};
use serde::{Deserialize, Serialize};

pub use transfer::{ExportCommand, ExportForm, ImportCommand};

/// What a front end asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// Facts of the store.
    StoreInfo,
    /// Checks everything in the store's database.
    StoreVerify,
    /// Copies the store's database to a new file.
    StoreBackup {
        /// The file; must not exist.
        to: PathBuf,
    },
    /// Changes the passphrase.
    ChangePassphrase {
        /// What opens the store now.
        current: StoreFactors,
        /// The new passphrase.
        new: SecretInput,
        /// How it is to be stretched.
        kdf: KdfChange,
    },
    /// Adds, changes or removes the key file that is wanted beside the passphrase.
    StoreKeyFile {
        /// What opens the store now.
        current: StoreFactors,
        /// The new key file; none removes it.
        key_file: Option<PathBuf>,
    },
    /// Lets the desktop's keyring open the store.
    StoreKeyringEnable {
        /// What opens the store now.
        current: StoreFactors,
    },
    /// Lets the desktop's keyring open the store no more.
    StoreKeyringDisable,
    /// Gives the store a new root key and seals everything anew. The host says 'sign in again' afterwards.
    StoreRekey {
        /// What opens the store now.
        current: StoreFactors,
    },
    /// Takes the store as it is for the newest, after an older copy was put in its place on purpose.
    StoreAcceptHistory,

    /// Adds a folder, and those above it that are missing.
    FolderAdd {
        /// Its path.
        path: String,
        /// What to set.
        change: FolderChange,
    },
    /// Changes a folder.
    FolderEdit {
        /// Its path.
        path: String,
        /// What to change.
        change: FolderChange,
    },
    /// Moves a folder.
    FolderMove {
        /// Its path.
        path: String,
        /// The folder to move it into; empty for the top.
        into: String,
    },
    /// Deletes a folder with everything below it.
    FolderDelete {
        /// Its path.
        path: String,
    },
    /// Shows a folder.
    FolderShow {
        /// Its path.
        path: String,
    },

    /// Adds a connection.
    ConnectionAdd {
        /// The name.
        name: String,
        /// The folder to put it in; missing ones are made. Empty for the top.
        folder: String,
        /// The type, such as `ssh`.
        kind: String,
        /// What to set; `host` is required.
        change: ConnectionChange,
    },
    /// Changes a connection.
    ConnectionEdit {
        /// Which.
        name: String,
        /// What to change.
        change: ConnectionChange,
    },
    /// Copies a connection, its secrets too.
    ConnectionCopy {
        /// Which.
        name: String,
        /// The name of the copy.
        to: String,
        /// The folder of the copy; none for the same one.
        folder: Option<String>,
    },
    /// Moves a connection.
    ConnectionMove {
        /// Which.
        name: String,
        /// The folder to move it into; empty for the top.
        into: String,
    },
    /// Deletes a connection and its secrets.
    ConnectionDelete {
        /// Which.
        name: String,
    },
    /// Shows a connection.
    ConnectionShow {
        /// Which.
        name: String,
    },
    /// Lists connections.
    ConnectionList {
        /// Only what stands in this folder or below; empty for all.
        folder: String,
        /// Only what has these words, the best first; empty for all, by path.
        search: String,
    },
    /// Shows folders and connections as a tree.
    Tree {
        /// The folder to begin at; empty for the top.
        folder: String,
    },

    /// Imports a file.
    Import(ImportCommand),

    /// Writes connections to a new file.
    Export(ExportCommand),

    /// Makes the plan of a launch and stops there.
    Plan {
        /// Which connection.
        name: String,
        /// What to run.
        run: RunRequest,
    },
    /// Opens a session and carries it until it ends.
    Connect {
        /// Which connection.
        name: String,
        /// What to run.
        run: RunRequest,
        /// What to do about unknown host keys.
        host_key: HostKeyPolicy,
    },

    /// Lists recordings.
    RecordingList,
    /// Sends the events of a recording to the front end.
    RecordingPlay {
        /// Which: an id, or its unique beginning.
        id: String,
    },
    /// Writes a recording as asciicast v3.
    RecordingExport {
        /// Which.
        id: String,
        /// The file; must not exist.
        out: PathBuf,
    },
    /// Writes what a recorded desktop showed at a time as a picture (PNG).
    RecordingPicture {
        /// Which.
        id: String,
        /// The time since the recording began.
        at: Duration,
        /// The file; must not exist.
        out: PathBuf,
    },
    /// Writes a picture of a recorded desktop for each time that it looked different.
    RecordingPictures {
        /// Which.
        id: String,
        /// At most one picture for each of these spans.
        every: Duration,
        /// The folder; must not exist.
        out: PathBuf,
    },
    /// Verifies one recording, or all.
    RecordingVerify {
        /// Which.
        id: Option<String>,
    },
    /// Deletes a recording.
    RecordingDelete {
        /// Which.
        id: String,
    },

    /// Shows audit events.
    AuditShow {
        /// Which.
        filter: AuditFilter,
        /// At most so many, the newest.
        last: Option<u64>,
        /// Whether to go on with the events that come.
        follow: bool,
    },
    /// Hands audit events to another system.
    AuditExport(AuditExport),
    /// Verifies the audit log.
    AuditVerify {
        /// An earlier checkpoint that was kept outside.
        anchor: Option<String>,
    },
    /// Returns the newest checkpoint, to be kept outside.
    AuditCheckpoint {
        /// The file that it is written to.
        out: Option<PathBuf>,
    },
    /// Proves to others that a line stands in the log.
    AuditProveLine {
        /// The line's number.
        line: u64,
        /// The file that the proof is written to.
        out: Option<PathBuf>,
    },
    /// Proves to others that the log continues an earlier checkpoint.
    AuditProveGrowth {
        /// The earlier checkpoint.
        anchor: String,
        /// The file that the proof is written to.
        out: Option<PathBuf>,
    },

    /// Lists plugins.
    PluginList,
    /// Shows a plugin: what it asks, has, used and was refused.
    PluginShow {
        /// Its id.
        id: String,
    },
    /// Shows the settings of a plugin.
    PluginSettings {
        /// Its id.
        id: String,
    },
    /// Changes the settings of a plugin; without any change, the person is asked for each.
    PluginConfigure {
        /// Its id.
        id: String,
        /// Values as they are written, by key; none removes one.
        changes: BTreeMap<String, Option<String>>,
        /// Secrets, by key.
        secrets: BTreeMap<String, SecretInput>,
    },
    /// Lists the settings that connections can have.
    ConnectionSettings,
    /// Lets a plugin run, or not.
    PluginEnable {
        /// Its id.
        id: String,
        /// Whether it may run.
        enabled: bool,
    },
    /// Gives or takes a capability.
    PluginGrant {
        /// Its id.
        id: String,
        /// The capability.
        capability: String,
        /// Whether it has it.
        granted: bool,
        /// How far, where it is given; what is not named is given as far as it is asked for.
        bounds: GrantBounds,
    },
    /// Lists the entries of a credential source.
    SourceBrowse {
        /// The plugin's id.
        plugin: String,
        /// The folder, as the source names it; none is the top.
        folder: Option<String>,
    },
    /// Checks and installs a plugin file.
    PluginInstall {
        /// The file.
        file: PathBuf,
        /// The public key of its publisher; none for one that is known already.
        key: Option<String>,
        /// Its signature; none for the one beside it, if there is one.
        signature: Option<PathBuf>,
        /// Whether its author is at work on it: it is shown as such.
        development: bool,
    },
    /// Tells what a plugin wrote to its log.
    PluginLog {
        /// Its id.
        id: String,
        /// Only lines that matter so much.
        level: LogLevel,
        /// Only so many of the newest lines.
        last: usize,
    },
    /// Tells of a plugin's crashes.
    PluginCrashes {
        /// Its id.
        id: String,
        /// The file that the reports are written to.
        out: Option<PathBuf>,
    },
    /// Removes an installed plugin.
    PluginRemove {
        /// Its id.
        id: String,
    },

    /// Lists known hosts.
    KnownHostList,
    /// Forgets a host's keys.
    KnownHostRemove {
        /// The host.
        host: String,
        /// The port; none for all.
        port: Option<u16>,
    },

    /// Checks the whole installation and says what to do.
    Doctor,
}

impl Command {
    /// Makes the paths absolute, for a host that works in another directory.
    ///
    /// # Errors
    /// Fails where the current directory is gone.
    pub fn with_absolute_paths(mut self) -> std::io::Result<Self> {
        let paths: Vec<&mut PathBuf> = match &mut self {
            Self::StoreBackup { to: path }
            | Self::RecordingExport { out: path, .. }
            | Self::RecordingPicture { out: path, .. }
            | Self::RecordingPictures { out: path, .. } => vec![path],
            Self::PluginInstall { file, signature, .. } => std::iter::once(file).chain(signature).collect(),
            Self::PluginCrashes { out: Some(path), .. } => vec![path],
            Self::Export(export) => vec![&mut export.file],
            Self::Import(import) => std::iter::once(&mut import.file).chain(&mut import.mend_file).collect(),
            _ => Vec::new(),
        };
        for path in paths {
            *path = std::path::absolute(&*path)?;
        }
        Ok(self)
    }
}

/// What to set or change of a connection. What is none stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ConnectionChange {
    /// The name.
    pub name: Option<String>,
    /// The host.
    pub host: Option<String>,
    /// The port.
    pub port: Option<u16>,
    /// The credential.
    pub credential: CredentialChange,
    /// Settings; none removes one.
    pub settings: BTreeMap<String, Option<SettingValue>>,
    /// Free text.
    pub notes: Option<String>,
    /// Tags to add.
    pub add_tags: BTreeSet<String>,
    /// Tags to remove.
    pub remove_tags: BTreeSet<String>,
    /// The user's own fields; none removes one.
    pub custom_fields: BTreeMap<String, Option<String>>,
}

/// What to set or change of a folder. What is none stays as it is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FolderChange {
    /// The name.
    pub name: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// The credential that connections below may inherit.
    pub credential: CredentialChange,
    /// Settings; none removes one.
    pub settings: BTreeMap<String, Option<SettingValue>>,
}

/// What to change of a credential. A user name or secret makes it local.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CredentialChange {
    /// The mode.
    pub mode: Option<CredentialModeInput>,
    /// The entry of a credential source that it is acquired from.
    #[serde(default)]
    pub source: Option<SourceInput>,
    /// The user name.
    pub user: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// The password.
    pub password: Option<SecretInput>,
    /// A private key, the file's content.
    pub private_key: Option<SecretInput>,
    /// The passphrase of the private key.
    pub key_passphrase: Option<SecretInput>,
}

/// How far a capability is given, as people write it. An empty list bounds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GrantBounds {
    /// Hosts, such as `api.example.com:443`.
    pub hosts: Vec<String>,
    /// Addresses that are closed otherwise, such as `127.0.0.1`.
    pub addresses: Vec<String>,
    /// Folders of connections.
    pub folders: Vec<String>,
    /// Programs.
    pub programs: Vec<String>,
    /// Files, such as `read:/etc/hosts`.
    pub files: Vec<String>,
    /// Events.
    pub events: Vec<String>,
}

/// An entry of a credential source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInput {
    /// The plugin's id.
    pub plugin: String,
    /// The entry, as the source names it.
    pub entry: String,
}

/// Where a credential comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialModeInput {
    /// Nothing is stored.
    None,
    /// The folder's.
    Inherit,
    /// Its own.
    Local,
}

/// What to do about a host key that is not known. A key that changed is refused whatever is said here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostKeyPolicy {
    /// Ask: refuse, this once, or remember.
    #[default]
    Ask,
    /// Remember it without asking.
    AcceptNew,
    /// Refuse it.
    Strict,
}
