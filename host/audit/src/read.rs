//! Reading the log: with the store's private envelope key, line by line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ostler_core::StoreId;
use ostler_sealing::{EnvelopePrivateKey, RecordKey};

use crate::error::{AuditError, AuditFault};
use crate::event::{AuditRecord, Sealed};
use crate::files::{CHECKPOINTS, LOG, Quiet};
use crate::line::{self, BatchId, LONGEST, Line};
use crate::log::{KEPT_EVERY, MOST_TAIL, REOPENED_EVERY};
use crate::note::Keys;
use crate::verify::{LONGEST_NOTE, Newest};

/// Where to begin to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFrom {
    /// At the line of this number.
    Line(u64),
    /// So many lines before the end.
    Last(u64),
}

/// Returns the events of the log from a place on. The cost is that of what is returned, not that of the whole log.
///
/// Each is opened and thereby proved to be what was written at its place; that none is missing is for
/// [`verify`](crate::verify) to say.
///
/// # Errors
/// Fails where the log can't be read; items fail where a line can't be opened.
pub fn read<'a>(
    directory: &Path,
    store: StoreId,
    private: &'a EnvelopePrivateKey,
    from: ReadFrom,
) -> Result<impl Iterator<Item = Result<AuditRecord, AuditError>> + use<'a>, AuditError> {
    let path = directory.join(LOG);
    let failed = |source| AuditError::Io { path: path.clone(), source };
    // A line that is being written while this reads is not read: the length is taken while nobody writes.
    let quiet = Quiet::wait(directory);
    let mut file = File::open(&path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let first = match from {
        ReadFrom::Line(line) => line,
        ReadFrom::Last(u64::MAX) => 0,
        ReadFrom::Last(last) => lines(directory, &file, length)?.saturating_sub(last),
    };
    // The line that opens a batch may stand some lines before.
    let (mut sequence, at) = near(directory, first.saturating_sub(REOPENED_EVERY))?;
    drop(quiet);
    let at = at.min(length);
    file.seek(SeekFrom::Start(at)).map_err(failed)?;
    let mut reader = BufReader::new(file.take(length - at));
    let mut batches: HashMap<BatchId, RecordKey> = HashMap::new();
    Ok(std::iter::from_fn(move || {
        loop {
            let mut bytes = Vec::new();
            let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX);
            match reader.by_ref().take(longest).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => return Some(Err(AuditError::Io { path: path.clone(), source })),
            }
            let number = sequence;
            sequence += 1;
            match record(&bytes, number, first, store, private, &mut batches) {
                Ok(Some(record)) => return Some(Ok(record)),
                Ok(None) => {}
                Err(reason) => return Some(Err(AuditFault::new(LOG, Some(number), reason).into())),
            }
        }
    }))
}

/// Returns how many lines the log has: those of its newest checkpoint, and what stands behind it.
fn lines(directory: &Path, log: &File, length: u64) -> Result<u64, AuditError> {
    let newest = Newest::read(directory, &Keys::read(directory)?)?.head;
    let behind = length.checked_sub(newest.log_bytes).ok_or_else(|| {
        let reason = format!("it has {length} bytes, its checkpoint says {}", newest.log_bytes);
        AuditFault::new(LOG, None, reason)
    })?;
    let mut tail = vec![0; usize::try_from(behind).unwrap_or(usize::MAX).min(MOST_TAIL)];
    let read = log.read_exact_at(&mut tail, newest.log_bytes);
    read.map_err(|source| AuditError::Io { path: directory.join(LOG), source })?;
    Ok(newest.size + count(&tail))
}

/// Returns a line not far before the given one, and the byte that it begins at, as a kept checkpoint has them: so the
/// beginning of the log need not be read.
fn near(directory: &Path, line: u64) -> Result<(u64, u64), AuditError> {
    let Some(before) = (line / KEPT_EVERY).checked_sub(1) else { return Ok((0, 0)) };
    let path = directory.join(CHECKPOINTS);
    let failed = |source| AuditError::Io { path: path.clone(), source };
    let mut reader = BufReader::new(File::open(&path).map_err(failed)?);
    for _ in 0..before {
        if reader.skip_until(b'\n').map_err(failed)? == 0 {
            break;
        }
    }
    let mut note = Vec::new();
    reader.take(LONGEST_NOTE).read_until(b'\n', &mut note).map_err(failed)?;
    let fault = |reason: &str| AuditFault::new(CHECKPOINTS, Some(before), reason);
    if note.is_empty() {
        let log = File::open(directory.join(LOG)).map_err(failed)?;
        let length = log.metadata().map_err(failed)?.len();
        // Nothing comes after the end of the log.
        let beyond = lines(directory, &log, length)? < line;
        return beyond.then_some((line, length)).ok_or_else(|| fault("it is missing").into());
    }
    let note: String = serde_json::from_slice(&note).map_err(|_| fault("it is no JSON string"))?;
    let (_, head) = Keys::read(directory)?.open(&note).map_err(fault)?;
    if head.size != (before + 1) * KEPT_EVERY {
        return Err(fault("it is not the one that belongs here").into());
    }
    Ok((head.size, head.log_bytes))
}

/// Returns a line, without its line break.
pub(crate) fn line(directory: &Path, number: u64) -> Result<Vec<u8>, AuditError> {
    let path = directory.join(LOG);
    let failed = |source| AuditError::Io { path: path.clone(), source };
    let (mut at, bytes) = near(directory, number)?;
    let mut file = File::open(&path).map_err(failed)?;
    file.seek(SeekFrom::Start(bytes)).map_err(failed)?;
    let mut reader = BufReader::new(file);
    while at < number {
        reader.skip_until(b'\n').map_err(failed)?;
        at += 1;
    }
    let mut line = Vec::new();
    let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX);
    reader.take(longest).read_until(b'\n', &mut line).map_err(failed)?;
    if line.pop() != Some(b'\n') {
        return Err(AuditFault::new(LOG, Some(number), "it is not finished").into());
    }
    Ok(line)
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.iter().filter(|byte| **byte == b'\n').count()).unwrap_or(u64::MAX)
}

/// Opens a line. A line that opens a batch, and one before the first that is wanted, give no record.
fn record(
    bytes: &[u8],
    sequence: u64,
    first: u64,
    store: StoreId,
    private: &EnvelopePrivateKey,
    batches: &mut HashMap<BatchId, RecordKey>,
) -> Result<Option<AuditRecord>, &'static str> {
    let line = bytes.strip_suffix(b"\n").ok_or("it is not finished")?;
    match Line::parse(line)? {
        Line::Key { batch, wrapped } => {
            let key =
                line::unwrap(store, &batch, &wrapped, private).ok_or("its batch key can't be opened")?;
            batches.insert(batch, key);
            Ok(None)
        }
        Line::Event { .. } if sequence < first => Ok(None),
        Line::Event { batch, sealed } => {
            let key = batches.get(&batch).ok_or("its batch was never opened")?;
            let json = line::open(store, &batch, sequence, &sealed, key).ok_or("it can't be opened")?;
            let Sealed { time, machine, process, event, .. } =
                serde_json::from_slice(json.expose()).map_err(|_| "its event has an unknown shape")?;
            Ok(Some(AuditRecord { sequence, time, machine, process, event }))
        }
    }
}
