//! Export: a recording as one asciicast v3 file, which any player plays and which keeps every byte.
//!
//! Never exports a part of a damaged recording as if it were all: the first damage ends the export with its error.

use std::io::{BufWriter, Write};

use crate::{CastHeader, RecordedEvents, RecordingError, RecordingInfo, cast::CastEncoder};

/// Writes the events as asciicast v3.
pub(crate) fn asciicast(
    info: &RecordingInfo,
    events: RecordedEvents,
    out: &mut dyn Write,
) -> Result<(), RecordingError> {
    let mut out = BufWriter::new(out);
    let mut encoder = CastEncoder::as_read();
    let mut lines = CastHeader::from(info).line();
    out.write_all(&lines).map_err(RecordingError::Export)?;
    for event in events {
        let event = event?;
        lines.clear();
        encoder.event(event.at, &event.kind, &mut lines);
        out.write_all(&lines).map_err(RecordingError::Export)?;
    }
    out.flush().map_err(RecordingError::Export)
}
