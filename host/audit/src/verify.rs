//! Verifying the log with nothing but public keys: every line's hash, every stored hash, every checkpoint, and that the
//! log continues a checkpoint that was kept outside.

use std::path::Path;

use tlog_tiles::{Hash, stored_hashes, tree_hash};

use crate::error::{AuditError, AuditFault};
use crate::files::{CHECKPOINT, CHECKPOINTS, HASHES, KEYS, LOG, Quiet, read_file, read_slots};
use crate::line::Line;
use crate::log::KEPT_EVERY;
use crate::note::{Head, Keys};
use crate::tree::MemoryHashes;

/// What was proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReport {
    /// Lines in the log.
    pub lines: u64,
    /// Checkpoints whose signature and root hold.
    pub checkpoints: u64,
    /// The root hash in hexadecimal digits.
    pub root: String,
    /// Public keys that may sign.
    pub keys: usize,
}

/// Verifies the whole log. `anchor` is a checkpoint that was kept outside of the store; the log must continue it.
///
/// Without an anchor, somebody who holds the device's key can have cut the log's end off.
///
/// # Errors
/// Names the first file and line that are not what was written.
pub fn verify(directory: &Path, anchor: Option<&str>) -> Result<AuditReport, AuditError> {
    let quiet = Quiet::wait(directory);
    let [keys, slots, log, hashes, kept] =
        [KEYS, CHECKPOINT, LOG, HASHES, CHECKPOINTS].map(|name| read_file(directory, name));
    drop(quiet);
    let keys = text(keys?, KEYS)?;
    let keys = Keys::parse(&keys).map_err(|reason| AuditFault::new(KEYS, None, reason))?;
    let slots = read_slots(&slots?, &keys, None);
    if let Some(reason) = slots.fault {
        return Err(AuditFault::new(CHECKPOINT, None, reason).into());
    }
    let (newest, note, _) =
        slots.newest.ok_or_else(|| AuditFault::new(CHECKPOINT, None, "there is no checkpoint"))?;
    let (name, _) = keys.open(&note).map_err(|reason| AuditFault::new(CHECKPOINT, None, reason))?;

    let log = Log::hash(&log?)?;
    log.compare(&hashes?)?;
    log.prove(&newest, CHECKPOINT, None)?;
    if newest.size != log.size() {
        let reason = format!("it covers {} lines, the log has {}", newest.size, log.size());
        return Err(AuditFault::new(CHECKPOINT, None, reason).into());
    }
    let kept = text(kept?, CHECKPOINTS)?;
    let mut checkpoints = 1;
    for (number, line) in (0..).zip(kept.split_inclusive('\n')) {
        let fault = |reason: &str| AuditFault::new(CHECKPOINTS, Some(number), reason);
        let line = line.strip_suffix('\n').ok_or_else(|| fault("it is not finished"))?;
        let note: String = serde_json::from_str(line).map_err(|_| fault("it is no JSON string"))?;
        let (own, head) = keys.open(&note).map_err(fault)?;
        if own != name || head.size != (number + 1) * KEPT_EVERY {
            return Err(fault("it is not the one that belongs here").into());
        }
        log.prove(&head, CHECKPOINTS, Some(number))?;
        checkpoints += 1;
    }
    if checkpoints - 1 != log.size() / KEPT_EVERY {
        return Err(AuditFault::new(CHECKPOINTS, None, "checkpoints are missing").into());
    }
    if let Some(anchor) = anchor {
        let fault = |reason: &str| AuditFault::new("anchor", None, reason);
        let (own, head) = keys.open(anchor).map_err(fault)?;
        if own != name {
            return Err(fault("it is of another store").into());
        }
        if head.size > log.size() {
            return Err(fault("the log is shorter than it was: its end was cut off").into());
        }
        log.prove(&head, "anchor", None)?;
    }
    let root = newest.root.0.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    Ok(AuditReport { lines: log.size(), checkpoints, root, keys: keys.len() })
}

/// Returns the newest checkpoint, to be kept outside as an anchor.
///
/// # Errors
/// Fails where the log has none that is valid.
pub fn checkpoint(directory: &Path) -> Result<String, AuditError> {
    let _quiet = Quiet::wait(directory);
    let keys = text(read_file(directory, KEYS)?, KEYS)?;
    let keys = Keys::parse(&keys).map_err(|reason| AuditFault::new(KEYS, None, reason))?;
    let slots = read_slots(&read_file(directory, CHECKPOINT)?, &keys, None);
    let (_, note, _) =
        slots.newest.ok_or_else(|| AuditFault::new(CHECKPOINT, None, "there is no checkpoint"))?;
    Ok(note)
}

/// A log that was hashed anew.
struct Log {
    hashes: MemoryHashes,
    /// Where each line ends, in bytes.
    ends: Vec<u64>,
}

impl Log {
    fn hash(bytes: &[u8]) -> Result<Self, AuditFault> {
        let mut log = Self { hashes: MemoryHashes::default(), ends: Vec::new() };
        let mut end = 0;
        for (number, line) in (0..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
            let fault = |reason: &str| AuditFault::new(LOG, Some(number), reason);
            end += u64::try_from(line.len()).unwrap_or(0);
            let line = line.strip_suffix(b"\n").ok_or_else(|| fault("it is not finished"))?;
            Line::parse(line).map_err(fault)?;
            let new = stored_hashes(number, line, &log.hashes).map_err(|error| fault(&error.to_string()))?;
            log.hashes.0.extend(new);
            log.ends.push(end);
        }
        Ok(log)
    }

    fn size(&self) -> u64 {
        u64::try_from(self.ends.len()).unwrap_or(u64::MAX)
    }

    /// Compares the stored hashes with those of the lines; names the first line whose hash differs.
    fn compare(&self, stored: &[u8]) -> Result<(), AuditFault> {
        let computed: Vec<u8> = self.hashes.0.iter().flat_map(|hash: &Hash| hash.0).collect();
        if computed == stored {
            return Ok(());
        }
        let first = computed.iter().zip(stored).position(|(own, other)| own != other);
        let reason = match first {
            Some(byte) => format!("hash {} is not that of the log's lines", byte / 32),
            None => format!("it has {} bytes instead of {}", stored.len(), computed.len()),
        };
        Err(AuditFault::new(HASHES, None, reason))
    }

    /// Proves that a checkpoint is one of this log.
    fn prove(&self, head: &Head, file: &'static str, number: Option<u64>) -> Result<(), AuditFault> {
        let fault = |reason: &str| AuditFault::new(file, number, reason);
        let end = match head.size.checked_sub(1) {
            None => 0,
            Some(last) => {
                let last = usize::try_from(last).ok().and_then(|last| self.ends.get(last));
                *last.ok_or_else(|| fault("it covers more lines than the log has"))?
            }
        };
        let root = tree_hash(head.size, &self.hashes).map_err(|error| fault(&error.to_string()))?;
        if root != head.root || end != head.log_bytes {
            return Err(fault("the log's lines are not those that it signed"));
        }
        Ok(())
    }
}

fn text(bytes: Vec<u8>, file: &'static str) -> Result<String, AuditFault> {
    String::from_utf8(bytes).map_err(|_| AuditFault::new(file, None, "it is not text"))
}
