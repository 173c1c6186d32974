//! Plugin files on disk: read with a limit, written so that a file is there whole or not at all.
//!
//! Knows nothing of what is in them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::inspect::LARGEST_PLUGIN;

/// What the name of a file begins with that is not whole yet.
const STAGED: &str = ".staged-";

/// Reads a whole file; one byte more than the limit is enough to see that it is too large.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A pipe or a device would block or never end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST_PLUGIN + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Lists the plugin files of a directory, `.wasm` and `.so`, by name. A directory that is missing has none.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if ["wasm", "so"].iter().any(|ending| path.extension() == Some(OsStr::new(ending))) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Writes a file durably: beside its place, synced, then renamed over what was there. What a crash left of an earlier
/// write is removed.
pub(crate) fn write(directory: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    sweep(directory);
    let writing = File::open(directory)?;
    writing.lock_shared()?;
    let mut file = tempfile::Builder::new().prefix(STAGED).suffix(".tmp").tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let path = directory.join(name);
    file.persist(&path).map_err(|error| error.error)?;
    sync(directory)?;
    Ok(path)
}

/// Removes a file durably.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)?;
    path.parent().map_or(Ok(()), sync)
}

/// Removes what crashes left unfinished, unless somebody is just writing; what can't be removed stays.
fn sweep(directory: &Path) {
    let nobody_writes = File::open(directory).ok().filter(|directory| directory.try_lock().is_ok());
    let Some((_locked, entries)) = nobody_writes.zip(fs::read_dir(directory).ok()) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(STAGED) {
            fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}
