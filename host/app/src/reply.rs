//! Replies: what a command comes back with, as plain data. The JSON that `--json` prints is these types: fields are
//! added, never renamed or removed.
//!
//! No reply holds a secret.

mod plugins;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ostler_core::{MappedField, Position, SessionEnd, SessionPlan, Settings};
use serde::{Deserialize, Serialize};

pub use plugins::{CapabilityView, PluginDetail, PluginView, RefusalView};

/// What a command comes back with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// It is done; one sentence says what.
    Done(String),
    /// Facts of the store.
    Store(StoreView),
    /// The store was checked.
    StoreVerified(VerifiedStore),
    /// One folder.
    Folder(FolderView),
    /// One connection.
    Connection(Box<ConnectionView>),
    /// Connections, ordered by path.
    Connections(Vec<ConnectionView>),
    /// The tree, in display order.
    Tree(Vec<TreeNode>),
    /// What an import did or would do.
    Imported(Box<ImportReport>),
    /// What was exported.
    Exported(ExportReport),
    /// The plan of a launch.
    Plan(Box<PlanView>),
    /// A session that ended.
    Session(SessionReport),
    /// Recordings, the newest first.
    Recordings(Vec<RecordingView>),
    /// Recordings that were verified.
    RecordingsVerified(Vec<VerifiedRecording>),
    /// Audit events, the oldest first.
    Audit(Vec<AuditView>),
    /// The audit log was verified.
    AuditVerified(VerifiedAudit),
    /// Audit events were handed to another system.
    AuditExported(ExportedAudit),
    /// A checkpoint or a proof of the audit log, to be given to others.
    Checkpoint(String),
    /// Plugins, ordered by id.
    Plugins(Vec<PluginView>),
    /// One plugin.
    Plugin(Box<PluginDetail>),
    /// The crashes of a plugin, the oldest first.
    PluginCrashes(Vec<crate::CrashReport>),
    /// The log of a plugin, the oldest line first.
    PluginLog(Vec<crate::PluginLogLine>),
    /// Settings of a plugin or of connections, ordered by key.
    Settings(Vec<crate::SettingView>),
    /// The entries of a credential source.
    SourceEntries(Vec<SourceEntryView>),
    /// Known hosts.
    KnownHosts(Vec<KnownHostView>),
    /// What was checked.
    Checks(Vec<CheckView>),
}

/// Facts of a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreView {
    /// Its id.
    pub id: String,
    /// Its directory.
    pub directory: PathBuf,
    /// When it was created (RFC 3339).
    pub created: String,
    /// The version of its format.
    pub format: u32,
    /// Folders in it.
    pub folders: u64,
    /// Connections in it.
    pub connections: u64,
    /// Secrets in it.
    pub secrets: u64,
    /// How the passphrase is stretched, in words.
    pub key_derivation: String,
    /// Whether a key file is wanted beside the passphrase.
    pub key_file: bool,
    /// Whether the desktop's keyring opens it too.
    pub keyring: bool,
    /// Counts its root keys: each 'rekey' begins a new epoch.
    pub epoch: u64,
    /// Counts the changes of its folders, connections, secrets and known hosts.
    pub generation: u64,
    /// Bytes of its database.
    pub database_bytes: u64,
}

/// What a check of the store found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedStore {
    /// Sealed rows that were opened.
    pub rows: u64,
    /// Secrets that were opened.
    pub secrets: u64,
    /// The generation that was proved.
    pub generation: u64,
}

/// A credential without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialView {
    /// `none`, `inherit`, `local` or `source`.
    pub mode: String,
    /// The credential source and its entry, where it is one.
    #[serde(default)]
    pub source: Option<String>,
    /// The user name in effect, if known.
    pub user: Option<String>,
    /// The domain in effect.
    pub domain: Option<String>,
    /// What is stored, by protocol field, such as `password`.
    pub secrets: Vec<String>,
    /// The path of the folder that it is inherited from.
    pub inherited_from: Option<String>,
}

/// An entry of a credential source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceEntryView {
    /// How the source names it: what a connection is set to.
    pub entry: String,
    /// The name for people.
    pub name: String,
    /// Whether there are entries in it.
    pub folder: bool,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FolderView {
    /// Its id.
    pub id: String,
    /// Its path.
    pub path: String,
    /// Its notes.
    pub notes: String,
    /// Its own credential.
    pub credential: CredentialView,
    /// Its own settings.
    pub settings: Settings,
    /// Folders directly in it.
    pub folders: u64,
    /// Connections directly in it.
    pub connections: u64,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The path of its folder; empty at the top.
    pub folder: String,
    /// Its path: folder and name.
    pub path: String,
    /// Its type, such as `ssh`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The credential in effect.
    pub credential: CredentialView,
    /// Its own settings.
    pub settings: Settings,
    /// The settings in effect.
    pub effective_settings: Settings,
    /// Its notes.
    pub notes: String,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// The user's own fields.
    pub custom_fields: BTreeMap<String, String>,
    /// When it was created (RFC 3339).
    pub created: String,
    /// When it was last changed (RFC 3339).
    pub updated: String,
}

/// A line of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeNode {
    /// How deep it stands; 0 at the top of what was asked for.
    pub depth: u32,
    /// Its name.
    pub name: String,
    /// Its path.
    pub path: String,
    /// The type of a connection; none for a folder.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Host and port of a connection.
    pub target: Option<String>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// The importer.
    pub plugin: String,
    /// The format as recognized.
    pub format: String,
    /// How fields were filled.
    pub mapping: Vec<MappedField>,
    /// Parts of the file that fill nothing.
    pub unused: Vec<String>,
    /// Other importers that recognize the file.
    pub candidates: Vec<CandidateView>,
    /// Connections created, by path.
    pub created: Vec<String>,
    /// Connections that were imported before, and that the file changed since.
    pub updated: Vec<UpdateView>,
    /// The same where the user edited them since: they were left as they are.
    pub kept: Vec<UpdateView>,
    /// Entries whose credential policy took out.
    pub stripped: Vec<String>,
    /// Folders created, by path.
    pub folders: Vec<String>,
    /// Entries that were imported before and are still there, by path.
    pub present: Vec<String>,
    /// Passwords and keys that went into the vault.
    pub secrets: u64,
    /// Entries that were imported with defaults.
    pub defaults: Vec<DefaultsView>,
    /// What was not imported or left out.
    pub problems: Vec<ProblemView>,
    /// Records that were not imported, as a file to be mended and imported again.
    pub mend_file: Option<PathBuf>,
}

/// What an export wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportReport {
    /// The file.
    pub file: PathBuf,
    /// Folders in it.
    pub folders: u64,
    /// Connections in it.
    pub connections: u64,
    /// Secrets in it, in clear text.
    pub secrets: u64,
    /// What the form can't hold: the path, and why.
    pub left_out: Vec<(String, String)>,
}

/// An importer that recognizes a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateView {
    /// Its id.
    pub plugin: String,
    /// How sure it is, 1 to 100.
    pub how_sure: u8,
}

/// An entry that the file changed since it was imported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateView {
    /// Its path.
    pub entry: String,
    /// Where it stands in the file.
    pub position: Position,
    /// The fields that differ.
    pub changes: Vec<String>,
}

/// An entry that was imported with defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultsView {
    /// Its path.
    pub entry: String,
    /// Where it stands in the file.
    pub position: Position,
    /// What was filled in.
    pub defaults: Vec<String>,
}

/// A problem of an import.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// Where it stands in the file.
    pub position: Position,
    /// The entry's name, as far as it is known.
    pub entry: Option<String>,
    /// Whether the entry was imported all the same.
    pub imported: bool,
    /// What is wrong and what to do.
    pub reason: String,
}

/// What a launch would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanView {
    /// The connection's path.
    pub connection: String,
    /// The launcher plugin.
    pub plugin: String,
    /// The plan, with slots in the place of secrets.
    pub plan: SessionPlan,
    /// Where the credential comes from, in words.
    pub credential: String,
    /// Every slot that the plan names, with the places that its secret may go to.
    pub slots: BTreeMap<String, Vec<String>>,
    /// Whether the session would be recorded.
    pub recorded: bool,
}

/// A session that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionReport {
    /// Its id.
    pub session: String,
    /// How it ended.
    pub end: SessionEnd,
    /// Its recording, if there is one.
    pub recording: Option<String>,
    /// How long it was open, in milliseconds.
    pub duration_ms: u64,
}

/// A recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordingView {
    /// Its id.
    pub id: String,
    /// `complete`, `active` (being written), `incomplete` or `damaged`.
    pub state: String,
    /// What is wrong with a damaged one.
    pub problem: Option<String>,
    /// The connection's path at the time.
    pub connection: Option<String>,
    /// The type of the connection.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Where it was connected to.
    pub target: Option<String>,
    /// The user it was logged in as.
    pub user: Option<String>,
    /// When it began (RFC 3339).
    pub started: Option<String>,
    /// Its length in seconds.
    pub duration_seconds: f64,
    /// Bytes on disk.
    pub bytes: u64,
    /// What it shows: `terminal` or `desktop`.
    pub surface: Option<String>,
    /// The command that was run, where it was not a shell.
    pub command: Option<String>,
}

/// A recording that was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedRecording {
    /// Its id.
    pub id: String,
    /// `complete`, `incomplete`, `damaged` or `missing`.
    pub state: String,
    /// What is wrong, with the file's name.
    pub problem: Option<String>,
    /// Segments that were proved.
    pub segments: u64,
    /// Events in them.
    pub events: u64,
    /// Whether the audit log vouches for its last segment.
    pub audited: bool,
}

/// An audit event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// Its number in the log, from 0.
    pub sequence: u64,
    /// When (RFC 3339).
    pub time: String,
    /// What, such as `session.start`.
    pub class: String,
    /// `success`, `failure` or `denied`.
    pub outcome: String,
    /// Why, where it did not succeed.
    pub reason: Option<String>,
    /// The user of the operating system.
    pub actor: String,
    /// The machine's name.
    pub machine: String,
    /// The process.
    pub process: u32,
    /// The plugin.
    pub plugin: Option<String>,
    /// The plugin's version.
    pub plugin_version: Option<String>,
    /// The digest of the plugin's file.
    pub plugin_digest: Option<String>,
    /// The capability that was used, refused, given or taken.
    pub capability: Option<String>,
    /// The target.
    pub target: Option<String>,
    /// The connection.
    pub connection: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The recording.
    pub recording: Option<String>,
    /// The hash that proves the recording, in hexadecimal digits.
    pub recording_root: Option<String>,
    /// Further facts.
    pub details: BTreeMap<String, String>,
}

/// The audit log was verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedAudit {
    /// Lines in the log that were proved; those that open a batch count too.
    pub lines: u64,
    /// Checkpoints that were proved.
    pub checkpoints: u64,
    /// The root hash in hexadecimal digits.
    pub root: String,
    /// Whether it was proved to continue the anchor.
    pub anchored: bool,
}

/// Audit events were handed to another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedAudit {
    /// Where to; none where they were shown.
    pub to: Option<String>,
    /// How many.
    pub count: u64,
    /// The line at which the next run begins.
    pub next: u64,
}

/// A known host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownHostView {
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The key's algorithm.
    pub algorithm: String,
    /// The key's fingerprint.
    pub fingerprint: String,
    /// When it was remembered (RFC 3339).
    pub added: String,
}

/// Something that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckView {
    /// What.
    pub name: String,
    /// How it stands.
    pub state: CheckState,
    /// What was found.
    pub finding: String,
    /// What to do, where something is to be done.
    pub advice: Option<String>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// Good.
    Good,
    /// Works, but something should be done.
    Warning,
    /// Does not work.
    Bad,
}
