//! A door for the oracles of `tests/oracles`: seals any bytes as events, which nobody without a batch key can bring about.
//!
//! Never used by a program.

use ostler_core::StoreId;
use ostler_sealing::{EnvelopePublicKey, SealingError};

use crate::line::Batch;

/// Returns a log file: a line that opens a batch, and a line for each event.
///
/// # Errors
/// Fails where nothing can be sealed.
pub fn log_of(
    store: StoreId,
    envelope: &EnvelopePublicKey,
    events: &[&[u8]],
) -> Result<String, SealingError> {
    let batch = Batch::new(store, envelope)?;
    let mut log = batch.line().to_owned();
    for (sequence, event) in (1..).zip(events) {
        log.push_str(&batch.seal(store, sequence, event)?);
    }
    Ok(log)
}
