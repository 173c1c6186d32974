//! Capability `recording.read`: finished recordings of connections within the granted folders, in chunks.
//!
//! The grant must cover the folder in which the connection stood when it was recorded, and the one in which it stands now: by a
//! move no recording comes within reach that was out of it. Opening one is written down before; what was typed never comes here.

use std::sync::Arc;

use ostler_core::{
    ConnectionId, FinishedRecording, Recorded, RecordedMoment, RecordedMoments, RecordingArchive, RecordingId,
};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::calls::Calls;
use super::connections_convert::split;
use super::connections_read::{folder_in_words, id, unavailable};
use super::ostler::types::types::CapabilityError;
use super::store::ostler::recording::read as wit;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;

/// Recordings of a page, as the WIT document says.
const MOST_RECORDINGS: usize = 256;
/// Moments of a chunk, as the WIT document says.
const MOST_MOMENTS: usize = 1000;
/// Bytes after which a chunk is full, as the WIT document says.
const FULL_AT: usize = 256 << 10;

/// The capability of one plugin.
pub(crate) struct RecordingRead {
    gate: Gate,
    port: Arc<dyn RecordingArchive>,
    most_calls: u32,
}

/// What one call reads.
pub(crate) struct Instance {
    own: Arc<RecordingRead>,
    calls: Calls,
    open: Option<Open>,
}

/// The recording that was read last, where the next chunk is likely to be asked of.
struct Open {
    id: RecordingId,
    moments: Box<dyn RecordedMoments>,
    /// The number of the moment that comes next.
    at: u64,
}

impl HostCapability for RecordingRead {
    const CAPABILITY: Capability = Capability::RecordingRead;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.recording_read)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            port: Arc::clone(&setup.ports.recordings),
            most_calls: setup.limits.store_calls,
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), calls: Calls::at_most(self.most_calls), open: None }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn list_recordings(
        &mut self,
        filter: wit::Filter,
        after: Option<String>,
    ) -> Result<wit::Page, CapabilityError> {
        self.begin()?;
        let after: Option<RecordingId> = after.map(|after| id(&after)).transpose()?;
        let connection: Option<ConnectionId> = filter.connection.map(|wanted| id(&wanted)).transpose()?;
        let under = split(&filter.under);
        if !under.is_empty() {
            self.own.gate.within(&folder_in_words(&under), |scope| scope.covers_folder(&under))?;
        }
        let all = self.own.port.list().map_err(|error| unavailable(&error))?;
        let begin = match after {
            None => 0,
            // One that is gone meanwhile has nothing behind it.
            Some(after) => all.iter().position(|found| found.id == after).map_or(all.len(), |at| at + 1),
        };
        let wanted = |found: &&FinishedRecording| {
            connection.is_none_or(|connection| found.connection == connection)
                && folder_of(&found.path).starts_with(&under)
                && filter.since_micros.is_none_or(|since| found.started.0 >= since)
                && filter.until_micros.is_none_or(|until| found.started.0 < until)
                && paths(found).all(|path| self.own.covers(path))
        };
        let mut fitting = all.iter().skip(begin).filter(wanted);
        let recordings: Vec<_> = fitting.by_ref().take(MOST_RECORDINGS).map(recording_to_wit).collect();
        let next = fitting.next().and_then(|_| recordings.last().map(|last| last.id.clone()));
        Ok(wit::Page { recordings, next })
    }

    fn read_moments(&mut self, wanted: String, first: u64) -> Result<wit::Chunk, CapabilityError> {
        self.begin()?;
        let wanted: RecordingId = id(&wanted)?;
        let mut open = match self.open.take().filter(|open| (open.id, open.at) == (wanted, first)) {
            Some(open) => open,
            None => self.own.open(wanted, first)?,
        };
        let mut chunk = wit::Chunk { moments: Vec::new(), next: None };
        let mut bytes = 0;
        while let Some(moment) = open.next()? {
            bytes += size(&moment.what);
            chunk.moments.push(moment_to_wit(moment));
            if chunk.moments.len() == MOST_MOMENTS || bytes >= FULL_AT {
                chunk.next = Some(open.at);
                self.open = Some(open);
                break;
            }
        }
        Ok(chunk)
    }
}

impl Instance {
    fn begin(&mut self) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        self.calls.count()
    }
}

impl RecordingRead {
    fn covers(&self, path: &str) -> bool {
        self.gate.covered(|scope| scope.covers_folder(&folder_of(path)))
    }

    /// Opens a recording within the grant, at a moment of it.
    fn open(&self, wanted: RecordingId, first: u64) -> Result<Open, CapabilityError> {
        let all = self.port.list().map_err(|error| unavailable(&error))?;
        let missing = || CapabilityError::Invalid("there is no such finished recording".to_owned());
        let found = all.iter().find(|found| found.id == wanted).ok_or_else(missing)?;
        for path in paths(found) {
            let folder = folder_of(path);
            self.gate.within(&folder_in_words(&folder), |scope| scope.covers_folder(&folder))?;
        }
        let moments = self.port.open(wanted).map_err(|error| unavailable(&error))?;
        let mut open = Open { id: wanted, moments, at: 0 };
        while open.at < first && open.next()?.is_some() {}
        Ok(open)
    }
}

impl Open {
    fn next(&mut self) -> Result<Option<RecordedMoment>, CapabilityError> {
        let moment = self.moments.next().map_err(|error| unavailable(&error))?;
        self.at += u64::from(moment.is_some());
        Ok(moment)
    }
}

/// Returns the paths that a grant must cover.
fn paths(found: &FinishedRecording) -> impl Iterator<Item = &str> {
    std::iter::once(found.path.as_str()).chain(found.present_path.as_deref())
}

/// Returns the names of the folder that a connection stands in.
fn folder_of(path: &str) -> Vec<&str> {
    let mut names = split(path);
    names.pop();
    names
}

fn recording_to_wit(found: &FinishedRecording) -> wit::Recording {
    wit::Recording {
        id: found.id.to_string(),
        session: found.session.to_string(),
        connection: found.connection.to_string(),
        path: found.path.clone(),
        target: found.target.clone(),
        kind: found.kind.clone(),
        user: found.user.clone(),
        started_micros: found.started.0,
        duration_micros: u64::try_from(found.duration.as_micros()).unwrap_or(u64::MAX),
        complete: found.complete,
    }
}

fn moment_to_wit(RecordedMoment { at, what }: RecordedMoment) -> wit::Moment {
    wit::Moment {
        at_micros: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
        what: match what {
            Recorded::Output(bytes) => wit::Happening::Output(bytes),
            Recorded::Resize(size) => {
                wit::Happening::Resize(wit::Size { columns: size.columns, rows: size.rows })
            }
            Recorded::Marker(text) => wit::Happening::Marker(text),
            Recorded::Exit(status) => wit::Happening::Exit(status),
        },
    }
}

fn size(what: &Recorded) -> usize {
    match what {
        Recorded::Output(bytes) => bytes.len(),
        Recorded::Marker(text) => text.len(),
        Recorded::Resize(_) | Recorded::Exit(_) => 0,
    }
}
