//! What this device remembers of a store outside of it: the newest revision that it saw, so that an older copy put in the
//! store's place is noticed.
//!
//! Never keeps anything secret, and never stops a sign-in: it only tells. Whoever can write to the store and to this file
//! and has the device key can lie to it; it is meant against a copy that comes back by a share, a sync or a backup tool.
//!
//! The file is `"OSTLANC1" | store id (16) | revision (8) | MAC by the device key (32)`. It is written after the commit, so
//! that a crash in between leaves it older than the store, which is no cause for a warning.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_core::StoreId;
use ostler_sealing::DeviceKey;

use crate::rows::hex;

const MAGIC: &[u8; 8] = b"OSTLANC1";
const LABEL: &[u8] = b"ostler store anchor";

/// Where this device remembers stores, and the key that proves that it was this device.
#[derive(Debug, Clone)]
pub struct Anchors {
    directory: PathBuf,
    device: Arc<DeviceKey>,
}

/// How a store stands to what this device remembers of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// It is as new as the last time, or newer.
    Current,
    /// This device has not seen the store before.
    New,
    /// It is older than it was.
    Older {
        /// The revision that was seen.
        seen: u64,
        /// The revision that is there.
        found: u64,
    },
    /// What is remembered is damaged, so that nobody can tell.
    Unknown,
}

impl Anchors {
    /// Keeps one file for each store in the directory, which is made when it is needed.
    #[must_use]
    pub fn new(directory: PathBuf, device: Arc<DeviceKey>) -> Self {
        Self { directory, device }
    }

    pub(crate) fn device(&self) -> &DeviceKey {
        &self.device
    }

    /// Compares a revision with the one that is remembered.
    pub(crate) fn compare(&self, store: StoreId, found: u64) -> History {
        self.sweep(store);
        match self.read(store) {
            Ok(None) => History::New,
            Ok(Some(seen)) if seen > found => History::Older { seen, found },
            Ok(Some(_)) => History::Current,
            Err(Unreadable) => History::Unknown,
        }
    }

    /// Remembers a revision, if it is newer than what is remembered. A failure is logged: the store's own change has been
    /// made already.
    pub(crate) fn advance(&self, store: StoreId, revision: u64) {
        if matches!(self.read(store), Ok(seen) if seen.is_none_or(|seen| seen < revision)) {
            self.set(store, revision);
        }
    }

    /// Remembers a revision, whatever was remembered.
    pub(crate) fn set(&self, store: StoreId, revision: u64) {
        let path = self.path(store);
        if let Err(error) = self.write(&path, store, revision) {
            tracing::warn!(path = %path.display(), %error, "the store's revision could not be written down");
        }
    }

    fn read(&self, store: StoreId) -> Result<Option<u64>, Unreadable> {
        let content = match fs::read(self.path(store)) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(Unreadable),
        };
        let rest = content.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(&store.to_bytes()));
        let (revision, tag) = rest.and_then(|rest| rest.split_first_chunk::<8>()).ok_or(Unreadable)?;
        let tag = tag.try_into().map_err(|_| Unreadable)?;
        let authentic = self.device.verify_mac(&[LABEL, &store.to_bytes(), revision], tag);
        authentic.then_some(Some(u64::from_be_bytes(*revision))).ok_or(Unreadable)
    }

    /// Not synced: what a power failure takes away is only newer, and a rename replaces all or nothing.
    fn write(&self, path: &Path, store: StoreId, revision: u64) -> std::io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        let revision = revision.to_be_bytes();
        let tag = self.device.mac(&[LABEL, &store.to_bytes(), &revision]);
        let content = [MAGIC.as_slice(), &store.to_bytes(), &revision, &tag].concat();
        // One writes at a time, so that there is never more than one unfinished file.
        let writing = File::open(&self.directory)?;
        writing.lock()?;
        let temporary = unfinished(path);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        let written = file.write_all(&content).and_then(|()| fs::rename(&temporary, path));
        if written.is_err() {
            fs::remove_file(&temporary)?;
        }
        written
    }

    /// Removes what a crash left unfinished, unless somebody is just writing.
    fn sweep(&self, store: StoreId) {
        let unfinished = unfinished(&self.path(store));
        let nobody_writes = File::open(&self.directory).is_ok_and(|directory| directory.try_lock().is_ok());
        if nobody_writes && unfinished.exists() {
            fs::remove_file(unfinished).unwrap_or_default();
        }
    }

    fn path(&self, store: StoreId) -> PathBuf {
        self.directory.join(format!("{}.anchor", hex(&store.to_bytes())))
    }
}

fn unfinished(path: &Path) -> PathBuf {
    path.with_extension("anchor.new")
}

/// The file is not what this device wrote for this store.
struct Unreadable;
