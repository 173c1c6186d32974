//! Use cases: what every front end calls. A [`Command`] goes in, a [`Reply`] comes out, and on the way [`Event`]s are
//! shown and forms are asked through the [`FrontEnd`]. All of them are plain data, so that the same host can run
//! inside the command line, inside a window, or behind a socket.
//!
//! This crate composes the other rooms and fills the ports of `core`. It never reads the environment or a home
//! directory, never prints, and never speaks a protocol, a cipher or a database language itself.

mod audit;
mod auditing;
mod bundled;
mod clock;
mod command;
mod config;
mod connection_settings;
mod connections;
mod consent;
mod crashes;
mod credentials;
mod doctor;
mod driven;
mod error;
mod export;
mod factors;
mod folders;
mod front;
mod host;
mod host_keys;
mod import;
mod kept;
mod keyring;
mod keys;
mod kinds;
mod launch;
mod lease;
mod live;
mod offered;
mod pictures;
mod places;
mod plugin_log;
mod plugin_settings;
mod plugins;
mod policy;
mod ports;
mod recordings;
mod replace;
mod reply;
mod secret_input;
mod session;
mod sign_in;
mod signatures;
mod sources;
mod span;
mod store;

pub use audit::{AuditExport, AuditFilter, ExportFormat, SinkAddress, check_growth_proof, check_line_proof};
pub use clock::SystemClock;
pub use command::{
    Command, ConnectionChange, CredentialChange, CredentialModeInput, ExportCommand, ExportForm,
    FolderChange, GrantBounds, HostKeyPolicy, ImportCommand, SourceInput,
};
pub use config::{CONFIG_KEYS, ConfigError, ConfigKey, Configuration};
pub use crashes::{CrashInput, CrashReport};
pub use doctor::check_files;
pub use error::{AppError, ErrorKind, RelayedCause};
pub use factors::{KdfChange, StoreFactors};
pub use front::{Event, FrontEnd, PlayedEvent};
pub use host::Host;
pub use keyring::KeyringError;
pub use ostler_audit::{ProvedGrowth, ProvedLine};
pub use ostler_core as core;
pub use ostler_core::LogLevel;
pub use ostler_policy::GrantedBy;
pub use ostler_runtime::{NativeSetup, native_child};
pub use places::Places;
pub use plugin_log::PluginLogLine;
pub use plugin_settings::SettingView;
pub use policy::PolicyFault;
pub use ports::NetworkConfiguration;
pub use replace::{beside_file, replace_file};
pub use reply::{
    AuditView, CandidateView, CapabilityView, CheckState, CheckView, ConnectionView, CredentialView,
    DefaultsView, ExportReport, ExportedAudit, FolderView, ImportReport, KnownHostView, PlanView,
    PluginDetail, PluginView, ProblemView, RecordingView, RefusalView, Reply, SessionReport, SourceEntryView,
    StoreView, TreeNode, UpdateView, VerifiedAudit, VerifiedRecording, VerifiedStore,
};
pub use secret_input::SecretInput;
pub use sign_in::{
    NewStore, SignIn, Unlock, create_store, harden_process, make_key_file, move_store_aside, restore_store,
};
pub use span::{Span, SpanError};
