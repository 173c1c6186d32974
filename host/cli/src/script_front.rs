//! The front end of a script: does its steps in a session, keeps the picture, and closes the session at the end.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ostler_app::core::{
    BoxFuture, DesktopEvent, Form, FormAnswers, PromptError, Prompter, SessionId, SessionInput, TerminalSize,
};
use ostler_app::{Event, FrontEnd};
use ostler_surface::{Screen, png};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::CliError;
use crate::new_file::write_new;
use crate::output::Output;
use crate::prompt::Asker;
use crate::script::Step;
use crate::signals::Signals;

/// How long a picture may take to stand still, and a text to be copied.
const STILL_TIME: Duration = Duration::from_mins(1);

/// What the session shows.
struct Seen {
    screen: Screen,
    changed: Instant,
    /// Whether anything was shown yet.
    any: bool,
    /// What was copied there, until the script takes it.
    copied: Option<String>,
}

/// Where the script is.
struct Run {
    steps: VecDeque<Step>,
    /// What the user does next.
    ready: VecDeque<SessionInput>,
    /// When the step that is being done began.
    begun: Option<Instant>,
}

/// The front end of a script.
pub(crate) struct ScriptFront {
    asker: Asker,
    output: Output,
    signals: Arc<Signals>,
    seen: Mutex<Seen>,
    run: tokio::sync::Mutex<Run>,
    opened: watch::Sender<bool>,
    close: watch::Sender<bool>,
    failure: Mutex<Option<CliError>>,
}

impl ScriptFront {
    pub(crate) fn new(asker: Asker, output: Output, signals: Arc<Signals>, steps: Vec<Step>) -> Arc<Self> {
        let seen = Seen { screen: Screen::default(), changed: Instant::now(), any: false, copied: None };
        Arc::new(Self {
            asker,
            output,
            signals,
            seen: Mutex::new(seen),
            run: tokio::sync::Mutex::new(Run { steps: steps.into(), ready: VecDeque::new(), begun: None }),
            opened: watch::channel(false).0,
            close: watch::channel(false).0,
            failure: Mutex::new(None),
        })
    }

    /// Returns why the script did not come to its end, if it did not.
    pub(crate) fn failure(&self) -> Option<CliError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: CliError) -> SessionInput {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        SessionInput::Close
    }

    /// Returns the next thing to do. Where this is dropped while it waits, the next one goes on waiting.
    async fn next(&self) -> SessionInput {
        let mut run = self.run.lock().await;
        loop {
            if let Some(input) = run.ready.pop_front() {
                return input;
            }
            let begun = *run.begun.get_or_insert_with(Instant::now);
            match run.steps.front() {
                None => run.ready.push_back(SessionInput::Close),
                Some(Step::Do(inputs)) => {
                    let inputs = inputs.clone();
                    run.ready.extend(inputs);
                }
                Some(Step::Wait(time)) => tokio::time::sleep_until(begun + *time).await,
                Some(Step::Still(time)) => {
                    let time = *time;
                    let (changed, any) = {
                        let seen = self.seen();
                        (seen.changed, seen.any)
                    };
                    if begun.elapsed() > STILL_TIME {
                        let what = "the picture did not stand still".to_owned();
                        return self.fail(CliError::Script(what));
                    }
                    // Only a picture that was there when the step began has stood still since before.
                    let since = changed.max(begun);
                    if !any || since.elapsed() < time {
                        let next =
                            if any { since + time } else { Instant::now() + Duration::from_millis(50) };
                        tokio::time::sleep_until(next).await;
                        continue;
                    }
                }
                Some(Step::Picture(file)) => {
                    let written = self.write_picture(file);
                    if let Err(error) = written {
                        return self.fail(error);
                    }
                }
                Some(Step::Clipboard(file)) => {
                    let copied = self.seen().copied.take();
                    let written = match copied {
                        Some(text) => write_new("the clipboard's text", file, text.as_bytes()),
                        None if begun.elapsed() > STILL_TIME => {
                            Err(CliError::Script("nothing was copied there".to_owned()))
                        }
                        None => {
                            tokio::time::sleep(Duration::from_millis(50)).await;
                            continue;
                        }
                    };
                    if let Err(error) = written {
                        return self.fail(error);
                    }
                }
            }
            run.begun = None;
            run.steps.pop_front();
        }
    }

    fn write_picture(&self, file: &Path) -> Result<(), CliError> {
        let bytes = png(self.seen().screen.shown())
            .map_err(|_| CliError::Script("nothing was shown yet that 'picture' could write".to_owned()))?;
        write_new("the picture", file, &bytes)
    }
}

impl Prompter for ScriptFront {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        self.asker.ask(asker, form)
    }
}

impl FrontEnd for ScriptFront {
    fn show(&self, event: Event) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match event {
                Event::Notice(text) => self.output.note(&text),
                Event::Connecting { .. } => self.signals.close_instead(self.close.clone()),
                Event::Opened { .. } => {
                    self.opened.send_replace(true);
                }
                Event::Desktop { event: DesktopEvent::Clipboard(text), .. } => {
                    self.seen().copied = Some(text);
                }
                Event::Desktop { event, .. } => {
                    let mut seen = self.seen();
                    match seen.screen.take(event) {
                        Ok(true) => (seen.changed, seen.any) = (Instant::now(), true),
                        Ok(false) => {}
                        Err(error) => tracing::warn!(%error, "a change was not shown"),
                    }
                }
                Event::Ended { .. } => self.signals.leave_at_once(),
                _ => {}
            }
        })
    }

    fn input(&self, _session: SessionId) -> BoxFuture<'_, SessionInput> {
        Box::pin(async move {
            let (mut opened, mut close) = (self.opened.subscribe(), self.close.subscribe());
            // The senders live as long as this front end.
            let asked = async { close.wait_for(|asked| *asked).await.map(drop).unwrap_or_default() };
            let open = async { opened.wait_for(|open| *open).await.map(drop).unwrap_or_default() };
            tokio::select! {
                biased;
                () = asked => SessionInput::Close,
                input = async { open.await; self.next().await } => input,
            }
        })
    }

    fn terminal(&self) -> Option<(TerminalSize, String)> {
        None
    }
}
