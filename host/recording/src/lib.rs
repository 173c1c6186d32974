//! Recordings of sessions: written while they run, sealed piece by piece, read, verified and exported afterwards.
//!
//! A recording is a folder: `header` (a public line, then the sealed [`RecordingInfo`]) and `seg-00000000`,
//! `seg-00000001`, ... Each segment holds at most 2 seconds or 256 KiB of events (of a desktop 4 MiB), is sealed under a key of its own and
//! bound to the segment before it, and is on the disk before the next one begins. So a crash loses at most 2
//! seconds, and a recording without a segment that says 'last' is incomplete, whatever else happened. Inside is
//! asciicast v3 (docs.asciinema.org/manual/asciicast/v3), compressed, with an extension for bytes that are no text; of a desktop,
//! the tiles that changed (`desktop.rs`).
//!
//! Never reads back with what it writes with: the writer knows only a public key, and forgets the key of each
//! segment once that is sealed. Never shows a name, a host or a byte of the session in the clear. Never decides whether a
//! session is recorded; that is policy's.
#![warn(missing_docs)]

mod cast;
mod chain;
mod compression;
mod desktop;
mod error;
mod event;
mod export;
#[doc(hidden)]
pub mod fuzzing;
mod header;
mod layout;
mod parse;
mod reader;
mod recorder;
mod recordings;
mod replay;
mod segment;
mod text;
mod writer;

pub use cast::{CastHeader, write_asciicast};
pub use desktop::DesktopRecord;
pub use error::{Damage, RecordingError};
pub use event::{RecordedEvent, RecordedEventKind, RecordedSurface, RecordingInfo};
pub use parse::{CastError, CastEvents, MAX_LINE_BYTES, parse_asciicast};
pub use reader::RecordedEvents;
pub use recorder::{MAX_MARKER_BYTES, Recorder, RecordingRoot};
pub use recordings::{RecordingState, RecordingSummary, Recordings, VerifiedRecording};
pub use replay::Replay;
