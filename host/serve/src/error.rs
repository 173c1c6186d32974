//! What can go wrong between a client and a server.

use std::io;
use std::path::PathBuf;

/// A client and a server could not come together.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another server has the store.
    #[error("this store is unlocked already, by process {pid}")]
    Running {
        /// The process.
        pid: u32,
    },
    /// The other end is another build of the program.
    #[error("the store is held unlocked by another build of the program (process {pid})")]
    OtherBuild {
        /// The process.
        pid: u32,
    },
    /// The other end belongs to another user.
    #[error("the other end of {} belongs to user {uid}", .socket.display())]
    OtherUser {
        /// The socket.
        socket: PathBuf,
        /// The user's number.
        uid: u32,
    },
    /// Others could put a socket of theirs into the directory.
    #[error("{} is open to others: it must belong to you, with mode 0700", .directory.display())]
    OpenDirectory {
        /// The directory.
        directory: PathBuf,
    },
    /// The system can't carry a socket with a path of this length.
    #[error("the path of the socket is too long: {}", .socket.display())]
    LongPath {
        /// The socket.
        socket: PathBuf,
    },
    /// What came is no frame of this protocol.
    #[error("what came over the socket makes no sense: {0}")]
    Frame(String),
    /// The other end went away in the middle.
    #[error("the process that holds the store unlocked went away in the middle of the command")]
    Gone,
    /// The system failed.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The socket or its directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
