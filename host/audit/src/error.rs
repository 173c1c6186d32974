//! What can go wrong with the audit log.

use std::path::PathBuf;

use ostler_sealing::SealingError;

/// The log can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A file of the log can't be read or written.
    #[error("the audit log can't be used: {}: {source}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The log is not what its checkpoints say.
    #[error(transparent)]
    Damaged(#[from] AuditFault),
    /// An event could not be sealed.
    #[error("the audit event can't be sealed: {0}")]
    Sealing(#[from] SealingError),
    /// There is no such line.
    #[error("the audit log has {lines} lines, numbered from 0; there is no line {sequence}")]
    NoLine {
        /// The line that was asked for.
        sequence: u64,
        /// How many there are.
        lines: u64,
    },
    /// An event is larger than a line may be.
    #[error("the audit event has {bytes} bytes; at most {most} are written")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        most: usize,
    },
}

/// Something in the log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit log is damaged: {file}{}: {reason}", .sequence.map(|sequence| format!(", line {}", sequence + 1)).unwrap_or_default())]
pub struct AuditFault {
    /// The file, such as `log`.
    pub file: &'static str,
    /// The line's number from 0, where it can be told.
    pub sequence: Option<u64>,
    /// What is wrong.
    pub reason: String,
}

impl AuditFault {
    pub(crate) fn new(file: &'static str, sequence: Option<u64>, reason: impl Into<String>) -> Self {
        Self { file, sequence, reason: reason.into() }
    }
}
