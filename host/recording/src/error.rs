//! What can go wrong with a recording.
//!
//! A message names the file, never what the session showed.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use ostler_core::RecordingId;
use ostler_sealing::{OpenError, SealingError};

use crate::CastError;

/// A recording could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// There is no such recording.
    #[error("there is no recording {0}")]
    Unknown(RecordingId),
    /// A recording of this id exists: recordings are written once.
    #[error("there is a recording {0} already")]
    Exists(RecordingId),
    /// Another process is writing the recording.
    #[error("recording {0} is still being written")]
    InUse(RecordingId),
    /// The recording is of a terminal.
    #[error("recording {0} is of a terminal, not of a desktop")]
    NoDesktop(RecordingId),
    /// The recording is of a desktop.
    #[error("recording {0} is of a desktop, not of a terminal")]
    NoTerminal(RecordingId),
    /// A file could not be read or written.
    #[error("a recording could not be read or written: {}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// A file of the recording is not what was written.
    #[error("the recording is damaged in {file}: {damage}")]
    Damaged {
        /// The name of the file in the recording's folder.
        file: String,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Something could not be sealed.
    #[error("the recording could not be sealed")]
    Sealing(#[from] SealingError),
    /// The data could not be compressed.
    #[error("the recording could not be compressed")]
    Compression(#[source] io::Error),
    /// The description of the session is longer than a header holds (64 KiB).
    #[error("the description of the session is too long to be recorded")]
    InfoTooLong,
    /// A marker is longer than [`MAX_MARKER_BYTES`](crate::MAX_MARKER_BYTES).
    #[error("the marker is too long: {0} bytes")]
    MarkerTooLong(usize),
    /// Writing failed earlier; nothing after that is recorded.
    #[error("the recording stopped early: {0}")]
    Stopped(#[source] Arc<Self>),
    /// The recorder's thread could not be started, or ended without a word.
    #[error("the recorder could not run")]
    Thread,
    /// What the recording is exported to took no more.
    #[error("the recording could not be exported")]
    Export(#[source] io::Error),
}

impl RecordingError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(file: impl Into<String>, damage: Damage) -> Self {
        Self::Damaged { file: file.into(), damage }
    }
}

/// What is wrong with a file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The file is not there, though later ones are.
    #[error("it is missing")]
    Missing,
    /// The file was never written by a recorder.
    #[error("it does not belong there")]
    Foreign,
    /// It does not open: changed, out of its place, or of another recording or store.
    #[error("{0}")]
    Sealed(#[from] OpenError),
    /// The public line of the header is not one.
    #[error("its first line is not a recording's")]
    Header,
    /// The recording is in a format of a later program.
    #[error("it has format version {found}, and this program knows {known}")]
    Newer {
        /// The version found.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The recording's id is not the one of the folder.
    #[error("it belongs to another recording")]
    OtherRecording,
    /// It is larger than any recorder makes it.
    #[error("it is larger than it may be")]
    TooLarge,
    /// It opened, but does not have the form of a segment.
    #[error("it does not have the form of a segment")]
    Form,
    /// It opened, but does not decompress.
    #[error("it does not decompress")]
    Compression,
    /// There are segments after the one that says it is the last.
    #[error("it follows the last segment")]
    AfterLast,
    /// It opened, but what it holds is no asciicast.
    #[error("{0}")]
    Cast(#[from] CastError),
}
