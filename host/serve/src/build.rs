//! Which build of the program this is. Two ends of a socket that differ never talk.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// A build of the program: its version, and the size and time of change of its file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    version: String,
    bytes: u64,
    changed_seconds: i64,
    changed_nanoseconds: i64,
}

impl Build {
    /// Describes a program file of this version. Taken once at the start: a server whose file was replaced since is
    /// another build than the new file.
    ///
    /// # Errors
    /// Fails where the file can't be looked at.
    pub fn of(program: &Path, version: &str) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let file = std::fs::metadata(program)?;
        Ok(Self {
            version: version.to_owned(),
            bytes: file.len(),
            changed_seconds: file.mtime(),
            changed_nanoseconds: file.mtime_nsec(),
        })
    }
}
