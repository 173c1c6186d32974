//! The server's side of a front end: what a host shows and asks goes to one client, and what that client's person does
//! comes back.
//!
//! Output waits while the client takes no more, which makes the session wait. A client that is gone closes its session.

use std::sync::{Mutex, PoisonError};

use ostler_app::{AppError, Event, FrontEnd, Reply};
use ostler_core::{
    BoxFuture, Form, FormAnswers, OutputStream, PromptError, Prompter, SessionId, SessionInput, TerminalSize,
};
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Mutex as AsyncMutex, mpsc, watch};

use crate::server::Busy;
use crate::wire::{self, Failure, Response};

/// Inputs that wait for the session. When they are full, nothing more is read from the client.
pub(crate) const INPUT_QUEUE: usize = 16;

/// What comes from a client while a command runs.
pub(crate) struct Incoming {
    pub(crate) answers: mpsc::Receiver<Result<FormAnswers, PromptError>>,
    pub(crate) inputs: mpsc::Receiver<SessionInput>,
    /// Whether the client is gone.
    pub(crate) gone: watch::Receiver<bool>,
    /// Whether all sessions are to end.
    pub(crate) ending: watch::Receiver<bool>,
}

struct Inputs {
    typed: mpsc::Receiver<SessionInput>,
    gone: watch::Receiver<bool>,
    ending: watch::Receiver<bool>,
    closed: bool,
}

struct Answers {
    come: mpsc::Receiver<Result<FormAnswers, PromptError>>,
    gone: watch::Receiver<bool>,
}

/// A front end at the other end of a socket.
pub(crate) struct Remote {
    out: AsyncMutex<OwnedWriteHalf>,
    answers: AsyncMutex<Answers>,
    inputs: AsyncMutex<Inputs>,
    terminal: Option<(TerminalSize, String)>,
    /// Until the session is open, the store is in use.
    busy: Mutex<Option<Busy>>,
}

impl Remote {
    pub(crate) fn new(
        out: OwnedWriteHalf,
        incoming: Incoming,
        terminal: Option<(TerminalSize, String)>,
        busy: Busy,
    ) -> Self {
        let Incoming { answers, inputs, gone, ending } = incoming;
        Self {
            out: AsyncMutex::new(out),
            answers: AsyncMutex::new(Answers { come: answers, gone: gone.clone() }),
            inputs: AsyncMutex::new(Inputs { typed: inputs, gone, ending, closed: false }),
            terminal,
            busy: Mutex::new(Some(busy)),
        }
    }

    /// Tells the client how its command came out.
    pub(crate) async fn reply(&self, outcome: Result<Reply, AppError>) {
        self.idle();
        self.send(&match outcome {
            Ok(reply) => Response::Done(Box::new(reply)),
            Err(error) => Response::Failed(failure(&error)),
        })
        .await;
    }

    fn idle(&self) {
        drop(self.busy.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Sends; a client that is gone is noticed by whoever reads from it.
    async fn send(&self, response: &Response) {
        if let Err(error) = wire::send(&mut *self.out.lock().await, response).await {
            tracing::debug!(%error, "a client takes no more");
        }
    }
}

impl Prompter for Remote {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        Box::pin(async move {
            // One question at a time: an answer has no other name than its turn.
            let mut answers = self.answers.lock().await;
            self.send(&Response::Ask { asker: asker.to_owned(), form: form.clone() }).await;
            let Answers { come, gone } = &mut *answers;
            tokio::select! {
                answer = come.recv() => answer.unwrap_or(Err(PromptError::Declined)),
                () = told(gone) => Err(PromptError::Declined),
            }
        })
    }
}

impl FrontEnd for Remote {
    fn show(&self, event: Event) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            match event {
                Event::Output { stream, bytes, .. } => {
                    let error = stream == OutputStream::Error;
                    if let Err(error) = wire::send_output(&mut *self.out.lock().await, error, &bytes).await {
                        tracing::debug!(%error, "a client takes no more output");
                    }
                }
                event => {
                    if matches!(event, Event::Opened { .. }) {
                        self.idle();
                    }
                    self.send(&Response::Event(event)).await;
                }
            }
        })
    }

    fn input(&self, _session: SessionId) -> BoxFuture<'_, SessionInput> {
        Box::pin(async move {
            let mut inputs = self.inputs.lock().await;
            let Inputs { typed, gone, ending, closed } = &mut *inputs;
            if *closed {
                return std::future::pending().await;
            }
            let input = tokio::select! {
                biased;
                () = told(ending) => SessionInput::Close,
                () = told(gone) => SessionInput::Close,
                input = typed.recv() => input.unwrap_or(SessionInput::Close),
            };
            *closed = input == SessionInput::Close;
            input
        })
    }

    fn terminal(&self) -> Option<(TerminalSize, String)> {
        self.terminal.clone()
    }
}

/// Waits until it is so. Where it can't become so any more, it is.
async fn told(flag: &mut watch::Receiver<bool>) {
    flag.wait_for(|set| *set).await.map(drop).unwrap_or_default();
}

fn failure(error: &AppError) -> Failure {
    let chain = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    Failure { kind: error.kind(), hint: error.hint(), messages: chain.map(ToString::to_string).collect() }
}
