//! What a host asks of its front end, and what it tells it.

use ostler_core::{
    BoxFuture, DesktopEvent, OutputStream, Prompter, RecordingId, SessionEnd, SessionId, SessionInput,
    TerminalSize,
};
use serde::{Deserialize, Serialize};

use crate::AuditView;

/// The person's side: a terminal, a window, a script, or the other end of a socket.
pub trait FrontEnd: Prompter {
    /// Shows something; waits while no more can be taken, which makes the session wait too.
    fn show(&self, event: Event) -> BoxFuture<'_, ()>;

    /// Waits for the next thing that the user does in the session. Never returns when there is nothing more to come.
    /// Dropping the future must lose nothing.
    fn input(&self, session: SessionId) -> BoxFuture<'_, SessionInput>;

    /// Returns the size of the terminal, and its type; none where nothing but bytes can be shown.
    fn terminal(&self) -> Option<(TerminalSize, String)>;
}

/// Something that happened while a command runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// One sentence that the user should know.
    Notice(String),
    /// A wire is being opened. From now on the front end may ask the session to close.
    Connecting {
        /// The session that it is for.
        session: SessionId,
        /// Where to.
        target: String,
    },
    /// The session is open.
    Opened {
        /// The session.
        session: SessionId,
        /// Its recording, if it is recorded.
        recording: Option<RecordingId>,
        /// Whether it has a terminal.
        terminal: bool,
    },
    /// Bytes for the session's surface.
    Output {
        /// The session.
        session: SessionId,
        /// The stream.
        stream: OutputStream,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Something for the session's desktop.
    Desktop {
        /// The session.
        session: SessionId,
        /// What it shows.
        event: DesktopEvent,
    },
    /// The session is over.
    Ended {
        /// The session.
        session: SessionId,
        /// How.
        end: SessionEnd,
    },
    /// A new audit event, while they are followed.
    Audited(Box<AuditView>),
    /// Audit events as another system reads them, one line each.
    Exported(Vec<String>),
    /// An event of a recording that is being played.
    Played {
        /// Microseconds since the recording began.
        at_micros: u64,
        /// What was recorded.
        event: PlayedEvent,
    },
}

/// What a recording replays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PlayedEvent {
    /// Bytes that were shown.
    Output(Vec<u8>),
    /// The terminal changed its size.
    Resize(TerminalSize),
    /// A marker.
    Marker(String),
    /// The remote program ended.
    Exit(Option<u32>),
}
