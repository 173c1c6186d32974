//! Appending to the log.
//!
//! One append is: lock, catch up with what others wrote, write the line and make it durable, write the hashes, write the
//! signed checkpoint and make it durable. Only then it returns. What a crash left in the middle is taken in at the next
//! append: whole lines stay, a torn one is cut off and named in an event.

use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_core::{Clock, StoreId, Timestamp};
use ostler_sealing::{DeviceKey, EnvelopePublicKey};
use tlog_tiles::{EMPTY_HASH, stored_hash_count, tree_hash};

use crate::class::EventClass;
use crate::error::{AuditError, AuditFault};
use crate::event::{AuditEvent, Outcome, Sealed};
use crate::files::{CHECKPOINT, CHECKPOINTS, Files, HASHES, KEYS, LOG, Place, read_slots};
use crate::line::{Batch, LONGEST, Line};
use crate::note::{Head, Keys, origin, sign};
use crate::tree::{Edge, FileHashes, end_of};

/// The most that is read of what stands behind the newest checkpoint, and of a small file.
pub(crate) const MOST_TAIL: usize = 16 * 1024 * 1024;

/// The most lines that crashes can have left before the first checkpoint was written.
const MOST_UNSIGNED: usize = 8;

/// Every so many leaves the checkpoint is kept for good.
pub(crate) const KEPT_EVERY: u64 = 256;

/// The least step of the clock that is worth an event, in microseconds: what a time service corrects is less.
const CLOCK_STEP_MICROS: u64 = 10_000_000;

/// Hashes that are kept in memory while all are made again.
const MOST_PENDING: usize = 16 * 1024;

/// A line's batch is opened at most so many lines before it, so that the end of the log can be read without its beginning.
pub(crate) const REOPENED_EVERY: u64 = 1024;

/// Appends to the audit log of a store.
pub struct AuditLog {
    directory: PathBuf,
    store: StoreId,
    device: Arc<DeviceKey>,
    clock: Arc<dyn Clock>,
    machine: String,
    /// Held over a whole append: it is what keeps threads apart, as the file's lock keeps processes apart.
    writer: Mutex<Writer>,
}

/// What one process appends with.
struct Writer {
    batch: Batch,
    /// The log that the line stands in that opens the batch, and its number there.
    opened: Option<(Place, u64)>,
    /// The wall clock and the steady one at the last append.
    last: Option<(Timestamp, Duration)>,
}

/// An append under way: the files, under their lock, and who writes.
struct Append<'a> {
    log: &'a AuditLog,
    files: &'a Files,
    writer: &'a mut Writer,
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
            writer: Mutex::new(Writer { batch: Batch::new(store, envelope)?, opened: None, last: None }),
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
        self.append_all(slice::from_ref(event))
    }

    /// Writes events at the cost of one, and returns the number of the last one's line.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    pub fn append_all(&self, events: &[AuditEvent]) -> Result<u64, AuditError> {
        self.locked(&Files::open(&self.directory)?, |mut append| {
            let mut state = append.settle()?;
            match append.clock_step(&state.head) {
                None => append.write(&mut state, events),
                Some(step) => append.write(&mut state, &[slice::from_ref(&step), events].concat()),
            }
        })
    }

    /// Does something while no other thread and no other process appends.
    fn locked<T>(
        &self,
        files: &Files,
        act: impl FnOnce(Append<'_>) -> Result<T, AuditError>,
    ) -> Result<T, AuditError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let _locked = files.lock()?;
        act(Append { log: self, files, writer: &mut writer })
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
            self.write(&mut state, slice::from_ref(&event))?;
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
            (None, None) => (Head { size: 0, root: EMPTY_HASH, log_bytes: 0, time: Timestamp(i64::MIN) }, 1),
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
        let fault = |error: tlog_tiles::Error| AuditFault::new(HASHES, None, error.to_string());
        // Read twice: what is stored may tell which line was changed, and stays until the lines are proved to be the right ones.
        let mut edge = Edge::default();
        self.each_line(head.log_bytes, |_, line| Ok(edge.add(line).map(|_| ()).map_err(fault)?))?;
        if edge.size() != head.size || !edge.root().is_ok_and(|root| root == head.root) {
            return Err(AuditFault::new(LOG, None, "its lines are not those of its checkpoint").into());
        }
        let mut hashes = FileHashes { file: &self.files.hashes, pending_from: 0, pending: Vec::new() };
        let flush =
            |hashes: &mut FileHashes<'_>| hashes.flush().map_err(|source| self.files.failed(HASHES, source));
        self.each_line(head.log_bytes, |number, line| {
            hashes.add(number, line).map_err(fault)?;
            if hashes.pending.len() > MOST_PENDING { flush(&mut hashes) } else { Ok(()) }
        })?;
        flush(&mut hashes)
    }

    /// Does something with each line, and its number, of the first so many bytes of the log.
    fn each_line(
        &self,
        log_bytes: u64,
        mut act: impl FnMut(u64, &[u8]) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let failed = |source| self.files.failed(LOG, source);
        let mut log = BufReader::new(&self.files.log);
        log.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut lines = log.take(log_bytes).split(b'\n');
        (0..).zip(&mut lines).try_for_each(|(number, line)| act(number, &line.map_err(failed)?))
    }

    /// Compares the wall clock with the steady one since this process last appended, or, where it never has, with the time
    /// of the newest checkpoint. Returns the event that tells of a step.
    fn clock_step(&self, head: &Head) -> Option<AuditEvent> {
        let (now, steady) = (self.log.clock.now(), self.log.clock.monotonic());
        let (step, seen_by) = match self.writer.last {
            Some((then, before)) => {
                let passed = i64::try_from(steady.saturating_sub(before).as_micros()).unwrap_or(i64::MAX);
                (now.0.saturating_sub(then.0).saturating_sub(passed), "the steady clock")
            }
            // Time passes between two processes, so only a step back shows.
            None => (now.0.saturating_sub(head.time.0).min(0), "the newest checkpoint"),
        };
        (step.unsigned_abs() >= CLOCK_STEP_MICROS).then(|| {
            let mut event = AuditEvent::of(EventClass::HostClockStep, Outcome::Success);
            event.details.insert("by-seconds".to_owned(), (step / 1_000_000).to_string());
            event.details.insert("seen-by".to_owned(), seen_by.to_owned());
            event
        })
    }

    /// Writes events behind what was caught up with, and returns the number of the last one's line.
    fn write(&mut self, state: &mut State, events: &[AuditEvent]) -> Result<u64, AuditError> {
        let mut text = String::new();
        let place = self.files.place()?;
        let mut number = state.head.size + u64::try_from(state.added.len()).unwrap_or(0);
        let mut opened = self.writer.opened.filter(|(own, _)| *own == place).map(|(_, number)| number);
        for event in events {
            let near = |opened| number.checked_sub(opened).is_some_and(|lines| lines < REOPENED_EVERY);
            if !opened.is_some_and(near) {
                text.push_str(self.writer.batch.line());
                opened = Some(number);
                number += 1;
            }
            text.push_str(&self.seal(number, event)?);
            number += 1;
        }
        self.files.append(LOG, &self.files.log, text.as_bytes())?;
        self.writer.opened = opened.map(|number| (place, number));
        self.writer.last = Some((self.log.clock.now(), self.log.clock.monotonic()));
        state.added.extend(text.lines().map(|line| line.as_bytes().to_vec()));
        self.commit(state)?;
        Ok(number.saturating_sub(1))
    }

    fn seal(&self, number: u64, event: &AuditEvent) -> Result<String, AuditError> {
        let sealed = Sealed {
            v: 1,
            time: self.log.clock.now(),
            machine: self.log.machine.clone(),
            process: std::process::id(),
            event: event.clone(),
        };
        let json = serde_json::to_vec(&sealed).unwrap_or_default();
        let line = self.writer.batch.seal(self.log.store, number, &json)?;
        if line.len() > LONGEST {
            return Err(AuditError::TooLarge { bytes: line.len(), most: LONGEST });
        }
        Ok(line)
    }

    /// Puts the lines that were added under a signed checkpoint.
    fn commit(&self, state: &mut State) -> Result<(), AuditError> {
        let fault = |error: tlog_tiles::Error| AuditFault::new(HASHES, None, error.to_string());
        let pending_from = end_of(state.head.size);
        let mut hashes = FileHashes { file: &self.files.hashes, pending_from, pending: Vec::new() };
        let (mut size, mut log_bytes, time) = (state.head.size, state.head.log_bytes, self.log.clock.now());
        let mut kept = String::new();
        for line in state.added.drain(..) {
            hashes.add(size, &line).map_err(fault)?;
            size += 1;
            log_bytes += u64::try_from(line.len()).unwrap_or(0) + 1;
            if size % KEPT_EVERY == 0 {
                let head = Head { size, root: tree_hash(size, &hashes).map_err(fault)?, log_bytes, time };
                let note = sign(self.log.store, &self.log.device, &head);
                kept += &serde_json::to_string(&note).unwrap_or_default();
                kept.push('\n');
            }
        }
        let head = Head { size, root: tree_hash(size, &hashes).map_err(fault)?, log_bytes, time };
        debug_assert_eq!(
            hashes.pending_from + u64::try_from(hashes.pending.len()).unwrap_or(0),
            stored_hash_count(size)
        );
        hashes.flush().map_err(|source| self.files.failed(HASHES, source))?;
        // First those that stay: what a crash leaves of them beyond the newest checkpoint is written anew, but none is missing.
        if !kept.is_empty() {
            self.keep(state.head.size / KEPT_EVERY, &kept)?;
        }
        let note = sign(self.log.store, &self.log.device, &head);
        self.files.write_checkpoint(&note, state.turn + 1)?;
        (state.head, state.turn) = (head, (state.turn + 1) % 2);
        Ok(())
    }

    /// Adds checkpoints to the `before` that are kept.
    fn keep(&self, before: u64, kept: &str) -> Result<(), AuditError> {
        let failed = |source| self.files.failed(CHECKPOINTS, source);
        let mut reader = BufReader::new(&self.files.checkpoints);
        reader.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut end = 0;
        for _ in 0..before {
            end += u64::try_from(reader.skip_until(b'\n').map_err(failed)?).unwrap_or(0);
        }
        self.files.checkpoints.set_len(end).map_err(failed)?;
        self.files.append(CHECKPOINTS, &self.files.checkpoints, kept.as_bytes()).map(|_| ())
    }

    fn read_all(&self, name: &'static str, file: &std::fs::File) -> Result<Vec<u8>, AuditError> {
        let length = file.metadata().map_err(|source| self.files.failed(name, source))?.len();
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(usize::MAX).min(MOST_TAIL)];
        file.read_exact_at(&mut bytes, 0).map_err(|source| self.files.failed(name, source))?;
        Ok(bytes)
    }
}
