//! Finished recordings, as one plugin reaches them. How far it may is decided by the caller.

use std::time::Duration;

use super::PortError;
use crate::{ConnectionId, RecordingId, SessionId, TerminalSize, Timestamp};

/// A recording that nobody writes any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinishedRecording {
    /// The recording.
    pub id: RecordingId,
    /// The session that it is of.
    pub session: SessionId,
    /// The connection that was opened.
    pub connection: ConnectionId,
    /// The connection's path when it was recorded.
    pub path: String,
    /// The path that the connection has now, where it is still there.
    pub present_path: Option<String>,
    /// Where it went, such as `db.example:22`.
    pub target: String,
    /// The type of the connection.
    pub kind: String,
    /// The user at the other end.
    pub user: String,
    /// When the session began.
    pub started: Timestamp,
    /// The time to the last event.
    pub duration: Duration,
    /// Whether it has its end.
    pub complete: bool,
}

/// Something that happened in a recorded session, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedMoment {
    /// The time since the recording began.
    pub at: Duration,
    /// What happened.
    pub what: Recorded,
}

/// What happened in a recorded session. What the user typed is never handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// The session showed these bytes.
    Output(Vec<u8>),
    /// The terminal got a new size.
    Resize(TerminalSize),
    /// A note.
    Marker(String),
    /// The session ended.
    Exit(Option<u32>),
}

/// A recording that is being read.
pub trait RecordedMoments: Send {
    /// Returns the next moment; none at the end.
    ///
    /// # Errors
    /// Fails where the recording is damaged or can't be read.
    fn next(&mut self) -> Result<Option<RecordedMoment>, PortError>;
}

/// The finished recordings, for one plugin.
pub trait RecordingArchive: Send + Sync {
    /// Returns all that are readable, the oldest first.
    ///
    /// # Errors
    /// Fails where the store is locked or the recordings can't be read.
    fn list(&self) -> Result<Vec<FinishedRecording>, PortError>;

    /// Writes down that the plugin reads a recording, and opens it.
    ///
    /// # Errors
    /// Fails where it can't be written down, and as [`RecordingArchive::list`].
    fn open(&self, id: RecordingId) -> Result<Box<dyn RecordedMoments>, PortError>;
}
