//! A door for the oracles of `tests/oracles`: opens segments, seals plaintexts as segments, and reads and writes what is in those of a
//! desktop, which nobody without the recording's key can bring about.
//!
//! Never used by a program.

use ostler_core::RecordingId;
use ostler_sealing::EnvelopePrivateKey;

use crate::desktop::{DesktopParser, write};
use crate::{Damage, RecordedEvent, chain::Chain, header};

/// Returns the plaintexts of sealed segments, which follow the header file.
///
/// # Errors
/// [`Damage`] where the header or a segment does not open.
pub fn open_segments(
    header: &[u8],
    id: RecordingId,
    key: &EnvelopePrivateKey,
    segments: &[&[u8]],
) -> Result<Vec<Vec<u8>>, Damage> {
    let mut chain = start(header, id, key)?;
    segments.iter().map(|sealed| Ok(chain.open(sealed)?)).collect()
}

/// Seals plaintexts as the segments that follow the header file.
///
/// # Errors
/// [`Damage`] where the header does not open or nothing can be sealed.
pub fn seal_segments(
    header: &[u8],
    id: RecordingId,
    key: &EnvelopePrivateKey,
    plaintexts: &[&[u8]],
) -> Result<Vec<Vec<u8>>, Damage> {
    let mut chain = start(header, id, key)?;
    plaintexts.iter().map(|plaintext| chain.seal(plaintext).map_err(|_| Damage::Form)).collect()
}

/// Reads the records of a desktop as they stand in a segment; none where they have another form.
#[must_use]
pub fn read_desktop(records: &[u8]) -> Option<Vec<RecordedEvent>> {
    DesktopParser::default().segment(records)
}

/// Writes them.
#[must_use]
pub fn write_desktop(events: &[RecordedEvent]) -> Vec<u8> {
    let mut records = Vec::new();
    for event in events {
        write(event.at, &event.kind, &mut records);
    }
    records
}

fn start(header: &[u8], id: RecordingId, key: &EnvelopePrivateKey) -> Result<Chain, Damage> {
    let (_, key) = header::open(header, id, key)?;
    Ok(Chain::start(id, &key, header))
}
