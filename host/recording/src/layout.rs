//! The names of files, the limits, and how a file gets there whole.
//!
//! A file appears under its name only once all of it is on the disk: a crash leaves a `.new` file, which nobody reads.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

use ostler_core::RecordingId;

use crate::{Damage, RecordingError};

/// The name of the header file.
pub(crate) const HEADER: &str = "header";
/// What a file is called while it is written.
const UNFINISHED: &str = ".new";
/// How much event text closes a segment.
pub(crate) const SEGMENT_TEXT_BYTES: usize = 256 * 1024;
/// The longest piece of output or input in one event. In JSON a byte takes at most 6, and 4/3 more if kept exactly.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;
/// The most text that a segment holds: a full one, and one event of the longest kind more.
pub(crate) const MAX_SEGMENT_TEXT_BYTES: usize = SEGMENT_TEXT_BYTES + 8 * PIECE_BYTES;
/// The most that a segment file takes: text that did not compress, and what sealing adds.
pub(crate) const MAX_SEGMENT_FILE_BYTES: u64 = (MAX_SEGMENT_TEXT_BYTES + 32 * 1024) as u64;
/// The longest description of a session.
pub(crate) const MAX_INFO_BYTES: usize = 64 * 1024;
/// The most that a header file takes.
pub(crate) const MAX_HEADER_FILE_BYTES: u64 = (MAX_INFO_BYTES + 4 * 1024) as u64;

/// Returns the name of a segment.
pub(crate) fn segment_name(sequence: u64) -> String {
    format!("seg-{sequence:08}")
}

/// Returns the number of the segment that a file name is of.
fn segment_sequence(name: &str) -> Option<u64> {
    let sequence = name.strip_prefix("seg-")?.parse().ok()?;
    // Only the one spelling that the recorder writes.
    (segment_name(sequence) == name).then_some(sequence)
}

/// What is in a recording's folder.
pub(crate) struct Contents {
    /// How many segments there are, from 0 on without a gap.
    pub(crate) segments: u64,
    /// The sizes of all files together.
    pub(crate) bytes: u64,
}

/// Lists a recording's folder.
pub(crate) fn contents(folder: &Path) -> Result<Contents, RecordingError> {
    let failed = |source| RecordingError::Io { path: folder.to_owned(), source };
    let (mut segments, mut highest, mut bytes, mut header) = (0, None, 0, false);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        bytes += entry.metadata().map_err(failed)?.len();
        if name == HEADER {
            header = true;
        } else if let Some(sequence) = segment_sequence(&name) {
            segments += 1;
            highest = highest.max(Some(sequence));
        } else if !name.ends_with(UNFINISHED) {
            return Err(RecordingError::damaged(name, Damage::Foreign));
        }
    }
    if !header {
        return Err(RecordingError::damaged(HEADER, Damage::Missing));
    }
    let expected = highest.map_or(0, |highest: u64| highest.saturating_add(1));
    if segments != expected {
        let missing = (0..expected).map(segment_name).find(|name| !folder.join(name).exists());
        return Err(RecordingError::damaged(missing.unwrap_or_default(), Damage::Missing));
    }
    Ok(Contents { segments, bytes })
}

/// Reads a file of a recording that is at most `limit` bytes long.
pub(crate) fn read(folder: &Path, name: &str, limit: u64) -> Result<Vec<u8>, RecordingError> {
    let path = folder.join(name);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RecordingError::damaged(name, Damage::Missing));
        }
        Err(error) => return Err(RecordingError::Io { path, source: error }),
    };
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(RecordingError::io(&path))?;
    if bytes.len() as u64 > limit {
        return Err(RecordingError::damaged(name, Damage::TooLarge));
    }
    Ok(bytes)
}

/// Makes a recording's folder, which appears under its name once `fill` has written its header.
pub(crate) fn make_folder<T>(
    recordings: &Path,
    id: RecordingId,
    fill: impl FnOnce(&Path) -> Result<T, RecordingError>,
) -> Result<T, RecordingError> {
    let folder = recordings.join(id.to_string());
    if folder.exists() {
        return Err(RecordingError::Exists(id));
    }
    let unfinished = recordings.join(format!("{id}{UNFINISHED}"));
    let private = |recursive| {
        let mut builder = fs::DirBuilder::new();
        builder.mode(0o700).recursive(recursive);
        builder
    };
    private(true).create(recordings).map_err(RecordingError::io(recordings))?;
    private(false).create(&unfinished).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RecordingError::Exists(id),
        _ => RecordingError::Io { path: folder.clone(), source },
    })?;
    let filled = fill(&unfinished).and_then(|filled| {
        fs::rename(&unfinished, &folder).map_err(RecordingError::io(&folder))?;
        File::open(recordings)
            .and_then(|folder| folder.sync_all())
            .map_err(RecordingError::io(recordings))?;
        Ok(filled)
    });
    filled.inspect_err(|_| {
        // What is left of it is in nobody's way; the error that counts is the first one.
        fs::remove_dir_all(&unfinished).unwrap_or_default();
    })
}

/// Writes a file that is durable and whole once it has its name; returns it, open.
///
/// `ready` is called on the file before it has its name.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    content: &[u8],
    ready: impl FnOnce(&File) -> io::Result<()>,
) -> Result<File, RecordingError> {
    let path = folder.join(name);
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let written = (|| {
        let mut file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&unfinished)?;
        file.write_all(content)?;
        file.sync_data()?;
        ready(&file)?;
        fs::rename(&unfinished, &path)?;
        File::open(folder)?.sync_all()?;
        Ok(file)
    })();
    written.map_err(|source| {
        // What is left of it is in nobody's way; the error that counts is the first one.
        fs::remove_file(&unfinished).unwrap_or_default();
        RecordingError::Io { path, source }
    })
}
