//! Writes segments: gathers lines, and closes a segment when it is full, or old, or the last.
//!
//! Knows no clock and no thread; the [`Recorder`](crate::Recorder) tells it the time of everything. Never goes on
//! after a failure.

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use ostler_core::{DesktopEvent, RecordingId};
use ostler_sealing::EnvelopePublicKey;
use rustix::fs::{FlockOperation, flock};

use crate::{
    CastHeader, DesktopRecord, RecordedEventKind, RecordedSurface, RecordingError, RecordingInfo,
    cast::CastEncoder,
    chain::Chain,
    compression::Compressor,
    desktop::{self, DesktopEncoder},
    header, layout,
    recorder::RecordingRoot,
    segment::SegmentHead,
};

/// How long a compression frame goes on before reading can start anew.
const FRAME_SPAN: Duration = Duration::from_mins(1);

/// What turns events into the text of segments.
enum Encoder {
    Cast(CastEncoder),
    Desktop(Box<DesktopEncoder>),
}

/// The one writer of a recording.
pub(crate) struct SegmentWriter {
    recordings: PathBuf,
    id: RecordingId,
    _lock: HeaderLock,
    chain: Chain,
    compressor: Compressor,
    surface: RecordedSurface,
    encoder: Encoder,
    text: Vec<u8>,
    /// When the first event of the segment came that is gathered now.
    opened: Option<Duration>,
    frame_started: Option<Duration>,
    /// Whether reading can begin with the segment that is gathered now.
    starts_frame: bool,
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
        let (encoder, text) = match info.surface {
            RecordedSurface::Terminal => {
                (Encoder::Cast(CastEncoder::default()), CastHeader::from(info).line())
            }
            RecordedSurface::Desktop => (Encoder::Desktop(Box::default()), Vec::new()),
        };
        Ok(Self {
            recordings: recordings.to_owned(),
            id: info.id,
            _lock: HeaderLock(header),
            chain: Chain::start(info.id, &first_key, &header_file),
            compressor: Compressor::new().map_err(RecordingError::Compression)?,
            surface: info.surface,
            encoder,
            text,
            opened: None,
            frame_started: None,
            starts_frame: false,
            end: Duration::ZERO,
        })
    }

    /// Takes an event; writes the segment if it is full.
    pub(crate) fn event(&mut self, at: Duration, kind: &RecordedEventKind) -> Result<(), RecordingError> {
        self.begin(at)?;
        match &mut self.encoder {
            Encoder::Cast(encoder) => encoder.event(at, kind, &mut self.text),
            Encoder::Desktop(encoder) => {
                if let RecordedEventKind::Desktop(DesktopRecord::PointerAt(point)) = kind {
                    encoder.pointer_at(*point);
                }
                desktop::write(at, kind, &mut self.text);
            }
        }
        self.close_if_full()
    }

    /// Takes what a desktop shows; writes segments as they get full.
    pub(crate) fn desktop(&mut self, at: Duration, event: &DesktopEvent) -> Result<(), RecordingError> {
        self.begin(at)?;
        self.encoded(at, |encoder, put| encoder.event(event, put))
    }

    /// Begins a segment, where none is open. Where reading can begin with it, all that a desktop showed until then stands first.
    fn begin(&mut self, at: Duration) -> Result<(), RecordingError> {
        let before = self.end;
        self.end = before.max(at);
        if self.opened.is_some() {
            return Ok(());
        }
        self.opened = Some(at);
        self.starts_frame = self.frame_started.is_none_or(|started| at >= started + FRAME_SPAN);
        if self.starts_frame {
            self.frame_started = Some(at);
            return self.encoded(before, |encoder, put| encoder.key_frame(put));
        }
        Ok(())
    }

    /// Lets the encoder of a desktop put records, and closes segments as they get full.
    fn encoded(
        &mut self,
        at: Duration,
        encode: impl FnOnce(
            &mut DesktopEncoder,
            &mut dyn FnMut(DesktopRecord) -> Result<(), RecordingError>,
        ) -> Result<(), RecordingError>,
    ) -> Result<(), RecordingError> {
        // Taken out while it writes into the very segments that it is asked for.
        let none = Encoder::Cast(CastEncoder::default());
        let Encoder::Desktop(mut encoder) = std::mem::replace(&mut self.encoder, none) else { return Ok(()) };
        let encoded = encode(&mut encoder, &mut |record| {
            self.opened.get_or_insert(at);
            desktop::write(at, &RecordedEventKind::Desktop(record), &mut self.text);
            self.close_if_full()
        });
        self.encoder = Encoder::Desktop(encoder);
        encoded
    }

    fn close_if_full(&mut self) -> Result<(), RecordingError> {
        if self.text.len() >= self.surface.segment_bytes() { self.close(false) } else { Ok(()) }
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
        self.begin(at)?;
        match &mut self.encoder {
            Encoder::Cast(encoder) => encoder.event(at, &RecordedEventKind::Exit(exit), &mut self.text),
            Encoder::Desktop(_) => desktop::write(at, &RecordedEventKind::Exit(exit), &mut self.text),
        }
        self.close(true)?;
        Ok(RecordingRoot { segments: self.chain.segments(), root: self.chain.root() })
    }

    fn close(&mut self, last: bool) -> Result<(), RecordingError> {
        self.opened = None;
        let starts_frame = std::mem::take(&mut self.starts_frame);
        if starts_frame {
            self.compressor.start_frame().map_err(RecordingError::Compression)?;
        }
        let compressed = self.compressor.segment(&self.text).map_err(RecordingError::Compression)?;
        self.text.clear();
        let pending = match &self.encoder {
            Encoder::Cast(encoder) => encoder.pending().to_vec(),
            Encoder::Desktop(_) => Vec::new(),
        };
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
