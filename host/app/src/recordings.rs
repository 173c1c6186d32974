//! Recordings: list, play, export, verify, delete. Each is found by its id, an unambiguous beginning of it, or as the newest; what the audit
//! log started and the disk no longer has is named as missing.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ostler_audit::{EventClass, Outcome, ReadFrom};
use ostler_core::{RecordingId, Timestamp};
use ostler_recording::{
    RecordedEvent, RecordedEventKind, RecordedSurface, RecordingError, RecordingState, RecordingSummary,
};
use ostler_vault::Vault;

use crate::host::rfc3339;
use crate::session::hex;
use crate::{AppError, Event, Host, PlayedEvent, RecordingView, Reply, VerifiedRecording};

/// The word that names the newest recording.
const NEWEST: &str = "newest";

/// What the audit log knows of a recording.
#[derive(Default)]
struct Audited {
    root: Option<String>,
    deleted: bool,
}

impl Host {
    pub(crate) fn recording_list(&self) -> Result<Reply, AppError> {
        let mut summaries = self.recordings.list(self.vault()?.envelope())?;
        summaries.sort_by(|a, b| started(b).cmp(&started(a)).then_with(|| a.id.cmp(&b.id)));
        Ok(Reply::Recordings(summaries.into_iter().map(view).collect()))
    }

    pub(crate) async fn recording_play(&self, id: &str) -> Result<Reply, AppError> {
        let id = self.find_recording(id)?;
        if self.recordings.info(id, self.vault()?.envelope())?.surface == RecordedSurface::Desktop {
            return Err(RecordingError::NoTerminal(id).into());
        }
        self.audit_recording(EventClass::RecordingRead, id, "play")?;
        for event in self.recordings.events(id, self.vault()?.envelope())? {
            let RecordedEvent { at, kind } = event?;
            let event = match kind {
                RecordedEventKind::Output(bytes) => PlayedEvent::Output(bytes),
                RecordedEventKind::Resize(size) => PlayedEvent::Resize(size),
                RecordedEventKind::Marker(text) => PlayedEvent::Marker(text),
                RecordedEventKind::Exit(status) => PlayedEvent::Exit(status),
                RecordedEventKind::Input(_) | RecordedEventKind::Desktop(_) => continue,
            };
            let at_micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
            self.front.show(Event::Played { at_micros, event }).await;
        }
        Ok(Reply::Done(format!("recording {id} was played")))
    }

    pub(crate) fn recording_export(&self, id: &str, out: &Path) -> Result<Reply, AppError> {
        let id = self.find_recording(id)?;
        self.audit_recording(EventClass::RecordingExport, id, &out.display().to_string())?;
        let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(out);
        let mut file = opened.map_err(|source| AppError::File { file: out.to_owned(), source })?;
        self.recordings.export_asciicast(id, self.vault()?.envelope(), &mut file)?;
        file.sync_all().map_err(|source| AppError::File { file: out.to_owned(), source })?;
        Ok(Reply::Done(format!("recording {id} was exported to {}", out.display())))
    }

    pub(crate) fn recording_verify(&self, id: Option<&str>) -> Result<Reply, AppError> {
        let vault = self.vault()?;
        let audited = self.audited_recordings()?;
        let ids = match id {
            Some(id) => vec![self.find_recording(id)?],
            None => self.recordings.list(vault.envelope())?.iter().map(|summary| summary.id).collect(),
        };
        let mut verified: Vec<VerifiedRecording> =
            ids.iter().map(|id| self.verify_one(&vault, *id, audited.get(id))).collect();
        if id.is_none() {
            let missing = audited.iter().filter(|(id, audited)| !ids.contains(id) && !audited.deleted);
            verified.extend(missing.map(|(id, _)| VerifiedRecording {
                id: id.to_string(),
                state: "missing".to_owned(),
                problem: Some("the audit log started it, but its files are gone".to_owned()),
                segments: 0,
                events: 0,
                audited: true,
            }));
        }
        verified.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Reply::RecordingsVerified(verified))
    }

    pub(crate) fn recording_delete(&self, id: &str) -> Result<Reply, AppError> {
        let id = self.find_recording(id)?;
        self.audit_recording(EventClass::RecordingDelete, id, "deleted by the user")?;
        self.recordings.delete(id)?;
        Ok(Reply::Done(format!("recording {id} was deleted")))
    }

    fn verify_one(&self, vault: &Vault, id: RecordingId, audited: Option<&Audited>) -> VerifiedRecording {
        let root = audited.and_then(|audited| audited.root.as_deref());
        match self.recordings.verify(id, vault.envelope()) {
            Ok(proved) => {
                let (state, mut problem) = state_view(&proved.state);
                let matches = root.is_some_and(|root| root == hex(&proved.root));
                let mut state = state.to_owned();
                if root.is_some() && !matches {
                    "damaged".clone_into(&mut state);
                    problem =
                        Some("its last segment is not the one that the audit log wrote down".to_owned());
                }
                VerifiedRecording {
                    id: id.to_string(),
                    state,
                    problem,
                    segments: proved.segments,
                    events: proved.events,
                    audited: matches,
                }
            }
            Err(error) => VerifiedRecording {
                id: id.to_string(),
                state: "damaged".to_owned(),
                problem: Some(error.to_string()),
                segments: 0,
                events: 0,
                audited: false,
            },
        }
    }

    /// Returns every recording that the audit log tells of.
    fn audited_recordings(&self) -> Result<BTreeMap<RecordingId, Audited>, AppError> {
        let mut recordings: BTreeMap<RecordingId, Audited> = BTreeMap::new();
        for record in self.audit_records(&self.vault()?, ReadFrom::Line(0))? {
            let record = record?;
            let Some(id) = record.event.recording else { continue };
            let known = recordings.entry(id).or_default();
            known.root = record.event.recording_root.or_else(|| known.root.take());
            known.deleted |= record.event.class == EventClass::RecordingDelete.name();
        }
        Ok(recordings)
    }

    /// Finds a recording by its id, the beginning of it, or [`NEWEST`].
    pub(crate) fn find_recording(&self, wanted: &str) -> Result<RecordingId, AppError> {
        let summaries = self.recordings.list(self.vault()?.envelope())?;
        if wanted == NEWEST {
            let newest = summaries.iter().max_by_key(|summary| started(summary));
            return newest
                .map(|summary| summary.id)
                .ok_or_else(|| AppError::NoRecording("there is no recording yet".to_owned()));
        }
        let fits: Vec<RecordingId> = summaries
            .iter()
            .map(|summary| summary.id)
            .filter(|id| id.to_string().starts_with(wanted))
            .collect();
        match fits.as_slice() {
            [one] if !wanted.is_empty() => Ok(*one),
            [] => Err(AppError::NoRecording(format!("there is no recording '{wanted}'"))),
            several => Err(AppError::NoRecording(format!("'{wanted}' fits {} recordings", several.len()))),
        }
    }

    pub(crate) fn audit_recording(
        &self,
        class: EventClass,
        id: RecordingId,
        how: &str,
    ) -> Result<(), AppError> {
        let mut event = self.audit.event(class, Outcome::Success);
        event.recording = Some(id);
        event.details.insert("how".to_owned(), how.to_owned());
        Ok(self.audit.write(&event)?)
    }
}

/// Returns when a recording began, as far as its header can be read.
fn started(summary: &RecordingSummary) -> Option<Timestamp> {
    summary.info.as_ref().map(|info| info.started)
}

fn state_view(state: &RecordingState) -> (&'static str, Option<String>) {
    match state {
        RecordingState::Complete => ("complete", None),
        RecordingState::Incomplete => ("incomplete", None),
        RecordingState::Damaged(reason) => ("damaged", Some(reason.clone())),
    }
}

fn view(summary: RecordingSummary) -> RecordingView {
    let (state, problem) = if summary.active { ("active", None) } else { state_view(&summary.state) };
    let info = summary.info;
    let of = |pick: fn(&ostler_recording::RecordingInfo) -> String| info.as_ref().map(pick);
    RecordingView {
        id: summary.id.to_string(),
        state: state.to_owned(),
        problem,
        connection: of(|info| info.name.clone()),
        kind: of(|info| info.kind.clone()),
        target: of(|info| info.target.clone()),
        user: of(|info| info.user.clone()),
        started: of(|info| rfc3339(info.started)),
        duration_seconds: summary.duration.as_secs_f64(),
        bytes: summary.bytes_on_disk,
        surface: info.as_ref().map(|info| match info.surface {
            RecordedSurface::Terminal => "terminal".to_owned(),
            RecordedSurface::Desktop => "desktop".to_owned(),
        }),
        command: info.as_ref().and_then(|info| info.command.clone()),
    }
}
