//! The files of the log: opening, locking, and the two slots of the newest checkpoint.
//!
//! A slot is written while the other one holds the checkpoint before it, so that a crash in the middle of a write leaves
//! a valid one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use crate::error::AuditError;
use crate::note::{Head, Keys};

pub(crate) const LOG: &str = "log";
pub(crate) const HASHES: &str = "hashes";
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const CHECKPOINTS: &str = "checkpoints";
pub(crate) const KEYS: &str = "keys";
const LOCK: &str = "lock";

/// Bytes of a checkpoint's slot.
const SLOT: usize = 1024;

/// The files of a log that is written to.
///
/// They are opened for each append: one that was taken away or replaced is noticed, and never written to where nobody
/// reads it.
pub(crate) struct Files {
    directory: PathBuf,
    pub(crate) log: File,
    pub(crate) hashes: File,
    pub(crate) checkpoint: File,
    pub(crate) checkpoints: File,
    pub(crate) keys: File,
    lock: File,
}

impl Files {
    /// Makes the files that are missing, and opens them.
    pub(crate) fn create(directory: &Path) -> Result<Self, AuditError> {
        let failed = |source| AuditError::Io { path: directory.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let files = Self::with(directory, true)?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
        Ok(files)
    }

    /// Opens the files, all of which must be there.
    pub(crate) fn open(directory: &Path) -> Result<Self, AuditError> {
        Self::with(directory, false)
    }

    fn with(directory: &Path, create: bool) -> Result<Self, AuditError> {
        let open = |name: &str| {
            let path = directory.join(name);
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create(create)
                .truncate(false)
                .mode(0o600)
                .open(&path);
            opened.map_err(|source| AuditError::Io { path, source })
        };
        Ok(Self {
            log: open(LOG)?,
            hashes: open(HASHES)?,
            checkpoint: open(CHECKPOINT)?,
            checkpoints: open(CHECKPOINTS)?,
            keys: open(KEYS)?,
            lock: open(LOCK)?,
            directory: directory.to_owned(),
        })
    }

    /// Waits until no other process appends, and keeps them waiting as long as the guard lives.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, AuditError> {
        let locked = rustix::fs::flock(&self.lock, FlockOperation::LockExclusive);
        locked.map_err(|errno| self.failed(LOCK, errno.into()))?;
        Ok(Locked(&self.lock))
    }

    /// Tells which log this is: another file under the same name is another one.
    pub(crate) fn place(&self) -> Result<Place, AuditError> {
        let metadata = self.log.metadata().map_err(|source| self.failed(LOG, source))?;
        Ok(Place { device: metadata.dev(), inode: metadata.ino() })
    }

    /// Names a file in an error.
    pub(crate) fn failed(&self, name: &str, source: io::Error) -> AuditError {
        AuditError::Io { path: self.directory.join(name), source }
    }

    /// Appends to a file and makes it durable. What could only be written in part, as on a full disk, is taken away again.
    pub(crate) fn append(&self, name: &'static str, file: &File, bytes: &[u8]) -> Result<u64, AuditError> {
        let failed = |source| self.failed(name, source);
        let end = file.metadata().map_err(failed)?.len();
        file.write_all_at(bytes, end).and_then(|()| file.sync_data()).map_err(|error| {
            if let Err(stays) = file.set_len(end) {
                tracing::warn!(error = %stays, "what was written in part stays until the next append");
            }
            failed(error)
        })?;
        Ok(end)
    }

    /// Writes a checkpoint into the slot that does not hold the newest one.
    pub(crate) fn write_checkpoint(&self, note: &str, turn: u64) -> Result<(), AuditError> {
        let failed = |source| self.failed(CHECKPOINT, source);
        let mut slot = note.as_bytes().to_vec();
        slot.resize(SLOT.max(slot.len()), b' ');
        let at = (turn % 2) * u64::try_from(SLOT).unwrap_or(0);
        self.checkpoint.write_all_at(&slot, at).map_err(failed)?;
        self.checkpoint.sync_data().map_err(failed)
    }
}

/// Which file a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    device: u64,
    inode: u64,
}

/// The lock on a log.
pub(crate) struct Locked<'a>(&'a File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::flock(self.0, FlockOperation::Unlock) {
            tracing::warn!(%error, "the audit log's lock could not be released before the file is closed");
        }
    }
}

/// What the two slots hold.
pub(crate) struct Slots {
    /// The valid checkpoint of the larger tree, with its note and the slot it stands in.
    pub(crate) newest: Option<(Head, String, u64)>,
    /// Why a slot that is not empty holds no valid checkpoint.
    pub(crate) fault: Option<&'static str>,
}

/// Reads the slots.
pub(crate) fn read_slots(bytes: &[u8], keys: &Keys, origin: Option<&str>) -> Slots {
    let mut slots = Slots { newest: None, fault: None };
    for (turn, slot) in (0..).zip(bytes.chunks(SLOT)) {
        if slot.iter().all(|byte| *byte == 0) {
            continue;
        }
        match open_slot(slot, keys, origin) {
            Ok((head, note)) => {
                if slots.newest.as_ref().is_none_or(|(best, ..)| head.size > best.size) {
                    slots.newest = Some((head, note, turn));
                }
            }
            Err(reason) => slots.fault = Some(reason),
        }
    }
    slots
}

fn open_slot(slot: &[u8], keys: &Keys, origin: Option<&str>) -> Result<(Head, String), &'static str> {
    let text = std::str::from_utf8(slot).map_err(|_| "it is not text")?;
    if slot.len() != SLOT {
        return Err("it was cut short");
    }
    let note = text.trim_end_matches(' ');
    let (own, head) = keys.open(note)?;
    if origin.is_some_and(|origin| origin != own) {
        return Err("it is of another store");
    }
    Ok((head, note.to_owned()))
}

/// Keeps writers waiting as long as it lives, so that the files fit each other while they are read.
///
/// A copy of a log may have no lock, or one that can't be opened: nobody writes there.
pub(crate) struct Quiet(Option<File>);

impl Quiet {
    /// Waits until no process appends.
    pub(crate) fn wait(directory: &Path) -> Self {
        let lock = File::open(directory.join(LOCK)).ok();
        Self(lock.filter(|lock| rustix::fs::flock(lock, FlockOperation::LockShared).is_ok()))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Closing the file is what releases the lock.
        drop(self.0.take());
    }
}

/// Reads a whole file of a log.
pub(crate) fn read_file(directory: &Path, name: &str) -> Result<Vec<u8>, AuditError> {
    let path = directory.join(name);
    std::fs::read(&path).map_err(|source| AuditError::Io { path, source })
}
