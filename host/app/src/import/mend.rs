//! The file of records that were not imported: to be mended and imported again.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::Collected;
use crate::{AppError, ImportCommand};

/// Writes the records that were not imported to a new file that only the user can read (they may hold passwords).
pub(super) fn write_mend_file(
    command: &ImportCommand,
    head: &[u8],
    collected: &Collected,
) -> Result<Option<PathBuf>, AppError> {
    let records: Vec<&[u8]> =
        collected.problems.iter().filter_map(|problem| problem.mendable.as_deref()).collect();
    if records.is_empty() {
        return Ok(None);
    }
    let candidates: Vec<PathBuf> = match &command.mend_file {
        Some(file) => vec![file.clone()],
        None => (1..100).map(|number| beside(&command.file, number)).collect(),
    };
    let mut taken = BTreeSet::new();
    for path in candidates {
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match opened {
            Err(error)
                if error.kind() == std::io::ErrorKind::AlreadyExists && command.mend_file.is_none() =>
            {
                taken.insert(path);
            }
            Err(source) => return Err(AppError::File { file: path, source }),
            Ok(mut file) => {
                let written = file
                    .write_all(head)
                    .and_then(|()| records.iter().try_for_each(|record| file.write_all(record)))
                    .and_then(|()| file.sync_all());
                return match written {
                    Ok(()) => Ok(Some(path)),
                    Err(source) => Err(AppError::File { file: path, source }),
                };
            }
        }
    }
    let file = taken.pop_last().unwrap_or_default();
    Err(AppError::File { file, source: std::io::Error::from(std::io::ErrorKind::AlreadyExists) })
}

/// Returns `NAME.not-imported.EXT` beside the file, with a number from the second on.
fn beside(file: &Path, number: u32) -> PathBuf {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let extension = file.extension().map(|ext| format!(".{}", ext.to_string_lossy())).unwrap_or_default();
    let number = if number == 1 { String::new() } else { format!("-{number}") };
    file.with_file_name(format!("{stem}.not-imported{number}{extension}"))
}
