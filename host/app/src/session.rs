//! A session from 'may open' to 'closed': audit first, then the recorder, then the wire; at the end the recording is
//! closed and the end is written down.

use std::collections::VecDeque;
use std::sync::Arc;

use ostler_audit::{AuditEvent, EventClass, Outcome};
use ostler_core::{
    DriveRequest, DrivenPlan, DrivenSurface, EndReason, Exit, LaunchRequest, OpenedSession, Prompter,
    RecordingId, RunRequest, SessionContext, SessionControl, SessionEnd, SessionEngine, SessionError,
    SessionEvent, SessionEvents, SessionId, SessionInput, SessionPlan, SshRun, TerminalSize,
};
use ostler_recording::{RecordedSurface, Recorder, RecordingError, RecordingInfo, RecordingRoot};
use ostler_vault::EnvelopePublicKey;

use crate::auditing::plugin_ref;
use crate::crashes::CrashInput;
use crate::driven::DrivenEngine;
use crate::launch::Launch;
use crate::lease::{Held, Lease};
use crate::offered::stores;
use crate::{AppError, Event, Host, HostKeyPolicy, Reply, SessionReport};

const DEFAULT_TERMINAL: TerminalSize = TerminalSize { columns: 80, rows: 24 };
/// Bytes that the user may type while a session takes nothing, and still be heard closing it.
const TYPED_AHEAD: usize = 1 << 20;
const DEFAULT_TERMINAL_TYPE: &str = "xterm-256color";

/// A session that is being carried out.
struct Running<'a> {
    host: &'a Host,
    id: SessionId,
    launch: &'a Launch,
    recorder: Option<Recorder>,
    recording: Option<RecordingId>,
}

impl Host {
    pub(crate) async fn connect(
        &self,
        name: &str,
        run: &RunRequest,
        host_key: HostKeyPolicy,
    ) -> Result<Reply, AppError> {
        let id = SessionId::random();
        let mut launch = self.launch(name, run, Some(id)).await?;
        let engine = self.engine(&launch)?;
        let recording = launch.record.then(RecordingId::random);
        self.audit_start(id, &launch, recording)?;
        let begun = self.clock.monotonic();
        let acquired = self.acquire_for(id, &mut launch).await;
        let mut running = Running { host: self, id, launch: &launch, recorder: None, recording };
        let outcome = match acquired {
            Ok(()) => running.carry(engine, host_key).await,
            Err(error) => Err(error),
        };
        let mut root = running.recorder.take().map(|recorder| recorder.finish(exit_status(&outcome)));
        let outcome =
            outcome.and_then(|end| match root.take_if(|root| root.is_err() && launch.record_required) {
                Some(Err(error)) => Err(AppError::NotRecorded(error)),
                _ => Ok(end),
            });
        let duration = self.clock.monotonic().saturating_sub(begun);
        self.count_use(&launch.plugin, &launch.loaded, &|| CrashInput::launch(&launch.request))?;
        running.audit_end(&outcome, root.as_ref())?;
        if let Some(Err(error)) = root {
            self.front.show(Event::Notice(format!("the recording is incomplete: {error}"))).await;
        }
        let end = outcome?;
        self.front.show(Event::Ended { session: id, end: end.clone() }).await;
        Ok(Reply::Session(SessionReport {
            session: id.to_string(),
            end,
            recording: recording.map(|id| id.to_string()),
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
        }))
    }

    /// Acquires the secrets of a credential source. From here on they are in the host as if the person had given them.
    async fn acquire_for(&self, session: SessionId, launch: &mut Launch) -> Result<(), AppError> {
        let Some(entry) = launch.source.take() else { return Ok(()) };
        let purpose = format!("a session to '{}'", launch.path);
        for (slot, bytes) in self.acquire(&entry, &launch.connection, session, &purpose).await? {
            if let Some(leased) = launch.slots.get_mut(&slot) {
                leased.held = Held::Given(bytes);
            }
        }
        Ok(())
    }

    fn engine(&self, launch: &Launch) -> Result<Arc<dyn SessionEngine>, AppError> {
        let plan = &launch.plan;
        if let SessionPlan::Driven(plan) = plan {
            let request = drive_request(plan, &launch.request, &launch.user);
            return Ok(Arc::new(DrivenEngine { plugin: launch.loaded.clone(), request }));
        }
        let fits = self.engines.iter().find(|engine| engine.protocol() == plan.protocol());
        fits.cloned().ok_or_else(|| SessionError::NoEngine { protocol: plan.protocol().to_owned() }.into())
    }

    fn audit_start(
        &self,
        id: SessionId,
        launch: &Launch,
        recording: Option<RecordingId>,
    ) -> Result<(), AppError> {
        let mut event = self.audit.event(EventClass::SessionStart, Outcome::Success);
        event.session = Some(id);
        event.connection = Some(launch.connection.id);
        event.target = launch.plan.target().map(ToString::to_string);
        event.plugin = Some(plugin_ref(&launch.plugin));
        event.recording = recording;
        event.details.insert("name".to_owned(), launch.path.clone());
        event.details.insert("user".to_owned(), launch.user.clone());
        event.details.insert("protocol".to_owned(), launch.plan.protocol().to_owned());
        Ok(self.audit.write(&event)?)
    }
}

impl Running<'_> {
    /// Opens the recorder and the wire, and passes on what is shown and typed until the session ends.
    async fn carry(
        &mut self,
        engine: Arc<dyn SessionEngine>,
        host_key: HostKeyPolicy,
    ) -> Result<SessionEnd, AppError> {
        let terminal = self.host.front.terminal();
        let (size, terminal_type) = terminal.unwrap_or((DEFAULT_TERMINAL, DEFAULT_TERMINAL_TYPE.to_owned()));
        if let Some(recording) = self.recording {
            let key = self.host.vault()?.envelope().public();
            match self.start_recorder(recording, &key, size, &terminal_type) {
                Ok(recorder) => {
                    self.recorder = Some(recorder);
                    self.host.audit.write(&self.event(EventClass::RecordingStart, Outcome::Success))?;
                }
                Err(error) => {
                    let mut event = self.event(EventClass::RecordingIncomplete, Outcome::Failure);
                    event.reason = Some(error.to_string());
                    self.host.audit.write(&event)?;
                    self.recording_failed(error).await?;
                }
            }
        }
        let plan = &self.launch.plan;
        if let Some(target) = plan.target() {
            let session = self.id;
            self.host.front.show(Event::Connecting { session, target: target.to_string() }).await;
        }
        let context = SessionContext {
            secrets: Arc::new(Lease {
                shared: self.host.shared(),
                audit: self.host.audit.clone(),
                connection: self.launch.connection.id,
                session: self.id,
                plugin: plugin_ref(&self.launch.plugin),
                stores: stores(&self.launch.plugin),
                slots: self.launch.slots.clone(),
            }),
            host_keys: Arc::new(self.host.host_keys(host_key)),
            prompter: Arc::clone(&self.host.front) as Arc<dyn Prompter>,
            terminal: size,
            terminal_type,
        };
        let OpenedSession { events, control } = tokio::select! {
            opened = engine.open(plan, context) => opened?,
            end = self.given_up() => return Ok(end),
        };
        let opened =
            Event::Opened { session: self.id, recording: self.recording, terminal: has_terminal(plan) };
        self.host.front.show(opened).await;
        self.pump(events, control).await
    }

    /// Waits until the person gives up waiting for the session to open.
    async fn given_up(&self) -> SessionEnd {
        // Nothing else can come: keys are read from a session that is open.
        while !matches!(self.host.front.input(self.id).await, SessionInput::Close) {}
        SessionEnd { exit: Exit::Unknown, reason: EndReason::ClosedHere }
    }

    /// Shows what comes and sends what is typed, each as fast as the other side takes it.
    async fn pump(
        &self,
        events: Box<dyn SessionEvents>,
        control: Box<dyn SessionControl>,
    ) -> Result<SessionEnd, AppError> {
        tokio::select! {
            end = self.show(events) => end,
            never = self.type_in(control) => match never {},
        }
    }

    async fn show(&self, mut events: Box<dyn SessionEvents>) -> Result<SessionEnd, AppError> {
        let mut recorder = self.recorder.as_ref();
        loop {
            match events.next().await {
                SessionEvent::Ended(end) => return Ok(end),
                SessionEvent::Marker(text) => {
                    if let Some(Err(error)) = recorder.map(|recorder| recorder.marker(&text)) {
                        recorder = None;
                        self.recording_failed(error).await?;
                    }
                }
                SessionEvent::Desktop(event) => {
                    if let Some(Err(error)) = recorder.map(|recorder| recorder.desktop(&event)) {
                        recorder = None;
                        self.recording_failed(error).await?;
                    }
                    self.host.front.show(Event::Desktop { session: self.id, event }).await;
                }
                SessionEvent::Output { stream, bytes } => {
                    if let Some(Err(error)) = recorder.map(|recorder| recorder.output(&bytes)) {
                        // Said once: it takes nothing more.
                        recorder = None;
                        self.recording_failed(error).await?;
                    }
                    self.host.front.show(Event::Output { session: self.id, stream, bytes }).await;
                }
            }
        }
    }

    async fn type_in(&self, mut control: Box<dyn SessionControl>) -> std::convert::Infallible {
        let mut ahead = VecDeque::new();
        loop {
            let input = match ahead.pop_front() {
                Some(input) => input,
                None => self.host.front.input(self.id).await,
            };
            if let Some(recorder) = &self.recorder {
                let recorded = match &input {
                    SessionInput::Resize(size) => recorder.resize(*size),
                    SessionInput::Pointer(pointer) => recorder.pointer_at(pointer.at),
                    _ => Ok(()),
                };
                // A recorder that failed is noticed with the next output, where it can end the session.
                recorded.unwrap_or_else(|error| tracing::debug!(%error, "input not recorded"));
            }
            let sent = tokio::select! {
                biased;
                sent = control.send(input) => Some(sent),
                () = self.closed(&mut ahead) => None,
            };
            let sent = match sent {
                Some(sent) => sent,
                None => control.send(SessionInput::Close).await,
            };
            if let Err(error) = sent {
                tracing::debug!(%error, "input came after the end");
                return std::future::pending().await;
            }
        }
    }

    /// Waits until the person closes a session that takes nothing just now, and keeps what was done before that.
    async fn closed(&self, ahead: &mut VecDeque<SessionInput>) {
        let mut held: usize = ahead.iter().map(weight).sum();
        while held < TYPED_AHEAD {
            match self.host.front.input(self.id).await {
                SessionInput::Close => return,
                input => {
                    held += weight(&input);
                    ahead.push_back(input);
                }
            }
        }
        std::future::pending().await
    }

    fn start_recorder(
        &self,
        id: RecordingId,
        key: &EnvelopePublicKey,
        terminal: TerminalSize,
        terminal_type: &str,
    ) -> Result<Recorder, RecordingError> {
        let connection = &self.launch.connection;
        let command = match &self.launch.plan {
            SessionPlan::Ssh(plan) => match &plan.run {
                SshRun::Command(line) => Some(line.clone()),
                SshRun::Shell => None,
            },
            _ => None,
        };
        let info = RecordingInfo {
            id,
            session: self.id,
            connection: connection.id,
            name: self.launch.path.clone(),
            target: self.launch.plan.target().map(ToString::to_string).unwrap_or_default(),
            kind: connection.kind.clone(),
            user: self.launch.user.clone(),
            os_user: self.host.audit.actor().to_owned(),
            started: self.host.now(),
            terminal,
            terminal_type: terminal_type.to_owned(),
            command,
            surface: surface(&self.launch.plan),
        };
        Recorder::start(&self.host.places.recordings(), info, key, Arc::clone(&self.host.clock))
    }

    /// A recording that must be made ends the session; one that may be made is given up with a notice.
    async fn recording_failed(&self, error: RecordingError) -> Result<(), AppError> {
        if self.launch.record_required {
            return Err(AppError::NotRecorded(error));
        }
        self.host.front.show(Event::Notice(format!("this session is not recorded any more: {error}"))).await;
        Ok(())
    }

    fn audit_end(
        &self,
        outcome: &Result<SessionEnd, AppError>,
        root: Option<&Result<RecordingRoot, RecordingError>>,
    ) -> Result<(), AppError> {
        let mut events = Vec::new();
        match root {
            Some(Ok(root)) => {
                let mut event = self.event(EventClass::RecordingEnd, Outcome::Success);
                event.recording_root = Some(hex(&root.root));
                event.details.insert("segments".to_owned(), root.segments.to_string());
                events.push(event);
            }
            Some(Err(error)) => {
                let mut event = self.event(EventClass::RecordingIncomplete, Outcome::Failure);
                event.reason = Some(error.to_string());
                events.push(event);
            }
            None => {}
        }
        if let Err(error @ AppError::NotRecorded(_)) = outcome {
            let mut event = self.event(EventClass::SessionKill, Outcome::Success);
            event.target = self.launch.plan.target().map(ToString::to_string);
            event.reason = Some(error.to_string());
            events.push(event);
        }
        let came_out = if outcome.is_ok() { Outcome::Success } else { Outcome::Failure };
        let mut event = self.event(EventClass::SessionEnd, came_out);
        event.target = self.launch.plan.target().map(ToString::to_string);
        event.reason = Some(match outcome {
            Ok(end) => end.reason.to_string(),
            Err(error) => error.to_string(),
        });
        if let Some(status) = exit_status(outcome) {
            event.details.insert("exit-status".to_owned(), status.to_string());
        }
        match root {
            Some(Ok(root)) => {
                event.recording_root = Some(hex(&root.root));
                event.details.insert("segments".to_owned(), root.segments.to_string());
            }
            Some(Err(error)) => {
                event.details.insert("recording".to_owned(), format!("incomplete: {error}"));
            }
            None => {}
        }
        events.push(event);
        Ok(self.host.audit.write_all(&events)?)
    }

    /// Begins an event about this session.
    fn event(&self, class: EventClass, outcome: Outcome) -> AuditEvent {
        let mut event = self.host.audit.event(class, outcome);
        event.session = Some(self.id);
        event.connection = Some(self.launch.connection.id);
        event.recording = self.recording;
        event
    }
}

/// Makes the request of a driven session from the plan and what it was planned from.
fn drive_request(plan: &DrivenPlan, request: &LaunchRequest, user: &str) -> DriveRequest {
    DriveRequest {
        connection: request.connection,
        name: request.name.clone(),
        kind: request.kind.clone(),
        target: plan.target.clone(),
        user: (!user.is_empty()).then(|| user.to_owned()),
        domain: request.credential.domain.clone(),
        settings: request.settings.clone(),
        slots: request.credential.slots.clone(),
        surface: plan.surface,
        terminal: DEFAULT_TERMINAL,
        terminal_type: DEFAULT_TERMINAL_TYPE.to_owned(),
    }
}

fn exit_status(outcome: &Result<SessionEnd, AppError>) -> Option<u32> {
    match outcome {
        Ok(SessionEnd { exit: Exit::Status(status), reason: EndReason::Finished }) => Some(*status),
        _ => None,
    }
}

/// Returns what an input counts for where it waits; what has no bytes counts, too, so that there can't be too many.
fn weight(input: &SessionInput) -> usize {
    match input {
        SessionInput::Bytes(bytes) => bytes.len().max(64),
        SessionInput::Clipboard(text) => text.len().max(64),
        _ => 64,
    }
}

fn surface(plan: &SessionPlan) -> RecordedSurface {
    match plan {
        SessionPlan::Rdp(_) => RecordedSurface::Desktop,
        SessionPlan::Driven(plan) if plan.surface == DrivenSurface::Desktop => RecordedSurface::Desktop,
        SessionPlan::Ssh(_) | SessionPlan::Process(_) | SessionPlan::Driven(_) => RecordedSurface::Terminal,
    }
}

fn has_terminal(plan: &SessionPlan) -> bool {
    match plan {
        SessionPlan::Ssh(plan) => plan.terminal,
        SessionPlan::Process(plan) => plan.terminal,
        SessionPlan::Driven(plan) => plan.surface == DrivenSurface::Terminal,
        SessionPlan::Rdp(_) => false,
    }
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}
