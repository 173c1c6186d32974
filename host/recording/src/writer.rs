//! Writes segments: gathers lines, and closes a segment when it is full, or old, or the last.
//!
//! Knows no clock and no thread; the [`Recorder`](crate::Recorder) tells it the time of everything. Never goes on
//! after a failure.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use ostler_core::RecordingId;
use ostler_sealing::EnvelopePublicKey;
use rustix::fs::{FlockOperation, flock};

use crate::{
    CastHeader, RecordedEventKind, RecordingError, RecordingInfo,
    cast::CastEncoder,
    chain::Chain,
    compression::Compressor,
    header,
    layout::{self, SEGMENT_TEXT_BYTES},
    recorder::RecordingRoot,
    segment::SegmentHead,
};

/// How long a compression frame goes on before reading can start anew.
const FRAME_SPAN: Duration = Duration::from_mins(1);

/// The one writer of a recording.
pub(crate) struct SegmentWriter {
    recordings: PathBuf,
    id: RecordingId,
    _lock: HeaderLock,
    chain: Chain,
    compressor: Compressor,
    encoder: CastEncoder,
    text: Vec<u8>,
    /// When the first event of the segment came that is gathered now.
    opened: Option<Duration>,
    frame_started: Option<Duration>,
    end: Duration,
}

impl SegmentWriter {
    /// Makes the recording's folder and its header, durably, and takes away what crashes left of others.
    pub(crate) fn create(
        recordings: &Path,
        info: &RecordingInfo,
        key: &EnvelopePublicKey,
    ) -> Result<Self, RecordingError> {
        layout::sweep(recordings);
        let (header_file, first_key) = header::make(info, key)?;
        let header = layout::make_folder(recordings, info.id, &header_file)?;
        Ok(Self {
            recordings: recordings.to_owned(),
            id: info.id,
            _lock: HeaderLock(header),
            chain: Chain::start(info.id, &first_key, &header_file),
            compressor: Compressor::new().map_err(RecordingError::Compression)?,
            encoder: CastEncoder::default(),
            text: CastHeader::from(info).line(),
            opened: None,
            frame_started: None,
            end: Duration::ZERO,
        })
    }

    /// Takes an event; writes the segment if it is full.
    pub(crate) fn event(&mut self, at: Duration, kind: &RecordedEventKind) -> Result<(), RecordingError> {
        self.opened.get_or_insert(at);
        self.end = self.end.max(at);
        self.encoder.event(at, kind, &mut self.text);
        if self.text.len() >= SEGMENT_TEXT_BYTES { self.close(false) } else { Ok(()) }
    }

    /// Returns when the first event came that is not on the disk yet.
    pub(crate) fn unwritten_since(&self) -> Option<Duration> {
        self.opened
    }

    /// Writes what is gathered, if there is anything.
    pub(crate) fn flush(&mut self) -> Result<(), RecordingError> {
        if self.opened.is_some() { self.close(false) } else { Ok(()) }
    }

    /// Writes the last segment.
    pub(crate) fn finish(mut self, at: Duration, exit: Option<u32>) -> Result<RecordingRoot, RecordingError> {
        self.end = self.end.max(at);
        self.encoder.event(at, &RecordedEventKind::Exit(exit), &mut self.text);
        self.close(true)?;
        Ok(RecordingRoot { segments: self.chain.segments(), root: self.chain.root() })
    }

    fn close(&mut self, last: bool) -> Result<(), RecordingError> {
        let opened = self.opened.take().unwrap_or(self.end);
        let starts_frame = self.frame_started.is_none_or(|started| opened >= started + FRAME_SPAN);
        if starts_frame {
            self.frame_started = Some(opened);
            self.compressor.start_frame().map_err(RecordingError::Compression)?;
        }
        let compressed = self.compressor.segment(&self.text).map_err(RecordingError::Compression)?;
        self.text.clear();
        let pending = self.encoder.pending().to_vec();
        let plaintext = SegmentHead { starts_frame, last, end: self.end, pending }.with_text(&compressed);
        let sequence = self.chain.segments();
        let sealed = self.chain.seal(&plaintext)?;
        layout::write_segment(&self.recordings, self.id, sequence, &sealed)
    }
}

/// Held on the header as long as the recording is being written: it tells others that it is.
struct HeaderLock(File);

impl Drop for HeaderLock {
    fn drop(&mut self) {
        // Closing the file is not enough while a process that is being started has a copy of it.
        if let Err(error) = flock(&self.0, FlockOperation::Unlock) {
            tracing::debug!(%error, "a recording's lock is released only when its file is closed");
        }
    }
}
