//! Appending to the log.
//!
//! One append is: lock, catch up with what others wrote, write the line and make it durable, write the hashes, write the
//! signed checkpoint and make it durable. Only then it returns. What a crash left in the middle is taken in at the next
//! append: whole lines stay, a torn one is cut off and named in an event.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::{Clock, StoreId};
use ostler_sealing::{DeviceKey, EnvelopePublicKey};
use tlog_tiles::{EMPTY_HASH, stored_hash_count, tree_hash};

use crate::class::EventClass;
use crate::error::{AuditError, AuditFault};
use crate::event::{AuditEvent, Outcome, Sealed};
use crate::files::{CHECKPOINT, CHECKPOINTS, Files, HASHES, KEYS, LOG, read_slots};
use crate::line::{Batch, LONGEST, Line};
use crate::note::{Head, Keys, origin, sign};
use crate::tree::{FileHashes, end_of};

/// The most that is read of what stands behind the newest checkpoint, and of a small file.
const MOST_TAIL: usize = 16 * 1024 * 1024;

/// The most lines that crashes can have left before the first checkpoint was written.
const MOST_UNSIGNED: usize = 8;

/// Every so many leaves the checkpoint is kept for good.
pub(crate) const KEPT_EVERY: u64 = 256;

/// Appends to the audit log of a store.
pub struct AuditLog {
    directory: PathBuf,
    store: StoreId,
    device: Arc<DeviceKey>,
    clock: Arc<dyn Clock>,
    machine: String,
    /// Held over a whole append: it is what keeps threads apart, as the file's lock keeps processes apart.
    batch: Mutex<Batch>,
}

/// An append under way: the files, under their lock, and who writes.
struct Append<'a> {
    log: &'a AuditLog,
    files: &'a Files,
    batch: &'a mut Batch,
}

/// Where the log stands.
struct State {
    head: Head,
    /// The slot that holds the newest checkpoint.
    turn: u64,
    /// Lines that were added since.
    added: Vec<Vec<u8>>,
}

impl AuditLog {
    /// Opens the log in a directory, beginning one where there is none. The cost does not grow with the log.
    ///
    /// # Errors
    /// Fails where the directory can't be written, or where what is in it is not what its newest checkpoint says.
    pub fn open(
        directory: &Path,
        store: StoreId,
        device: Arc<DeviceKey>,
        envelope: &EnvelopePublicKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, AuditError> {
        let log = Self {
            directory: directory.to_owned(),
            store,
            device,
            clock,
            machine: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            batch: Mutex::new(Batch::new(store, envelope)?),
        };
        log.locked(&Files::create(directory)?, |mut append| {
            append.add_key()?;
            append.settle().map(|_| ())
        })?;
        Ok(log)
    }

    /// Writes an event and returns the number of its line. When it returns, the line is durable and under a signed
    /// checkpoint.
    ///
    /// # Errors
    /// Fails where that can't be done; whoever was about to act must not.
    pub fn append(&self, event: &AuditEvent) -> Result<u64, AuditError> {
        self.locked(&Files::open(&self.directory)?, |mut append| {
            let mut state = append.settle()?;
            append.write(&mut state, event)
        })
    }

    /// Does something while no other thread and no other process appends.
    fn locked<T>(
        &self,
        files: &Files,
        act: impl FnOnce(Append<'_>) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let _locked = files.lock()?;
        act(Append { log: self, files, batch: &mut batch })
    }
}

impl Append<'_> {
    /// Catches up, and names in an event what a crash left unfinished.
    fn settle(&mut self) -> Result<State, AuditError> {
        let (mut state, torn) = self.catch_up()?;
        if let Some(bytes) = torn {
            let mut event = AuditEvent::of(EventClass::AuditTornTail, Outcome::Failure);
            event.reason = Some("a crash left a line unfinished; it was cut off".to_owned());
            event.details.insert("bytes".to_owned(), bytes.to_string());
            self.write(&mut state, &event)?;
        } else if !state.added.is_empty() {
            self.commit(&mut state)?;
        }
        Ok(state)
    }

    /// Adds this device's public key to those that sign the log.
    fn add_key(&self) -> Result<(), AuditError> {
        let line = Keys::line(self.log.store, &self.log.device);
        let text = self.read_all(KEYS, &self.files.keys)?;
        let mut known = text.split_inclusive(|byte| *byte == b'\n');
        if known.any(|known| known == line.as_bytes()) {
            return Ok(());
        }
        // A key that a crash left unfinished has signed nothing: it is written before the first signature.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let cut = self.files.keys.set_len(u64::try_from(whole).unwrap_or(0));
        cut.map_err(|source| self.files.failed(KEYS, source))?;
        self.files.append(KEYS, &self.files.keys, line.as_bytes()).map(|_| ())
    }

    /// Reads the newest checkpoint and what stands behind it. Returns the length of a torn line that was cut off.
    fn catch_up(&self) -> Result<(State, Option<usize>), AuditError> {
        let keys = self.read_all(KEYS, &self.files.keys)?;
        let keys = String::from_utf8(keys).map_err(|_| AuditFault::new(KEYS, None, "it is not text"))?;
        let keys = Keys::parse(&keys).map_err(|reason| AuditFault::new(KEYS, None, reason))?;
        let slots = read_slots(
            &self.read_all(CHECKPOINT, &self.files.checkpoint)?,
            &keys,
            Some(&origin(self.log.store)),
        );
        let (head, turn) = match (slots.newest, slots.fault) {
            (Some((head, _, turn)), _) => (head, turn),
            (None, Some(reason)) => return Err(AuditFault::new(CHECKPOINT, None, reason).into()),
            (None, None) => (Head { size: 0, root: EMPTY_HASH, log_bytes: 0 }, 1),
        };
        let log_bytes = self.files.log.metadata().map_err(|source| self.files.failed(LOG, source))?.len();
        if log_bytes < head.log_bytes {
            let reason = format!("it has {log_bytes} bytes, its checkpoint says {}", head.log_bytes);
            return Err(AuditFault::new(LOG, None, reason).into());
        }
        self.check_hashes(&head)?;
        let behind = usize::try_from(log_bytes - head.log_bytes).unwrap_or(usize::MAX);
        if behind > MOST_TAIL {
            let reason = "more stands behind its newest checkpoint than a crash can leave";
            return Err(AuditFault::new(LOG, None, reason).into());
        }
        let mut tail = vec![0; behind];
        let read = self.files.log.read_exact_at(&mut tail, head.log_bytes);
        read.map_err(|source| self.files.failed(LOG, source))?;
        let mut added = Vec::new();
        let mut torn = None;
        for line in tail.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(whole) => {
                    let number = head.size + u64::try_from(added.len()).unwrap_or(0);
                    let fault = |reason| AuditFault::new(LOG, Some(number), reason);
                    Line::parse(whole).map_err(fault)?;
                    added.push(whole.to_vec());
                }
                None => torn = Some(line.len()),
            }
        }
        if head.size == 0 && added.len() > MOST_UNSIGNED {
            return Err(AuditFault::new(CHECKPOINT, None, "there is no checkpoint").into());
        }
        if let Some(bytes) = torn {
            let cut = log_bytes.saturating_sub(u64::try_from(bytes).unwrap_or(0));
            self.files.log.set_len(cut).map_err(|source| self.files.failed(LOG, source))?;
        }
        Ok((State { head, turn, added }, torn))
    }

    /// Proves that the stored hashes belong to the checkpoint; after a crash they are made again from the log.
    fn check_hashes(&self, head: &Head) -> Result<(), AuditError> {
        let stored = FileHashes { file: &self.files.hashes, pending_from: u64::MAX, pending: Vec::new() };
        if tree_hash(head.size, &stored).is_ok_and(|root| root == head.root) {
            return Ok(());
        }
        tracing::warn!("the audit log's hashes are made again");
        let mut hashes = FileHashes { file: &self.files.hashes, pending_from: 0, pending: Vec::new() };
        let mut log = Vec::new();
        let length = usize::try_from(head.log_bytes).unwrap_or(usize::MAX);
        log.resize(length, 0);
        self.files.log.read_exact_at(&mut log, 0).map_err(|source| self.files.failed(LOG, source))?;
        for (size, line) in (0..).zip(log.split_inclusive(|byte| *byte == b'\n')) {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            hashes.add(size, line).map_err(|error| AuditFault::new(HASHES, Some(size), error.to_string()))?;
        }
        let root = tree_hash(head.size, &hashes);
        if !root.is_ok_and(|root| root == head.root) {
            return Err(AuditFault::new(LOG, None, "its lines are not those of its checkpoint").into());
        }
        hashes.flush().map_err(|source| self.files.failed(HASHES, source))
    }

    /// Writes an event behind what was caught up with.
    fn write(&mut self, state: &mut State, event: &AuditEvent) -> Result<u64, AuditError> {
        let mut text = String::new();
        let mut size = state.head.size + u64::try_from(state.added.len()).unwrap_or(0);
        let (place, first) = (self.files.place()?, size);
        let opening = self.batch.opening(place, size);
        let opens = opening.is_some();
        if let Some(opening) = opening {
            text.push_str(opening);
            size += 1;
        }
        let sealed = Sealed {
            v: 1,
            time: self.log.clock.now(),
            machine: self.log.machine.clone(),
            process: std::process::id(),
            event: event.clone(),
        };
        let json = serde_json::to_vec(&sealed).unwrap_or_default();
        let line = self.batch.seal(self.log.store, size, &json)?;
        if line.len() > LONGEST {
            return Err(AuditError::TooLarge { bytes: line.len(), most: LONGEST });
        }
        text.push_str(&line);
        self.files.append(LOG, &self.files.log, text.as_bytes())?;
        if opens {
            self.batch.opened(place, first);
        }
        state.added.extend(text.lines().map(|line| line.as_bytes().to_vec()));
        self.commit(state)?;
        Ok(size)
    }

    /// Puts the lines that were added under a signed checkpoint.
    fn commit(&self, state: &mut State) -> Result<(), AuditError> {
        let fault = |error: tlog_tiles::Error| AuditFault::new(HASHES, None, error.to_string());
        let pending_from = end_of(state.head.size);
        let mut hashes = FileHashes { file: &self.files.hashes, pending_from, pending: Vec::new() };
        let (mut size, mut log_bytes) = (state.head.size, state.head.log_bytes);
        let mut kept = Vec::new();
        for line in state.added.drain(..) {
            hashes.add(size, &line).map_err(fault)?;
            size += 1;
            log_bytes += u64::try_from(line.len()).unwrap_or(0) + 1;
            if size % KEPT_EVERY == 0 {
                kept.push(Head { size, root: tree_hash(size, &hashes).map_err(fault)?, log_bytes });
            }
        }
        let head = Head { size, root: tree_hash(size, &hashes).map_err(fault)?, log_bytes };
        debug_assert_eq!(
            hashes.pending_from + u64::try_from(hashes.pending.len()).unwrap_or(0),
            stored_hash_count(size)
        );
        hashes.flush().map_err(|source| self.files.failed(HASHES, source))?;
        let note = sign(self.log.store, &self.log.device, &head);
        self.files.write_checkpoint(&note, state.turn + 1)?;
        for head in kept {
            let note = sign(self.log.store, &self.log.device, &head);
            let line = serde_json::to_string(&note).unwrap_or_default() + "\n";
            self.files.append(CHECKPOINTS, &self.files.checkpoints, line.as_bytes())?;
        }
        (state.head, state.turn) = (head, (state.turn + 1) % 2);
        Ok(())
    }

    fn read_all(&self, name: &'static str, file: &std::fs::File) -> Result<Vec<u8>, AuditError> {
        let length = file.metadata().map_err(|source| self.files.failed(name, source))?.len();
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(MOST_TAIL)];
        file.read_exact_at(&mut bytes, 0).map_err(|source| self.files.failed(name, source))?;
        Ok(bytes)
    }
}
