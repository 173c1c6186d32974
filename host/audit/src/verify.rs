//! Verifying the log with nothing but public keys: every line's hash, every stored hash, every checkpoint, and that the
//! log continues a checkpoint that was kept outside.
//!
//! The log is read once from its beginning to its end; what is kept in memory does not grow with it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Take};
use std::path::Path;

use tlog_tiles::{HASH_SIZE, Hash};

use crate::error::{AuditError, AuditFault};
use crate::files::{CHECKPOINT, CHECKPOINTS, HASHES, LOG, Quiet, Slots, read_file, read_slots};
use crate::line::{LONGEST, Line};
use crate::log::KEPT_EVERY;
use crate::note::{Head, Keys};
use crate::tree::Edge;

/// The name that errors call a checkpoint by that was kept outside.
pub(crate) const ANCHOR: &str = "anchor";

/// The longest line in the file of kept checkpoints.
pub(crate) const LONGEST_NOTE: u64 = 16 * 1024;

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
/// Without an anchor, somebody who holds the device's key can have cut the log's end off, put an older copy in its place, or
/// written it anew.
///
/// # Errors
/// Names the first file and line that are not what was written, and how the log fails to continue the anchor.
pub fn verify(directory: &Path, anchor: Option<&str>) -> Result<AuditReport, AuditError> {
    // The files fit each other while nobody writes; they only grow, so their lengths are all that has to be noted then.
    let quiet = Quiet::wait(directory);
    let keys = Keys::read(directory)?;
    let slots = Newest::read(directory, &keys)?;
    let [mut log, mut hashes, mut kept] = [
        Lines::open(directory, LOG, u64::try_from(LONGEST).unwrap_or(u64::MAX))?,
        Lines::open(directory, HASHES, 0)?,
        Lines::open(directory, CHECKPOINTS, LONGEST_NOTE)?,
    ];
    drop(quiet);
    let (newest, name) = (slots.head, slots.name);
    let anchor = anchor.map(|note| open_anchor(note, &keys, &name)).transpose()?;

    let mut edge = Edge::default();
    let mut end = 0;
    let mut checkpoints = 1;
    // The first line whose stored hash is another: the checkpoints tell whether line or hash was changed.
    let mut differs = None;
    loop {
        for (head, file) in [(Some(&newest), CHECKPOINT), (anchor.as_ref(), ANCHOR)] {
            if let Some(head) = head.filter(|head| head.size == edge.size()) {
                reached(head, file, None, &edge, end, differs)?;
            }
        }
        let Some(bytes) = log.next()? else { break };
        let number = edge.size();
        let fault = |reason: &str| AuditFault::new(LOG, Some(number), reason);
        end += u64::try_from(bytes.len()).unwrap_or(0);
        let line = bytes.strip_suffix(b"\n").ok_or_else(|| fault("it is not finished"))?;
        Line::parse(line).map_err(fault)?;
        let new = edge.add(line).map_err(|error| fault(&error.to_string()))?;
        // Of a line that a crash left behind the newest checkpoint the hashes may be missing.
        if number < newest.size && !hashes.compare(&new)? {
            differs = differs.or(Some(number));
        }
        if edge.size() % KEPT_EVERY == 0 {
            let number = edge.size() / KEPT_EVERY - 1;
            let fault = |reason: &str| AuditFault::new(CHECKPOINTS, Some(number), reason);
            let line =
                kept.next()?.ok_or_else(|| AuditFault::new(CHECKPOINTS, None, "checkpoints are missing"))?;
            let line = line.strip_suffix(b"\n").ok_or_else(|| fault("it is not finished"))?;
            let note: String = serde_json::from_slice(line).map_err(|_| fault("it is no JSON string"))?;
            let (own, head) = keys.open(&note).map_err(fault)?;
            if own != name || head.size != edge.size() {
                return Err(fault("it is not the one that belongs here").into());
            }
            reached(&head, CHECKPOINTS, Some(number), &edge, end, differs)?;
            checkpoints += 1;
        }
    }
    if newest.size != edge.size() {
        let reason = format!("it covers {} lines, the log has {}", newest.size, edge.size());
        return Err(AuditFault::new(CHECKPOINT, None, reason).into());
    }
    if let Some(line) = differs {
        let reason = format!("a hash is not that of line {}, which the checkpoints have as it is", line + 1);
        return Err(AuditFault::new(HASHES, None, reason).into());
    }
    hashes.end("it has more hashes than the log has lines for")?;
    kept.end("it has more checkpoints than the log has lines for")?;
    if let Some(anchor) = anchor.filter(|anchor| anchor.size > edge.size()) {
        let reason = format!(
            "it covers {} lines, the log has {}: its end was cut off, or an older copy was put in its place",
            anchor.size,
            edge.size()
        );
        return Err(AuditFault::new(ANCHOR, None, reason).into());
    }
    let root = newest.root.0.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    Ok(AuditReport { lines: edge.size(), checkpoints, root, keys: keys.len() })
}

/// Makes sure that the lines so far are those that a checkpoint signed.
fn reached(
    head: &Head,
    file: &'static str,
    number: Option<u64>,
    edge: &Edge,
    end: u64,
    differs: Option<u64>,
) -> Result<(), AuditFault> {
    let fault = |reason: &str| AuditFault::new(file, number, reason);
    let root = edge.root().map_err(|error| fault(&error.to_string()))?;
    if root == head.root && end == head.log_bytes {
        return Ok(());
    }
    Err(match differs {
        Some(line) => AuditFault::new(LOG, Some(line), "it is not the line that was written"),
        None if file == ANCHOR => {
            fault("the log's lines are not those that it signed: the log was written anew")
        }
        None => fault("the log's lines are not those that it signed"),
    })
}

/// Returns the newest checkpoint, to be kept outside as an anchor.
///
/// # Errors
/// Fails where the log has none that is valid.
pub fn checkpoint(directory: &Path) -> Result<String, AuditError> {
    let _quiet = Quiet::wait(directory);
    Ok(Newest::read(directory, &Keys::read(directory)?)?.note)
}

/// Opens a checkpoint that was kept outside, which must be of this log.
pub(crate) fn open_anchor(note: &str, keys: &Keys, name: &str) -> Result<Head, AuditFault> {
    let fault = |reason: &str| AuditFault::new(ANCHOR, None, reason);
    let (own, head) = keys.open(note).map_err(fault)?;
    (own == name).then_some(head).ok_or_else(|| fault("it is of another store"))
}

/// The newest checkpoint.
pub(crate) struct Newest {
    pub(crate) head: Head,
    pub(crate) note: String,
    /// The name of the log.
    pub(crate) name: String,
}

impl Newest {
    /// Reads it while nobody writes.
    pub(crate) fn read(directory: &Path, keys: &Keys) -> Result<Self, AuditError> {
        let fault = |reason| AuditFault::new(CHECKPOINT, None, reason);
        let slots = read_slots(&read_file(directory, CHECKPOINT)?, keys, None);
        match slots {
            Slots { fault: Some(reason), .. } => Err(fault(reason).into()),
            Slots { newest: None, .. } => Err(fault("there is no checkpoint").into()),
            Slots { newest: Some((head, note, _)), .. } => {
                let (name, _) = keys.open(&note).map_err(fault)?;
                Ok(Self { head, note, name })
            }
        }
    }
}

/// A file that is read to the length that it has now.
struct Lines {
    reader: BufReader<Take<File>>,
    directory: std::path::PathBuf,
    name: &'static str,
    longest: u64,
    line: Vec<u8>,
}

impl Lines {
    fn open(directory: &Path, name: &'static str, longest: u64) -> Result<Self, AuditError> {
        let path = directory.join(name);
        let opened = File::open(&path).and_then(|file| {
            let length = file.metadata()?.len();
            Ok(BufReader::with_capacity(128 * 1024, file.take(length)))
        });
        let reader = opened.map_err(|source| AuditError::Io { path, source })?;
        Ok(Self { reader, directory: directory.to_owned(), name, longest, line: Vec::new() })
    }

    fn failed(&self, source: std::io::Error) -> AuditError {
        AuditError::Io { path: self.directory.join(self.name), source }
    }

    /// Returns the next line with its line break, if it has one.
    fn next(&mut self) -> Result<Option<&[u8]>, AuditError> {
        self.line.clear();
        match self.reader.by_ref().take(self.longest).read_until(b'\n', &mut self.line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(&self.line)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Tells whether what comes next is these hashes.
    fn compare(&mut self, hashes: &[Hash]) -> Result<bool, AuditError> {
        let mut same = true;
        for hash in hashes {
            let mut stored = [0; HASH_SIZE];
            match self.reader.read_exact(&mut stored) {
                Ok(()) => same &= stored == hash.0,
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return Err(self.fault("it has fewer hashes than the log has lines for").into());
                }
                Err(error) => return Err(self.failed(error)),
            }
        }
        Ok(same)
    }

    /// Makes sure that nothing more comes.
    fn end(&mut self, otherwise: &str) -> Result<(), AuditError> {
        let ended = self.reader.fill_buf().map(<[u8]>::is_empty);
        match ended {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.fault(otherwise).into()),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn fault(&self, reason: &str) -> AuditFault {
        AuditFault::new(self.name, None, reason)
    }
}
