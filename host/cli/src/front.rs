//! The person's side of a host: a quiet one for commands that show nothing on the way, and one that carries a session
//! between the host and the terminal.
//!
//! Output goes through a thread of its own, so that a terminal that was stopped stops the session and not the keys.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_app::core::{
    BoxFuture, DesktopEvent, Form, FormAnswers, OutputStream, PromptError, Prompter, RecordingId, SessionId,
    SessionInput, TerminalSize,
};
use ostler_app::{Event, FrontEnd};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::CliError;
use crate::keyboard;
use crate::output::Output;
use crate::prompt::Asker;
use crate::signals::Signals;
use crate::terminal::{self, ChangedModes};

/// Chunks of output (of at most 64 KiB) that wait for the terminal. When they are full, the session waits.
const OUTPUT_QUEUE: usize = 16;

/// How long a session may take to close before it is left, in seconds.
const CLOSE_SECONDS: u64 = 5;

/// The front end of commands that show nothing on the way.
pub(crate) struct QuietFront {
    pub(crate) asker: Asker,
    pub(crate) output: Output,
}

impl Prompter for QuietFront {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        self.asker.ask(asker, form)
    }
}

impl FrontEnd for QuietFront {
    fn show(&self, event: Event) -> BoxFuture<'_, ()> {
        match event {
            Event::Notice(text) => self.output.note(&text),
            Event::Audited(event) => self.output.audited(&event),
            Event::Exported(lines) => self.output.lines(&lines),
            _ => {}
        }
        Box::pin(std::future::ready(()))
    }

    fn input(&self, _session: SessionId) -> BoxFuture<'_, SessionInput> {
        Box::pin(std::future::pending())
    }

    fn terminal(&self) -> Option<(TerminalSize, String)> {
        terminal::describe()
    }
}

/// Something for the output thread.
enum Job {
    Write(OutputStream, Vec<u8>),
    Flush(oneshot::Sender<()>),
}

/// What comes to the session, in one place.
struct Inputs {
    typed: mpsc::Receiver<SessionInput>,
    sizes: watch::Receiver<Option<TerminalSize>>,
    close: watch::Receiver<bool>,
    closed: bool,
}

/// The front end of one session.
pub(crate) struct SessionFront {
    asker: Asker,
    output: Output,
    writer: mpsc::Sender<Job>,
    keys: mpsc::Sender<SessionInput>,
    sizes: watch::Sender<Option<TerminalSize>>,
    close: watch::Sender<bool>,
    inputs: tokio::sync::Mutex<Inputs>,
    raw: Mutex<Option<ChangedModes>>,
    signals: Arc<Signals>,
    /// Whether standard input is left alone.
    no_input: bool,
    recording: Mutex<Option<RecordingId>>,
    /// Whether the person was told of the desktop that is not shown.
    desktop_told: AtomicBool,
}

impl SessionFront {
    /// Makes the front end and starts its output thread.
    ///
    /// # Errors
    /// Fails where no thread can be started.
    pub(crate) fn new(
        asker: Asker,
        output: Output,
        signals: Arc<Signals>,
        no_input: bool,
    ) -> Result<Arc<Self>, CliError> {
        let (writer, jobs) = mpsc::channel(OUTPUT_QUEUE);
        let (keys, typed) = mpsc::channel(keyboard::QUEUE);
        let (sizes, seen_sizes) = watch::channel(None);
        let (close, seen_close) = watch::channel(false);
        let broken = close.clone();
        std::thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || write_out(jobs, &broken))
            .map_err(CliError::Runtime)?;
        let inputs = Inputs { typed, sizes: seen_sizes, close: seen_close, closed: false };
        Ok(Arc::new(Self {
            asker,
            output,
            writer,
            keys,
            sizes,
            close,
            inputs: tokio::sync::Mutex::new(inputs),
            raw: Mutex::new(None),
            signals,
            no_input,
            recording: Mutex::new(None),
            desktop_told: AtomicBool::new(false),
        }))
    }

    /// Waits until the session was asked to close and had its time to do so.
    pub(crate) async fn left_behind(&self) -> CliError {
        let mut close = self.close.subscribe();
        // The sender lives as long as this front end.
        close.wait_for(|asked| *asked).await.map(drop).unwrap_or_default();
        tokio::time::sleep(Duration::from_secs(CLOSE_SECONDS)).await;
        CliError::Stuck(CLOSE_SECONDS)
    }

    /// Waits until everything is written, and puts the terminal back.
    pub(crate) async fn finish(&self) {
        self.signals.leave_at_once();
        let (done, written) = oneshot::channel();
        if self.writer.send(Job::Flush(done)).await.is_ok() {
            written.await.unwrap_or_default();
        }
        drop(self.raw.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Begins to read keys, raw where the session has a terminal and we too.
    fn opened(&self, recording: Option<RecordingId>, has_terminal: bool) -> io::Result<()> {
        *self.recording.lock().unwrap_or_else(PoisonError::into_inner) = recording;
        let raw = has_terminal && terminal::stdin_is_terminal() && !self.no_input;
        if raw {
            let modes = terminal::raw(rustix::stdio::stdin())?;
            *self.raw.lock().unwrap_or_else(PoisonError::into_inner) = Some(modes);
        }
        if self.no_input {
            return self.keys.try_send(SessionInput::EndOfInput).map_err(io::Error::other);
        }
        keyboard::read(self.keys.clone(), raw.then(|| self.close.clone()))
    }

    /// Passes each new size of the terminal on, from now on.
    fn watch_size(&self) {
        let mut changes = match signal(SignalKind::window_change()) {
            Ok(changes) => changes,
            Err(error) => {
                tracing::warn!(%error, "changes of the terminal's size are not heard");
                return;
            }
        };
        let sizes = self.sizes.clone();
        tokio::spawn(async move {
            while changes.recv().await.is_some() {
                if let Some(size) = terminal::size() {
                    sizes.send_replace(Some(size));
                }
            }
        });
    }

    fn recorded(&self) -> Option<RecordingId> {
        *self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Prompter for SessionFront {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        self.asker.ask(asker, form)
    }
}

impl FrontEnd for SessionFront {
    fn show(&self, event: Event) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match event {
                Event::Notice(text) => self.output.note(&text),
                Event::Opened { recording, terminal, .. } => {
                    if let Err(error) = self.opened(recording, terminal) {
                        self.output.warning(&format!("keys can't be read: {error}"));
                    }
                }
                Event::Output { stream, bytes, .. } => {
                    // The thread ends with the program only.
                    self.writer.send(Job::Write(stream, bytes)).await.unwrap_or_default();
                }
                Event::Ended { .. } => {
                    let was_raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner).is_some();
                    self.finish().await;
                    if was_raw && let Some(id) = self.recorded() {
                        self.output.note(&format!("recorded as {id}"));
                    }
                }
                // From here on there is an end to be written down: a signal asks for it, and only the second one leaves.
                Event::Connecting { .. } => self.signals.close_instead(self.close.clone()),
                Event::Desktop { event: DesktopEvent::Size(size), .. } => {
                    if !self.desktop_told.swap(true, Ordering::SeqCst) {
                        self.output.note(&format!(
                            "the desktop is open, {} x {} pixels; this terminal can't show it: Ctrl-C closes it, '--script' drives it",
                            size.width, size.height
                        ));
                    }
                }
                Event::Desktop { .. } | Event::Played { .. } | Event::Audited(_) | Event::Exported(_) => {}
            }
        })
    }

    fn input(&self, _session: SessionId) -> BoxFuture<'_, SessionInput> {
        Box::pin(async move {
            let mut inputs = self.inputs.lock().await;
            let Inputs { typed, sizes, close, closed } = &mut *inputs;
            loop {
                tokio::select! {
                    biased;
                    asked = async { close.wait_for(|asked| *asked).await.is_ok() }, if !*closed => {
                        if asked {
                            *closed = true;
                            return SessionInput::Close;
                        }
                    }
                    changed = sizes.changed() => {
                        let size = *sizes.borrow_and_update();
                        if changed.is_ok() && let Some(size) = size {
                            return SessionInput::Resize(size);
                        }
                    }
                    input = typed.recv() => match input {
                        Some(input) => return input,
                        // This front end holds a sender, so there is always one.
                        None => return std::future::pending().await,
                    },
                }
            }
        })
    }

    fn terminal(&self) -> Option<(TerminalSize, String)> {
        let described = terminal::describe()?;
        // Heard from before the session opens, so that no change is lost in between.
        self.watch_size();
        Some(described)
    }
}

/// Writes output until the front end is gone. Where nobody reads standard output any more, the session is closed.
fn write_out(mut jobs: mpsc::Receiver<Job>, broken: &watch::Sender<bool>) {
    let mut readable = true;
    while let Some(job) = jobs.blocking_recv() {
        match job {
            Job::Write(OutputStream::Standard, bytes) if readable => {
                if let Err(error) = terminal::write_stdout(&bytes) {
                    tracing::info!(%error, "standard output can't be written");
                    readable = false;
                    broken.send_replace(true);
                }
            }
            Job::Write(OutputStream::Standard, _) => {}
            Job::Write(OutputStream::Error, bytes) => {
                if let Err(error) = terminal::write_stderr(&bytes) {
                    tracing::info!(%error, "standard error can't be written");
                }
            }
            // Nobody waits where the program is ending anyhow.
            Job::Flush(done) => done.send(()).unwrap_or_default(),
        }
    }
}
