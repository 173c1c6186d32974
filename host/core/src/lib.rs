//! The ground that every other room of the host stands on: the tree of connections, credentials and
//! their sinks, session plans, the session engine trait, forms, import entries, and the ports through which
//! the runtime's capabilities reach the vault without knowing it.
//!
//! Plain data and pure rules only. This crate never does I/O, never waits, never names a library that does
//! (no async runtime, no cipher, no database), and no type in it prints a secret.
#![warn(missing_docs)]

mod backoff;
mod credential;
mod desktop;
mod drive;
mod faults;
mod form;
mod id;
mod importing;
mod launch;
mod log_level;
mod near;
mod passphrase;
mod plan;
mod ports;
mod search;
mod secret;
mod session;
mod settings;
mod tree;

pub use backoff::{BackOff, FREE_TRIES};
pub use credential::{
    CredentialDescription, CredentialMode, LocalCredential, PASSPHRASE_SLOT, PASSWORD_SLOT, PRIVATE_KEY_SLOT,
    SlotDescription, SourceCredential,
};
pub use desktop::{
    DesktopArea, DesktopChange, DesktopEvent, DesktopPoint, KeyInput, PIXEL_BYTES, PointerButtons,
    PointerInput, PointerShape,
};
pub use drive::{ChallengeAlgorithm, DriveRequest};
pub use faults::{FAULT_WINDOW, FIRST_HOLD, FORGIVEN_AFTER, FaultHistory, MOST_FAULTS, MOST_HOLDS, Standing};
pub use form::{Field, FieldKind, Form, FormAnswer, FormAnswers};
pub use id::{ConnectionId, FolderId, ParseIdError, RecordingId, SecretId, SessionId, StoreId};
pub use importing::{
    ImportEntry, ImportItem, ImportProblem, ImportSummary, ImportedConnection, ImportedCredential,
    ImportedFolder, MappedField, MappingState, Position, ProblemSeverity,
};
pub use launch::{LaunchRequest, RunRequest};
pub use log_level::{LogLevel, UnknownLogLevel};
pub use near::{like, near};
pub use passphrase::{PassphraseFault, check_passphrase};
pub use plan::{
    DesktopSize, DrivenPlan, DrivenSurface, Endpoint, PlanFault, PlanValue, ProcessPlan, RdpPlan,
    SessionPlan, SshAuth, SshPlan, SshRun,
};
pub use ports::{
    BoxFuture, Clock, CodeAuthenticator, PluginSettings, PluginStorage, PortError, PromptError, Prompter,
    Timestamp,
};
pub use ports::{
    ConnectionTree, EventHistory, FinishedRecording, HostEvent, HostOutcome, NoHost, PluginSecret,
    PluginSecrets, Recorded, RecordedMoment, RecordedMoments, RecordingArchive, Resolver, SecretUses,
    TimeZone, TreeChange, UseLog, WayIn, WayOut, ZoneAt,
};
pub use search::Search;
pub use secret::{Field as SecretField, HostRule, SecretBytes, Sink, SinkRule, SlotName, SlotNameError};
pub use session::{
    EndReason, Exit, HostKey, HostKeyDecision, HostKeyVerifier, InjectError, OpenedSession, OutputStream,
    SecretInjector, SessionContext, SessionControl, SessionEnd, SessionEngine, SessionError, SessionEvent,
    SessionEvents, SessionInput, TerminalSize,
};
pub use settings::{SettingValue, Settings};
pub use tree::{AsImported, Connection, Folder, SourceIdentity, Tree, TreeError};
