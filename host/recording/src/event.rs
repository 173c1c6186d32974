//! What a recording says: who and where once, then one event after the other.
//!
//! Plain data. It is in the clear in memory only; on the disk it is always sealed.

use std::time::Duration;

use ostler_core::{ConnectionId, RecordingId, SessionId, TerminalSize, Timestamp};
use serde::{Deserialize, Serialize};

use crate::DesktopRecord;

/// What is known of a recording before its first event. Sealed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingInfo {
    /// The recording.
    pub id: RecordingId,
    /// The session that it is of.
    pub session: SessionId,
    /// The connection that was opened.
    pub connection: ConnectionId,
    /// The connection's name at that time.
    pub name: String,
    /// Where it went, such as `db.example:22`.
    pub target: String,
    /// The kind of the connection, such as `ssh`.
    pub kind: String,
    /// The user at the other end.
    pub user: String,
    /// The user of this machine.
    pub os_user: String,
    /// When the session began.
    pub started: Timestamp,
    /// The terminal at the beginning.
    pub terminal: TerminalSize,
    /// The terminal's type, such as `xterm-256color`.
    pub terminal_type: String,
    /// The command that was run, if it was not a shell.
    pub command: Option<String>,
    /// What it shows.
    #[serde(default)]
    pub surface: RecordedSurface,
}

/// What a recorded session shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordedSurface {
    /// A terminal, or plain bytes.
    #[default]
    Terminal,
    /// A desktop.
    Desktop,
}

/// Something that happened in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// The time since the recording began, to the microsecond.
    pub at: Duration,
    /// What happened.
    pub kind: RecordedEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordedEventKind {
    /// The session showed these bytes, exactly. Where one chunk ends and the next begins may differ from how the
    /// recorder got them, by the at most 3 bytes of a character that was split.
    Output(Vec<u8>),
    /// The user typed these bytes, exactly.
    Input(Vec<u8>),
    /// The terminal has a new size.
    Resize(TerminalSize),
    /// The desktop changed.
    Desktop(DesktopRecord),
    /// A note at this place.
    Marker(String),
    /// The session ended, with the status of the remote program where there was one.
    Exit(Option<u32>),
}
