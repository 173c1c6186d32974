//! Finished recordings, for one plugin: what it reads is audited under its name before it is opened.

use std::sync::{Arc, Weak};

use ostler_audit::{EventClass, Outcome, PluginRef};
use ostler_core::{
    FinishedRecording, PortError, Recorded, RecordedMoment, RecordedMoments, RecordingArchive, RecordingId,
};
use ostler_recording::{RecordedEvent, RecordedEventKind, RecordedEvents, RecordingState};
use ostler_vault::VaultError;

use super::port_error;
use crate::host::Shared;

/// The recordings as one plugin reaches them.
pub(crate) struct PluginRecordings {
    pub(crate) shared: Weak<Shared>,
    pub(crate) plugin: PluginRef,
}

impl PluginRecordings {
    fn shared(&self) -> Result<Arc<Shared>, PortError> {
        self.shared.upgrade().ok_or_else(|| port_error(VaultError::Locked))
    }
}

impl RecordingArchive for PluginRecordings {
    fn list(&self) -> Result<Vec<FinishedRecording>, PortError> {
        let shared = self.shared()?;
        let vault = shared.vault().map_err(port_error)?;
        let snapshot = vault.snapshot().map_err(port_error)?;
        let mut found =
            shared.recordings.list(vault.envelope()).map_err(|error| PortError(error.to_string()))?;
        found.retain(|summary| !summary.active && !matches!(summary.state, RecordingState::Damaged(_)));
        let finished = |summary: ostler_recording::RecordingSummary| {
            let info = summary.info?;
            let present = snapshot.tree.connection(info.connection);
            Some(FinishedRecording {
                id: summary.id,
                session: info.session,
                connection: info.connection,
                path: info.name,
                present_path: present.map(|connection| snapshot.tree.connection_path(connection)),
                target: info.target,
                kind: info.kind,
                user: info.user,
                started: info.started,
                duration: summary.duration,
                complete: summary.state == RecordingState::Complete,
            })
        };
        Ok(found.into_iter().filter_map(finished).collect())
    }

    fn open(&self, id: RecordingId) -> Result<Box<dyn RecordedMoments>, PortError> {
        let shared = self.shared()?;
        let vault = shared.vault().map_err(port_error)?;
        let mut event = shared.audit.event(EventClass::RecordingRead, Outcome::Success);
        event.recording = Some(id);
        event.plugin = Some(self.plugin.clone());
        event.details.insert("how".to_owned(), "by a plugin".to_owned());
        shared.audit.write(&event).map_err(|error| PortError(error.to_string()))?;
        let events = shared.recordings.events(id, vault.envelope());
        Ok(Box::new(Moments(events.map_err(|error| PortError(error.to_string()))?)))
    }
}

struct Moments(RecordedEvents);

impl RecordedMoments for Moments {
    fn next(&mut self) -> Result<Option<RecordedMoment>, PortError> {
        for event in self.0.by_ref() {
            let RecordedEvent { at, kind } = event.map_err(|error| PortError(error.to_string()))?;
            let what = match kind {
                RecordedEventKind::Output(bytes) => Recorded::Output(bytes),
                RecordedEventKind::Resize(size) => Recorded::Resize(size),
                RecordedEventKind::Marker(text) => Recorded::Marker(text),
                RecordedEventKind::Exit(status) => Recorded::Exit(status),
                RecordedEventKind::Input(_) | RecordedEventKind::Desktop(_) => continue,
            };
            return Ok(Some(RecordedMoment { at, what }));
        }
        Ok(None)
    }
}
