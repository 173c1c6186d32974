//! The names of files, the limits, and how a file gets there whole.
//!
//! A file appears under its name only once all of it is on the disk. What is unfinished stands beside the recordings'
//! folders as `<id>.new`: the folder of a recording that begins, then the segment that is written. What is being removed
//! stands there as `<id>.deleted`. A crash leaves them there, and [`sweep`] takes them away.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use ostler_core::RecordingId;
use rustix::fs::{FlockOperation, flock};

use crate::{Damage, RecordedSurface, RecordingError};

/// The name of the header file.
pub(crate) const HEADER: &str = "header";
/// What is behind the id in the name of something unfinished.
const UNFINISHED: &str = ".new";
/// What is behind the id in the name of a folder that is being removed.
const DELETED: &str = ".deleted";
/// How much event text closes a segment.
const SEGMENT_TEXT_BYTES: usize = 256 * 1024;
/// The longest piece of output or input in one event. In JSON a byte takes at most 6, and 4/3 more if kept exactly.
pub(crate) const PIECE_BYTES: usize = 16 * 1024;
/// What a full segment holds beyond [`RecordedSurface::segment_bytes`]: one event of the longest kind.
const LARGEST_EVENT: usize = 8 * PIECE_BYTES;
/// The longest description of a session.
pub(crate) const MAX_INFO_BYTES: usize = 64 * 1024;
/// The most that a header file takes.
pub(crate) const MAX_HEADER_FILE_BYTES: u64 = (MAX_INFO_BYTES + 4 * 1024) as u64;

impl RecordedSurface {
    /// Returns how much of events closes a segment, before they are compressed.
    pub(crate) fn segment_bytes(self) -> usize {
        match self {
            Self::Terminal => SEGMENT_TEXT_BYTES,
            // A screen is 3 to 24 MiB, and each segment waits for the disk.
            Self::Desktop => 4 << 20,
        }
    }

    /// Returns the most that a segment holds, before it is compressed.
    pub(crate) fn most_segment_bytes(self) -> usize {
        match self {
            Self::Terminal => self.segment_bytes() + LARGEST_EVENT,
            // The pointer's picture.
            Self::Desktop => self.segment_bytes() + 3 * LARGEST_EVENT,
        }
    }

    /// Returns the most that a segment file takes: events that did not compress, and what sealing adds.
    pub(crate) fn most_file_bytes(self) -> u64 {
        (self.most_segment_bytes() + 32 * 1024) as u64
    }
}

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
        } else {
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

/// Makes a recording's folder, which appears under its name once its header is on the disk. Returns the header, open and
/// locked.
pub(crate) fn make_folder(recordings: &Path, id: RecordingId, header: &[u8]) -> Result<File, RecordingError> {
    let folder = recordings.join(id.to_string());
    let private = |recursive| {
        let mut builder = fs::DirBuilder::new();
        builder.mode(0o700).recursive(recursive);
        builder
    };
    private(true).create(recordings).map_err(RecordingError::io(recordings))?;
    // Until the header is locked, this keeps a sweep away.
    let _making = lock(recordings, FlockOperation::LockShared);
    if folder.exists() {
        return Err(RecordingError::Exists(id));
    }
    let unfinished = unfinished(recordings, id);
    private(false).create(&unfinished).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => RecordingError::Exists(id),
        _ => RecordingError::Io { path: folder.clone(), source },
    })?;
    let made = (|| {
        let file = write_new(&unfinished.join(HEADER), header)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        File::open(&unfinished)?.sync_all()?;
        fs::rename(&unfinished, &folder)?;
        File::open(recordings)?.sync_all()?;
        Ok(file)
    })();
    made.map_err(|source| {
        // What is left of it is in nobody's way; the error that counts is the first one.
        fs::remove_dir_all(&unfinished).unwrap_or_default();
        RecordingError::Io { path: folder, source }
    })
}

/// Writes a segment, which is durable and whole once it has its name.
pub(crate) fn write_segment(
    recordings: &Path,
    id: RecordingId,
    sequence: u64,
    content: &[u8],
) -> Result<(), RecordingError> {
    let folder = recordings.join(id.to_string());
    let path = folder.join(segment_name(sequence));
    let unfinished = unfinished(recordings, id);
    let written = write_new(&unfinished, content)
        .and_then(|_| fs::rename(&unfinished, &path))
        .and_then(|()| File::open(&folder)?.sync_all());
    written.map_err(|source| {
        // What is left of it is in nobody's way; the error that counts is the first one.
        fs::remove_file(&unfinished).unwrap_or_default();
        RecordingError::Io { path, source }
    })
}

/// Takes away what crashes left unfinished. What can't be removed stays, and is in nobody's way.
pub(crate) fn sweep(recordings: &Path) {
    // Where one is just being made, the next sweep will do.
    let Some(_nobody_makes) = lock(recordings, FlockOperation::NonBlockingLockExclusive) else { return };
    let Ok(entries) = fs::read_dir(recordings) else { return };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let name = name.to_str().unwrap_or_default();
        let of = name.strip_suffix(UNFINISHED).or_else(|| name.strip_suffix(DELETED));
        let Some(id) = of.and_then(folder_id) else { continue };
        if is_active(&recordings.join(id.to_string())) {
            continue;
        }
        let path = entry.path();
        let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        match removed {
            Ok(()) => tracing::info!(recording = %id, "what a crash left unfinished was removed"),
            Err(error) => tracing::debug!(recording = %id, %error, "what a crash left unfinished stays"),
        }
    }
}

/// Removes a recording's folder, its header first: without that no key opens it. It is gone, or as it was.
pub(crate) fn remove_folder(recordings: &Path, id: RecordingId) -> io::Result<()> {
    let deleted = recordings.join(format!("{id}{DELETED}"));
    fs::rename(recordings.join(id.to_string()), &deleted)?;
    File::open(recordings)?.sync_all()?;
    match fs::remove_file(deleted.join(HEADER)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => other?,
    }
    File::open(&deleted)?.sync_all()?;
    fs::remove_dir_all(&deleted)?;
    File::open(recordings)?.sync_all()
}

/// Returns the id that a folder is named after, in the one spelling that a recorder gives it.
pub(crate) fn folder_id(name: &str) -> Option<RecordingId> {
    name.parse().ok().filter(|id: &RecordingId| id.to_string() == name)
}

/// Tells whether a recorder holds its lock on the header.
pub(crate) fn is_active(folder: &Path) -> bool {
    File::open(folder.join(HEADER)).is_ok_and(|header| {
        flock(&header, FlockOperation::NonBlockingLockShared) == Err(rustix::io::Errno::WOULDBLOCK)
    })
}

fn unfinished(recordings: &Path, id: RecordingId) -> PathBuf {
    recordings.join(format!("{id}{UNFINISHED}"))
}

/// Locks the folder of recordings as long as it is open; none where that can't be done.
fn lock(recordings: &Path, operation: FlockOperation) -> Option<File> {
    File::open(recordings).ok().filter(|folder| flock(folder, operation).is_ok())
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.sync_data()?;
    Ok(file)
}
