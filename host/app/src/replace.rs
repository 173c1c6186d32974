//! Files of the user's own that are written as a whole: a cursor, a checkpoint, the configuration. Knows nothing of what is
//! in them.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::AppError;

/// Writes a file as a whole, durably and for its user only: whoever reads it sees the old or the new one.
///
/// # Errors
/// Fails where it can't be written; then it is as it was.
pub fn replace_file(file: &Path, bytes: &[u8]) -> Result<(), AppError> {
    let new = beside_file(file, ".new");
    let write = || {
        let mut written =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        written.write_all(bytes)?;
        written.sync_all()?;
        std::fs::rename(&new, file)?;
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        File::open(directory.unwrap_or_else(|| Path::new(".")))?.sync_all()
    };
    write().map_err(|source| AppError::File { file: file.to_owned(), source })
}

/// Returns the name of a file beside another, which has the same name and this ending behind it.
#[must_use]
pub fn beside_file(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    file.with_file_name(name)
}
