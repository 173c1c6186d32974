//! The recordings of a store: list, read, verify, export, delete.
//!
//! Reading needs the store's private key, so a locked store shows none of them. Never changes a recording; deleting
//! one destroys its wrapped key first.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use ostler_core::RecordingId;
use ostler_sealing::EnvelopePrivateKey;

use crate::{
    RecordedEvents, RecordedSurface, RecordingError, RecordingInfo, Replay, export, header,
    layout::{self, folder_id, is_active},
    reader::{self, SegmentReader},
};

/// Whether a recording is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordingState {
    /// It was finished.
    Complete,
    /// It was never finished: the recorder was killed, or is still at work.
    Incomplete,
    /// It is not what was written, for this reason.
    Damaged(String),
}

/// A recording in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordingSummary {
    /// The recording.
    pub id: RecordingId,
    /// What it is of; none if its header is damaged.
    pub info: Option<RecordingInfo>,
    /// Whether it is whole, as far as its header and its last segment tell.
    pub state: RecordingState,
    /// Whether some process is writing it.
    pub active: bool,
    /// The time from the start to the last event; zero if it is damaged.
    pub duration: Duration,
    /// The sizes of all its files.
    pub bytes_on_disk: u64,
    /// The number of its segments.
    pub segments: u64,
}

/// What verifying a recording found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRecording {
    /// Complete or incomplete; a damaged one is an error instead.
    pub state: RecordingState,
    /// The number of segments, all of which opened.
    pub segments: u64,
    /// The SHA-256 chain over the header and all segments, to be compared with what `finish` returned.
    pub root: [u8; 32],
    /// The number of events.
    pub events: u64,
}

/// The folder of recordings.
#[derive(Debug, Clone)]
pub struct Recordings {
    folder: PathBuf,
}

impl Recordings {
    /// Takes the folder; a missing one holds no recordings.
    #[must_use]
    pub fn open(recordings_dir: &Path) -> Self {
        Self { folder: recordings_dir.to_owned() }
    }

    /// Lists all recordings, the oldest first, damaged ones with the reason.
    ///
    /// Opens of each only the header and the last segment: [`Recordings::verify`] reads all. What crashes left
    /// unfinished is taken away on the way.
    ///
    /// # Errors
    /// Fails if the folder can't be read.
    pub fn list(&self, key: &EnvelopePrivateKey) -> Result<Vec<RecordingSummary>, RecordingError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(RecordingError::Io { path: self.folder.clone(), source: error }),
        };
        layout::sweep(&self.folder);
        let mut summaries = Vec::new();
        for entry in entries {
            let entry = entry.map_err(RecordingError::io(&self.folder))?;
            // Whatever else lies in the folder is no recording.
            if let Some(id) = entry.file_name().to_str().and_then(folder_id) {
                summaries.push(summarize(&entry.path(), id, key));
            }
        }
        summaries.sort_by_key(|summary| (summary.info.as_ref().map(|info| info.started), summary.id));
        Ok(summaries)
    }

    /// Returns what a recording is of.
    ///
    /// # Errors
    /// [`RecordingError::Unknown`], or [`RecordingError::Damaged`] if the header is.
    pub fn info(&self, id: RecordingId, key: &EnvelopePrivateKey) -> Result<RecordingInfo, RecordingError> {
        Ok(header::read(&self.existing(id)?, id, key)?.info)
    }

    /// Reads the events of a recording, segment by segment.
    ///
    /// # Errors
    /// [`RecordingError::Unknown`], or [`RecordingError::Damaged`] if the header is; damage in a segment comes as an
    /// item once everything before it was given out.
    pub fn events(
        &self,
        id: RecordingId,
        key: &EnvelopePrivateKey,
    ) -> Result<RecordedEvents, RecordingError> {
        SegmentReader::open(&self.existing(id)?, id, key).map(|(segments, _)| RecordedEvents::new(segments))
    }

    /// Returns what a desktop showed at a time of its recording, or at its end where that is earlier. Reads from the last place before
    /// it where reading can begin.
    ///
    /// # Errors
    /// As [`Recordings::events`]; [`RecordingError::NoDesktop`] where it shows none.
    pub fn desktop_at(
        &self,
        id: RecordingId,
        key: &EnvelopePrivateKey,
        at: Duration,
    ) -> Result<Replay, RecordingError> {
        let folder = self.existing(id)?;
        let (mut segments, info) = SegmentReader::open(&folder, id, key)?;
        if info.surface != RecordedSurface::Desktop {
            return Err(RecordingError::NoDesktop(id));
        }
        let (mut begin, mut number, mut ended) = (0, 0_u64, Duration::ZERO);
        while let Some((starts, end)) = segments.skip()? {
            if starts && ended <= at {
                begin = number;
            }
            (number, ended) = (number + 1, end);
            if ended > at {
                break;
            }
        }
        let (mut segments, _) = SegmentReader::open(&folder, id, key)?;
        for _ in 0..begin {
            segments.skip()?;
        }
        let mut replay = Replay::default();
        for event in RecordedEvents::new(segments) {
            let event = event?;
            if event.at > at {
                break;
            }
            replay.take(&event);
        }
        Ok(replay)
    }

    /// Reads all of a recording and tells whether it is what was written.
    ///
    /// # Errors
    /// [`RecordingError::Damaged`] names the first file that is not.
    pub fn verify(
        &self,
        id: RecordingId,
        key: &EnvelopePrivateKey,
    ) -> Result<VerifiedRecording, RecordingError> {
        let mut events = self.events(id, key)?;
        let count = events.by_ref().try_fold(0, |count, event| event.map(|_| count + 1))?;
        let (segments, root) = events.segments().position();
        Ok(VerifiedRecording { state: state(events.segments().head().last), segments, root, events: count })
    }

    /// Writes a recording as asciicast v3 that keeps every byte (see [`crate::write_asciicast`]).
    ///
    /// # Errors
    /// [`RecordingError::Damaged`] names the first damaged file; what was written before is all that can be read.
    /// [`RecordingError::NoTerminal`] where it shows a desktop.
    pub fn export_asciicast(
        &self,
        id: RecordingId,
        key: &EnvelopePrivateKey,
        out: &mut dyn Write,
    ) -> Result<(), RecordingError> {
        let (segments, info) = SegmentReader::open(&self.existing(id)?, id, key)?;
        if info.surface != RecordedSurface::Terminal {
            return Err(RecordingError::NoTerminal(id));
        }
        export::asciicast(&info, RecordedEvents::new(segments), out)
    }

    /// Deletes a recording for good: without its header no key opens it.
    ///
    /// # Errors
    /// [`RecordingError::InUse`] while it is being written.
    pub fn delete(&self, id: RecordingId) -> Result<(), RecordingError> {
        let folder = self.existing(id)?;
        if is_active(&folder) {
            return Err(RecordingError::InUse(id));
        }
        layout::remove_folder(&self.folder, id).map_err(RecordingError::io(&folder))
    }

    fn existing(&self, id: RecordingId) -> Result<PathBuf, RecordingError> {
        let folder = self.folder.join(id.to_string());
        if folder.is_dir() { Ok(folder) } else { Err(RecordingError::Unknown(id)) }
    }
}

fn summarize(folder: &Path, id: RecordingId, key: &EnvelopePrivateKey) -> RecordingSummary {
    let mut summary = RecordingSummary {
        id,
        info: None,
        state: RecordingState::Incomplete,
        active: is_active(folder),
        duration: Duration::ZERO,
        bytes_on_disk: 0,
        segments: 0,
    };
    if let Err(error) = fill(&mut summary, folder, key) {
        summary.state = RecordingState::Damaged(error.to_string());
    }
    summary
}

fn fill(
    summary: &mut RecordingSummary,
    folder: &Path,
    key: &EnvelopePrivateKey,
) -> Result<(), RecordingError> {
    // The header first: a list can show whose recording it is that lacks a segment.
    let header = header::read(folder, summary.id, key)?;
    summary.info = Some(header.info.clone());
    let contents = layout::contents(folder)?;
    summary.segments = contents.segments;
    summary.bytes_on_disk = contents.bytes;
    if let Some(head) = reader::last_head(folder, &header, contents.segments)? {
        summary.duration = head.end;
        summary.state = state(head.last);
    }
    Ok(())
}

fn state(last: bool) -> RecordingState {
    if last { RecordingState::Complete } else { RecordingState::Incomplete }
}
