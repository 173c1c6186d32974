//! What happened in the host, as plugins hear of it.

use super::PortError;
use crate::{ConnectionId, RecordingId, SessionId, Timestamp};

/// How something came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostOutcome {
    /// It was done, or is about to be.
    Success,
    /// It failed.
    Failure,
    /// It was refused.
    Denied,
}

/// Something that happened. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEvent {
    /// Its name, such as `session.end`.
    pub name: String,
    /// When.
    pub time: Timestamp,
    /// How it came out.
    pub outcome: HostOutcome,
    /// The path of the connection or folder, as far as it is known.
    pub path: Option<String>,
    /// The names of the folder that it happened in, the top one first; none where that is not known.
    pub folder: Option<Vec<String>>,
    /// The connection.
    pub connection: Option<ConnectionId>,
    /// The session.
    pub session: Option<SessionId>,
    /// The recording.
    pub recording: Option<RecordingId>,
    /// The plugin that did it.
    pub plugin: Option<String>,
}

/// The course of events.
pub trait EventHistory: Send + Sync {
    /// Returns the place behind all that has happened so far.
    ///
    /// # Errors
    /// Fails where the store is locked or the history can't be read.
    fn latest(&self) -> Result<u64, PortError>;

    /// Returns up to `most` of what happened behind a place, of all names, and the place behind that.
    ///
    /// # Errors
    /// As [`EventHistory::latest`].
    fn since(&self, cursor: u64, most: usize) -> Result<(Vec<HostEvent>, u64), PortError>;
}
