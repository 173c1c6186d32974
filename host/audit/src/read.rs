//! Reading the log: with the store's private envelope key, line by line.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use ostler_core::StoreId;
use ostler_sealing::{EnvelopePrivateKey, RecordKey};

use crate::error::{AuditError, AuditFault};
use crate::event::{AuditRecord, Sealed};
use crate::files::{LOG, Quiet};
use crate::line::{self, BatchId, LONGEST, Line};

/// Returns the events of the log from a line's number on.
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
    from: u64,
) -> Result<impl Iterator<Item = Result<AuditRecord, AuditError>> + use<'a>, AuditError> {
    let path = directory.join(LOG);
    let failed = |source| AuditError::Io { path: path.clone(), source };
    // A line that is being written while this reads is not read: the length is taken while nobody writes.
    let quiet = Quiet::wait(directory);
    let file = File::open(&path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    drop(quiet);
    let mut reader = BufReader::new(file.take(length));
    let mut batches: HashMap<BatchId, RecordKey> = HashMap::new();
    let mut sequence = 0;
    Ok(std::iter::from_fn(move || {
        loop {
            let mut bytes = Vec::new();
            let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX);
            match reader.by_ref().take(longest).read_until(b'\n', &mut bytes) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(source) => return Some(Err(AuditError::Io { path: path.clone(), source })),
            }
            let at = sequence;
            sequence += 1;
            match record(&bytes, at, store, private, &mut batches) {
                Ok(Some(record)) if at >= from => return Some(Ok(record)),
                Ok(_) => {}
                Err(reason) => return Some(Err(AuditFault::new(LOG, Some(at), reason).into())),
            }
        }
    }))
}

/// Opens a line. A line that opens a batch gives no record.
fn record(
    bytes: &[u8],
    sequence: u64,
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
        Line::Event { batch, sealed } => {
            let key = batches.get(&batch).ok_or("its batch was never opened")?;
            let json = line::open(store, &batch, sequence, &sealed, key).ok_or("it can't be opened")?;
            let Sealed { time, machine, process, event, .. } =
                serde_json::from_slice(json.expose()).map_err(|_| "its event has an unknown shape")?;
            Ok(Some(AuditRecord { sequence, time, machine, process, event }))
        }
    }
}
