//! Driven sessions: the engine of plans that a plugin carries out itself.
//!
//! The plugin runs in a task of its own; what it shows and what the user does go through short queues, so that each waits for
//! the other. A session that does not come to an end when it is closed is ended.

use std::sync::Arc;
use std::time::Duration;

use ostler_core::{
    BoxFuture, DriveRequest, EndReason, Exit, OpenedSession, SessionContext, SessionControl, SessionEnd,
    SessionEngine, SessionError, SessionEvent, SessionEvents, SessionInput, SessionPlan,
};
use ostler_runtime::{DriveFailure, DriveLink, Plugin, PluginError};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Events between the plugin and the front end, of at most 64 KiB each.
const SHOWN: usize = 8;
/// What the user did and the plugin has not yet looked at.
const DONE: usize = 64;
/// How long a plugin may take to end a session that the user closes.
const CLOSE_TIME: Duration = Duration::from_secs(3);

type Outcome = Result<Result<SessionEnd, DriveFailure>, PluginError>;

/// Carries out one driven session.
pub(crate) struct DrivenEngine {
    pub(crate) plugin: Plugin,
    /// What the plan says; the terminal is the context's.
    pub(crate) request: DriveRequest,
}

impl SessionEngine for DrivenEngine {
    fn protocol(&self) -> &'static str {
        "driven"
    }

    fn open<'a>(
        &'a self,
        _: &'a SessionPlan,
        context: SessionContext,
    ) -> BoxFuture<'a, Result<OpenedSession, SessionError>> {
        Box::pin(async move {
            let (shown, events) = mpsc::channel(SHOWN);
            let (control, input) = mpsc::channel(DONE);
            let link = DriveLink { input, output: shown, secrets: Arc::clone(&context.secrets) };
            let request = DriveRequest {
                terminal: context.terminal,
                terminal_type: context.terminal_type,
                ..self.request.clone()
            };
            let plugin = self.plugin.clone();
            let drive = Drive(tokio::spawn(async move { plugin.drive(&request, link).await }));
            let (closing, deadline) = watch::channel(None);
            let mut events = Events { events, first: None, drive, deadline, ended: None };
            // Open is what shows something; until then, what goes wrong is why it could not be opened.
            events.first = events.events.recv().await;
            if events.first.is_none() {
                let end = self.opened(events.drive.outcome().await)?;
                events.ended = Some(end);
            }
            let control = Control { input: Some(control), closing };
            Ok(OpenedSession { events: Box::new(events), control: Box::new(control) })
        })
    }
}

impl DrivenEngine {
    /// Turns the outcome of a session that showed nothing into why it did not open, where it did not.
    fn opened(&self, outcome: Outcome) -> Result<SessionEnd, SessionError> {
        let target = self.request.target.clone();
        match outcome {
            Ok(Ok(end)) => Ok(end),
            Ok(Err(DriveFailure::Unreachable(cause))) => {
                // The host's own words, where the plugin passes them on, name the target too.
                let prefix = format!("{target} can't be reached: ");
                let cause = cause.strip_prefix(&prefix).map(str::to_owned).unwrap_or(cause);
                Err(SessionError::Unreachable { target, cause })
            }
            Ok(Err(DriveFailure::WrongCredential(cause))) => {
                Err(SessionError::CredentialRefused { target, cause })
            }
            Ok(Err(DriveFailure::Protocol(cause))) => Err(SessionError::Protocol { target, cause }),
            Ok(Err(DriveFailure::Other(cause))) => Err(SessionError::Driver { cause }),
            Err(error) => Err(SessionError::Driver { cause: format!("the plugin failed: {error}") }),
        }
    }
}

/// The task of a drive; ends with whoever holds it.
struct Drive(JoinHandle<Outcome>);

impl Drive {
    async fn outcome(&mut self) -> Outcome {
        let broken = |_| Err(PluginError::Trap { message: "its task ended".to_owned() });
        (&mut self.0).await.unwrap_or_else(broken)
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Events {
    events: mpsc::Receiver<SessionEvent>,
    first: Option<SessionEvent>,
    drive: Drive,
    /// When the session is ended that the user closed.
    deadline: watch::Receiver<Option<Instant>>,
    ended: Option<SessionEnd>,
}

impl SessionEvents for Events {
    fn next(&mut self) -> BoxFuture<'_, SessionEvent> {
        Box::pin(async move {
            if let Some(first) = self.first.take() {
                return first;
            }
            if let Some(end) = &self.ended {
                return SessionEvent::Ended(end.clone());
            }
            let end = tokio::select! {
                // First, so that a plugin that shows without end is ended, too.
                biased;
                () = overdue(&mut self.deadline) => {
                    self.drive.0.abort();
                    SessionEnd { exit: Exit::Unknown, reason: EndReason::ClosedHere }
                }
                shown = self.events.recv() => match shown {
                    Some(event) => return event,
                    // The queue ends when the plugin's call does, after all that it showed.
                    None => end_of(self.drive.outcome().await),
                },
            };
            self.ended = Some(end.clone());
            SessionEvent::Ended(end)
        })
    }
}

/// Waits until the plugin has had its time to end a session that the user closed.
async fn overdue(deadline: &mut watch::Receiver<Option<Instant>>) {
    let closed = deadline.wait_for(Option::is_some).await.ok().and_then(|deadline| *deadline);
    match closed {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        // Nobody can close it any more.
        None => std::future::pending().await,
    }
}

/// Names how a session ended that was open.
fn end_of(outcome: Outcome) -> SessionEnd {
    let lost = |cause| SessionEnd { exit: Exit::Unknown, reason: EndReason::ConnectionLost(cause) };
    match outcome {
        Ok(Ok(end)) => end,
        Ok(Err(
            DriveFailure::Unreachable(cause)
            | DriveFailure::WrongCredential(cause)
            | DriveFailure::Protocol(cause)
            | DriveFailure::Other(cause),
        )) => lost(cause),
        Err(error) => lost(format!("the plugin failed: {error}")),
    }
}

struct Control {
    /// None once the session was closed: a plugin that hears no more input has to end.
    input: Option<mpsc::Sender<SessionInput>>,
    closing: watch::Sender<Option<Instant>>,
}

impl SessionControl for Control {
    fn send(&mut self, input: SessionInput) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async move {
            let control = self.input.as_ref().ok_or(SessionError::Ended)?;
            if !matches!(input, SessionInput::Close) {
                return control.send(input).await.map_err(|_| SessionError::Ended);
            }
            self.closing.send_replace(Some(Instant::now() + CLOSE_TIME));
            // Where the queue is full, the plugin hears of it at the queue's end.
            control.try_send(input).ok();
            self.input = None;
            Ok(())
        })
    }
}
