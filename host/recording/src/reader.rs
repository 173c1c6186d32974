//! Reads segments one after the other, and the events in them.
//!
//! Holds one segment in memory at a time, whatever the files say. Never skips a segment: the first one that is missing or
//! does not open ends the reading with an error that names it.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
};

use ostler_core::RecordingId;
use ostler_sealing::EnvelopePrivateKey;

use crate::{
    Damage, RecordedEvent, RecordedEventKind, RecordedSurface, RecordingError, RecordingInfo,
    chain::Chain,
    compression::Decompressor,
    desktop::DesktopParser,
    header::{self, Header},
    layout::{self, HEADER, segment_name},
    parse::CastParser,
    segment::SegmentHead,
};

/// Reads the segments of a recording in order.
pub(crate) struct SegmentReader {
    folder: PathBuf,
    chain: Chain,
    segments: u64,
    surface: RecordedSurface,
    decompressor: Decompressor,
    end: SegmentHead,
}

impl SegmentReader {
    pub(crate) fn open(
        folder: &Path,
        id: RecordingId,
        key: &EnvelopePrivateKey,
    ) -> Result<(Self, RecordingInfo), RecordingError> {
        let contents = layout::contents(folder)?;
        let Header { info, key, file } = header::read(folder, id, key)?;
        let reader = Self {
            folder: folder.to_owned(),
            chain: Chain::start(id, &key, &file),
            segments: contents.segments,
            surface: info.surface,
            decompressor: Decompressor::new(info.surface).map_err(RecordingError::Compression)?,
            end: SegmentHead {
                starts_frame: false,
                last: false,
                end: std::time::Duration::ZERO,
                pending: Vec::new(),
            },
        };
        Ok((reader, info))
    }

    /// Returns the number of the next segment, and the hash over what was read.
    pub(crate) fn position(&self) -> (u64, [u8; 32]) {
        (self.chain.segments(), self.chain.root())
    }

    /// Returns the head of the segment that was read last.
    pub(crate) fn head(&self) -> &SegmentHead {
        &self.end
    }

    /// Returns the text of the next segment, with its file's name.
    pub(crate) fn next(&mut self) -> Result<Option<(String, Vec<u8>)>, RecordingError> {
        let sequence = self.chain.segments();
        if sequence >= self.segments {
            return Ok(None);
        }
        let name = segment_name(sequence);
        let sealed = layout::read(&self.folder, &name, self.surface.most_file_bytes())?;
        match self.decode(&sealed) {
            Ok(text) => Ok(Some((name, text))),
            Err(damage) => Err(RecordingError::damaged(name, damage)),
        }
    }

    /// Goes past the next segment without decompressing it, and tells whether reading can begin there and when it ended; none at the end.
    pub(crate) fn skip(&mut self) -> Result<Option<(bool, std::time::Duration)>, RecordingError> {
        let sequence = self.chain.segments();
        if sequence >= self.segments {
            return Ok(None);
        }
        let name = segment_name(sequence);
        let sealed = layout::read(&self.folder, &name, self.surface.most_file_bytes())?;
        match self.head_of(&sealed) {
            Ok(_) => Ok(Some((self.end.starts_frame, self.end.end))),
            Err(damage) => Err(RecordingError::damaged(name, damage)),
        }
    }

    fn decode(&mut self, sealed: &[u8]) -> Result<Vec<u8>, Damage> {
        let compressed = self.head_of(sealed)?;
        if self.end.starts_frame {
            self.decompressor.start_frame().map_err(|_| Damage::Compression)?;
        }
        self.decompressor.segment(&compressed).ok_or(Damage::Compression)
    }

    /// Opens a segment, takes its head in, and returns the rest.
    fn head_of(&mut self, sealed: &[u8]) -> Result<Vec<u8>, Damage> {
        if self.end.last {
            return Err(Damage::AfterLast);
        }
        let first = self.chain.segments() == 0;
        let plaintext = self.chain.open(sealed)?;
        let (head, compressed) = SegmentHead::split(&plaintext).ok_or(Damage::Form)?;
        if (first && !head.starts_frame) || head.end < self.end.end || (head.last && !head.pending.is_empty())
        {
            return Err(Damage::Form);
        }
        let compressed = compressed.to_vec();
        self.end = head;
        Ok(compressed)
    }
}

/// Opens only the last segment of a recording, for what a list shows.
///
/// Returns none if there is no segment yet.
pub(crate) fn last_head(
    folder: &Path,
    header: &Header,
    segments: u64,
) -> Result<Option<SegmentHead>, RecordingError> {
    let Some(last) = segments.checked_sub(1) else { return Ok(None) };
    let name = segment_name(last);
    let (previous, limit) = match last.checked_sub(1) {
        Some(previous) => (segment_name(previous), header.info.surface.most_file_bytes()),
        None => (HEADER.to_owned(), layout::MAX_HEADER_FILE_BYTES),
    };
    let previous = layout::read(folder, &previous, limit)?;
    let sealed = layout::read(folder, &name, header.info.surface.most_file_bytes())?;
    let opened = Chain::jump(header.info.id, &header.key, last, &previous).open(&sealed);
    let damaged = |damage| RecordingError::damaged(name, damage);
    let plaintext = match opened {
        Ok(plaintext) => plaintext,
        Err(error) => return Err(damaged(Damage::Sealed(error))),
    };
    match SegmentHead::split(&plaintext) {
        Some((head, _)) => Ok(Some(head)),
        None => Err(damaged(Damage::Form)),
    }
}

/// What reads the events in segments.
enum Parser {
    Cast(CastParser),
    Desktop(DesktopParser),
}

/// The events of a recording, in order. After an error there are none.
pub struct RecordedEvents {
    segments: SegmentReader,
    parser: Parser,
    events: VecDeque<RecordedEvent>,
    ended: bool,
}

impl RecordedEvents {
    pub(crate) fn new(segments: SegmentReader) -> Self {
        let parser = match segments.surface {
            RecordedSurface::Terminal => Parser::Cast(CastParser::default()),
            RecordedSurface::Desktop => Parser::Desktop(DesktopParser::default()),
        };
        Self { segments, parser, events: VecDeque::new(), ended: false }
    }

    pub(crate) fn segments(&self) -> &SegmentReader {
        &self.segments
    }

    /// Reads a segment, or what comes after the last one.
    fn read(&mut self) -> Result<(), RecordingError> {
        let first = self.segments.position().0 == 0;
        let Some((name, text)) = self.segments.next()? else {
            self.ended = true;
            if let Parser::Cast(parser) = &mut self.parser {
                self.events.extend(parser.finish());
            }
            // An incomplete recording may have ended within a character.
            let head = self.segments.head();
            self.events.extend((!head.pending.is_empty()).then(|| RecordedEvent {
                at: head.end,
                kind: RecordedEventKind::Output(head.pending.clone()),
            }));
            return Ok(());
        };
        let parsed = match &mut self.parser {
            Parser::Desktop(parser) => {
                let events = parser.segment(&text).ok_or(Damage::Form);
                events.map(|events| self.events.extend(events))
            }
            Parser::Cast(parser) => {
                let mut lines = text.split_inclusive(|&byte| byte == b'\n');
                let parsed = (|| {
                    if first {
                        parser.header(lines.next().unwrap_or_default())?;
                    }
                    lines.try_for_each(|line| parser.event(line).map(|event| self.events.extend(event)))
                })();
                parsed.map_err(Damage::Cast)
            }
        };
        parsed.map_err(|damage| RecordingError::damaged(name, damage))
    }
}

impl Iterator for RecordedEvents {
    type Item = Result<RecordedEvent, RecordingError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(Ok(event));
            }
            if self.ended {
                return None;
            }
            if let Err(error) = self.read() {
                self.ended = true;
                self.events.clear();
                return Some(Err(error));
            }
        }
    }
}

impl std::fmt::Debug for RecordedEvents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordedEvents")
            .field("position", &self.segments.position().0)
            .finish_non_exhaustive()
    }
}
