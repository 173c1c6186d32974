//! What goes over the socket. A frame is a length of 4 bytes (most significant first) and so many bytes of body; the first
//! byte of a body says what it is: a message in MessagePack, or bytes of a session as they are.

use std::io;

use ostler_app::{Command, Configuration, ErrorKind, Event, Reply, SecretInput};
use ostler_core::{Form, FormAnswer, FormAnswers, PromptError, SessionInput, SlotName, TerminalSize};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::{Build, ServeError};

/// The most that a client may send at once, in bytes: a command with a private key, a form, typed bytes.
pub(crate) const LARGEST_REQUEST: usize = 8 << 20;

/// The most that a server may send at once, in bytes: a list of a million connections.
pub(crate) const LARGEST_RESPONSE: usize = 1 << 30;

/// How much of a frame is made room for before it has come.
const ROOM: usize = 64 << 10;

const MESSAGE: u8 = 0;
const STANDARD_OUTPUT: u8 = 1;
const STANDARD_ERROR: u8 = 2;
const TYPED: u8 = 3;

/// What a client says first. Everything else is understood by the same build only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) build: Build,
}

/// What a client asks for after it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Carry a command out.
    Execute(Box<Execute>),
    /// Say how things stand.
    Status,
    /// Lock the store, and end the sessions too if it says so.
    Lock { sessions: bool },
    /// What a person answered.
    Answer(Result<Vec<(String, Answer)>, PromptError>),
    /// What a person did in the session.
    Input(SessionInput),
}

/// A command and what its front end is like.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Execute {
    pub(crate) command: Command,
    pub(crate) configuration: Configuration,
    pub(crate) terminal: Option<(TerminalSize, String)>,
}

/// What a server says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Response {
    /// Go on.
    Welcome,
    /// The client is another build.
    OtherBuild,
    /// How things stand.
    Status(Status),
    /// The store is locked.
    Locked,
    /// Show this.
    Event(Event),
    /// Ask this.
    Ask { asker: String, form: Form },
    /// The command is done.
    Done(Box<Reply>),
    /// The command failed.
    Failed(Failure),
}

/// The answer to one field of a form.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Text(String),
    Flag(bool),
    Secret { slot: SlotName, bytes: SecretInput },
}

/// Why a command failed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    pub(crate) hint: Option<String>,
    /// What failed, then each cause.
    pub(crate) messages: Vec<String>,
}

/// How a server stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Its process.
    pub pid: u32,
    /// Seconds since it was unlocked.
    pub unlocked_seconds: u64,
    /// Seconds until it locks by itself; none for never.
    pub remaining_seconds: Option<u64>,
    /// Seconds without a command after which it locks; none for never.
    pub idle_limit_seconds: Option<u64>,
    /// Sessions that are open.
    pub sessions: usize,
}

/// One frame's body.
#[derive(Debug)]
pub(crate) enum Frame<T> {
    Message(T),
    Output(Vec<u8>),
    Error(Vec<u8>),
    Typed(Vec<u8>),
}

pub(crate) fn answers_to_wire(answers: FormAnswers) -> Vec<(String, Answer)> {
    let one = |answer| match answer {
        FormAnswer::Text(text) => Answer::Text(text),
        FormAnswer::Flag(flag) => Answer::Flag(flag),
        FormAnswer::Secret { slot, bytes } => Answer::Secret { slot, bytes: SecretInput(bytes) },
    };
    answers.into_iter().map(|(field, answer)| (field, one(answer))).collect()
}

pub(crate) fn answers_from_wire(answers: Vec<(String, Answer)>) -> FormAnswers {
    let one = |answer| match answer {
        Answer::Text(text) => FormAnswer::Text(text),
        Answer::Flag(flag) => FormAnswer::Flag(flag),
        Answer::Secret { slot, bytes } => FormAnswer::Secret { slot, bytes: bytes.0 },
    };
    answers.into_iter().map(|(field, answer)| (field, one(answer))).collect()
}

/// Writes a message.
pub(crate) async fn send<T: Serialize>(to: &mut (impl AsyncWrite + Unpin), message: &T) -> io::Result<()> {
    // Room for the length, which is known at the end only.
    let mut frame = vec![0, 0, 0, 0, MESSAGE];
    // As text formats have it: ids and paths are written and read in one way only.
    let mut serializer = rmp_serde::Serializer::new(&mut frame).with_human_readable();
    message.serialize(&mut serializer).map_err(io::Error::other)?;
    let length = frame.len().saturating_sub(4);
    let length = u32::try_from(length).map_err(|_| io::Error::other("the message is too long"))?;
    if let Some(head) = frame.first_chunk_mut() {
        *head = length.to_be_bytes();
    }
    to.write_all(&frame).await
}

/// Writes output of a session.
pub(crate) async fn send_output(
    to: &mut (impl AsyncWrite + Unpin),
    error: bool,
    bytes: &[u8],
) -> io::Result<()> {
    send_bytes(to, if error { STANDARD_ERROR } else { STANDARD_OUTPUT }, bytes).await
}

/// Writes what was typed.
pub(crate) async fn send_typed(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    send_bytes(to, TYPED, bytes).await
}

async fn send_bytes(to: &mut (impl AsyncWrite + Unpin), kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len().saturating_add(1))
        .map_err(|_| io::Error::other("the chunk is too long"))?;
    let mut frame = Vec::with_capacity(bytes.len().saturating_add(5));
    frame.extend(length.to_be_bytes());
    frame.push(kind);
    frame.extend(bytes);
    to.write_all(&frame).await
}

/// Reads a frame of at most so many bytes; none where the other end is gone. Must not be dropped half way.
pub(crate) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    largest: usize,
) -> Result<Option<Frame<T>>, ServeError> {
    let mut head = [0; 4];
    if from.read_exact(&mut head).await.is_err() {
        return Ok(None);
    }
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > largest {
        return Err(ServeError::Frame(format!("a frame of {length} bytes, and {largest} are allowed")));
    }
    // Room is made as bytes come: a length alone costs nothing.
    let mut body = Vec::with_capacity(length.min(ROOM));
    let came = from.take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut body).await;
    if came.is_err() || body.len() < length {
        return Ok(None);
    }
    let Some((kind, rest)) = body.split_first() else {
        return Err(ServeError::Frame("a frame without a body".to_owned()));
    };
    Ok(Some(match *kind {
        MESSAGE => {
            let mut deserializer = rmp_serde::Deserializer::from_read_ref(rest).with_human_readable();
            let message = T::deserialize(&mut deserializer);
            Frame::Message(message.map_err(|error| ServeError::Frame(error.to_string()))?)
        }
        STANDARD_OUTPUT => Frame::Output(rest.to_vec()),
        STANDARD_ERROR => Frame::Error(rest.to_vec()),
        TYPED => Frame::Typed(rest.to_vec()),
        other => return Err(ServeError::Frame(format!("a frame of kind {other}"))),
    }))
}
