//! One client at the server: who it is, what it asks for, and what it does until that is done.

use std::sync::Arc;

use ostler_app::Command;
use ostler_core::SessionInput;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, watch};

use crate::front::{INPUT_QUEUE, Incoming, Remote};
use crate::server::{LockReason, Served};
use crate::wire::{self, Execute, Frame, Hello, LARGEST_REQUEST, Request, Response};
use crate::{ServeError, socket};

/// Serves one client.
pub(crate) async fn attend(stream: UnixStream, served: Arc<Served>) {
    if let Err(error) = let_in(stream, &served).await {
        tracing::warn!(%error, "a client was turned away");
    }
}

async fn let_in(stream: UnixStream, served: &Arc<Served>) -> Result<(), ServeError> {
    socket::peer(&stream, &served.socket)?;
    let (mut from, mut to) = stream.into_split();
    let Some(hello) = wire::receive::<Hello>(&mut from, LARGEST_REQUEST).await? else { return Ok(()) };
    let Frame::Message(Hello { build }) = hello else { return Err(unexpected()) };
    if build != served.build {
        say(&mut to, &Response::OtherBuild).await;
        return Ok(());
    }
    say(&mut to, &Response::Welcome).await;
    let Some(request) = wire::receive::<Request>(&mut from, LARGEST_REQUEST).await? else { return Ok(()) };
    match request {
        Frame::Message(Request::Status) => say(&mut to, &Response::Status(served.status())).await,
        Frame::Message(Request::Lock { sessions }) => {
            // The process must not end before this is answered.
            let _answering = served.begin();
            served.lock(LockReason::Asked);
            if sessions {
                served.ending.send_replace(true);
            }
            served.closed().await;
            say(&mut to, &Response::Locked).await;
        }
        Frame::Message(Request::Execute(execute)) => Box::pin(carry_out(served, *execute, from, to)).await,
        _ => return Err(unexpected()),
    }
    Ok(())
}

async fn carry_out(served: &Arc<Served>, execute: Execute, from: OwnedReadHalf, to: OwnedWriteHalf) {
    let Execute { command, configuration, terminal } = execute;
    let busy = served.begin();
    let session = matches!(command, Command::Connect { .. }).then(|| served.session());
    let (answer, answers) = mpsc::channel(1);
    let (typed, inputs) = mpsc::channel(INPUT_QUEUE);
    let (left, gone) = watch::channel(false);
    let listening = tokio::spawn(async move {
        if let Err(error) = listen(from, &answer, &typed).await {
            tracing::warn!(%error, "a client is not listened to any more");
        }
        left.send_replace(true);
    });
    let incoming = Incoming { answers, inputs, gone, ending: served.ending.subscribe() };
    let front = Arc::new(Remote::new(to, incoming, terminal, busy));
    let host = served.host.attend(Arc::clone(&front) as Arc<dyn ostler_app::FrontEnd>, configuration);
    let outcome = Box::pin(host.execute(command)).await;
    if outcome.as_ref().is_err_and(ostler_app::AppError::wants_sign_in) {
        served.lock(LockReason::Rekeyed);
    }
    drop(session);
    front.reply(outcome).await;
    listening.abort();
}

/// Takes what comes from a client until it is gone.
async fn listen(
    mut from: OwnedReadHalf,
    answer: &mpsc::Sender<Result<ostler_core::FormAnswers, ostler_core::PromptError>>,
    typed: &mpsc::Sender<SessionInput>,
) -> Result<(), ServeError> {
    while let Some(frame) = wire::receive::<Request>(&mut from, LARGEST_REQUEST).await? {
        let taken = match frame {
            Frame::Typed(bytes) => typed.send(SessionInput::Bytes(bytes)).await.is_ok(),
            Frame::Message(Request::Input(input)) => typed.send(input).await.is_ok(),
            Frame::Message(Request::Answer(answered)) => {
                answer.send(answered.map(wire::answers_from_wire)).await.is_ok()
            }
            _ => return Err(unexpected()),
        };
        if !taken {
            break;
        }
    }
    Ok(())
}

/// Says something to a client that may be gone.
async fn say(to: &mut OwnedWriteHalf, response: &Response) {
    if let Err(error) = wire::send(to, response).await {
        tracing::debug!(%error, "a client did not wait for its answer");
    }
}

fn unexpected() -> ServeError {
    ServeError::Frame("something that makes no sense here".to_owned())
}
