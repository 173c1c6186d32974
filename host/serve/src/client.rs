//! The client: brings a command to a server, shows and asks what the server's host shows and asks, and returns with its
//! reply.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ostler_app::{AppError, Command, Configuration, Event, FrontEnd, RelayedCause, Reply};
use ostler_core::{OutputStream, SessionId, SessionInput};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::wire::{self, Execute, Failure, Frame, Hello, LARGEST_RESPONSE, Request, Response};
use crate::{Build, ServeError, Status, socket};

/// A connection to a server, good for one request.
pub struct Client {
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    socket: PathBuf,
}

impl Client {
    /// Connects; none where nobody serves.
    ///
    /// # Errors
    /// Fails where the other end belongs to another user or is another build, or the system says no.
    pub async fn connect(path: &Path, build: &Build) -> Result<Option<Self>, ServeError> {
        let stream = match UnixStream::connect(path).await {
            Ok(stream) => stream,
            Err(error) if is_nobody(&error) => return Ok(None),
            Err(source) => return Err(ServeError::Io { path: path.to_owned(), source }),
        };
        let pid = socket::peer(&stream, path)?;
        let (from, to) = stream.into_split();
        let mut client = Self { from, to, socket: path.to_owned() };
        match client.ask(&Hello { build: build.clone() }).await {
            Ok(Response::Welcome) => Ok(Some(client)),
            // It locked while we came.
            Err(ServeError::Gone) => Ok(None),
            Ok(_) | Err(ServeError::Frame(_)) => Err(ServeError::OtherBuild { pid }),
            Err(error) => Err(error),
        }
    }

    /// Returns how the server stands.
    ///
    /// # Errors
    /// Fails where the server goes away.
    pub async fn status(mut self) -> Result<Status, ServeError> {
        match self.ask(&Request::Status).await? {
            Response::Status(status) => Ok(status),
            _ => Err(unexpected()),
        }
    }

    /// Locks the store; `sessions` ends those that are open too.
    ///
    /// # Errors
    /// Fails where the server goes away.
    pub async fn lock(mut self, sessions: bool) -> Result<(), ServeError> {
        match self.ask(&Request::Lock { sessions }).await? {
            Response::Locked => Ok(()),
            _ => Err(unexpected()),
        }
    }

    /// Has a command carried out, as [`ostler_app::Host::execute`] does here.
    ///
    /// # Errors
    /// Fails as the host says, or where the server goes away.
    pub async fn execute(
        self,
        command: Command,
        configuration: Configuration,
        front: Arc<dyn FrontEnd>,
    ) -> Result<Reply, ClientError> {
        let Self { mut from, to, socket } = self;
        let to = Arc::new(Mutex::new(to));
        let execute = Box::new(Execute { command, configuration, terminal: front.terminal() });
        wire::send(&mut *to.lock().await, &Request::Execute(execute)).await.map_err(failed(&socket))?;
        let mut typing = None;
        let mut opened = None;
        loop {
            let Some(frame) = wire::receive::<Response>(&mut from, LARGEST_RESPONSE).await? else {
                return Err(ServeError::Gone.into());
            };
            let response = match (frame, opened) {
                (Frame::Message(response), _) => response,
                (Frame::Output(bytes), Some(session)) => {
                    front.show(Event::Output { session, stream: OutputStream::Standard, bytes }).await;
                    continue;
                }
                (Frame::Error(bytes), Some(session)) => {
                    front.show(Event::Output { session, stream: OutputStream::Error, bytes }).await;
                    continue;
                }
                _ => return Err(unexpected().into()),
            };
            match response {
                Response::Event(event) => {
                    match event {
                        Event::Connecting { session, .. } => {
                            typing = Some(Typing::start(session, Arc::clone(&front), Arc::clone(&to)));
                        }
                        Event::Opened { session, .. } => opened = Some(session),
                        // What is typed from now on is not for this session.
                        Event::Ended { .. } => drop(typing.take()),
                        _ => {}
                    }
                    front.show(event).await;
                }
                Response::Ask { asker, form } => {
                    let answers = front.ask(&asker, &form).await.map(wire::answers_to_wire);
                    // A server that is gone is noticed when it is read from.
                    wire::send(&mut *to.lock().await, &Request::Answer(answers)).await.unwrap_or_default();
                }
                Response::Done(reply) => return Ok(*reply),
                Response::Failed(failure) => return Err(relayed(failure).into()),
                _ => return Err(unexpected().into()),
            }
        }
    }

    async fn ask(&mut self, request: &impl serde::Serialize) -> Result<Response, ServeError> {
        wire::send(&mut self.to, request).await.map_err(|error| match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => ServeError::Gone,
            _ => failed(&self.socket)(error),
        })?;
        match wire::receive(&mut self.from, LARGEST_RESPONSE).await? {
            Some(Frame::Message(response)) => Ok(response),
            Some(_) => Err(unexpected()),
            None => Err(ServeError::Gone),
        }
    }
}

/// Why a command did not come back with a reply.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The host at the other end said so.
    #[error(transparent)]
    Host(#[from] AppError),
    /// The way there broke.
    #[error(transparent)]
    Serve(#[from] ServeError),
}

/// What a person does, on its way to the server. Dropping it stops.
struct Typing(JoinHandle<()>);

impl Typing {
    fn start(session: SessionId, front: Arc<dyn FrontEnd>, to: Arc<Mutex<OwnedWriteHalf>>) -> Self {
        Self(tokio::spawn(async move {
            loop {
                let input = front.input(session).await;
                let mut to = to.lock().await;
                let sent = match input {
                    SessionInput::Bytes(bytes) => wire::send_typed(&mut *to, &bytes).await,
                    other => wire::send(&mut *to, &Request::Input(other)).await,
                };
                if sent.is_err() {
                    return;
                }
            }
        }))
    }
}

impl Drop for Typing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn is_nobody(error: &io::Error) -> bool {
    // Where it locks while somebody comes, whoever waits to be taken in is reset (unix(7)).
    let gone = [io::ErrorKind::NotFound, io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionReset];
    gone.contains(&error.kind())
}

fn failed(socket: &Path) -> impl Fn(io::Error) -> ServeError {
    let path = socket.to_owned();
    move |source| ServeError::Io { path: path.clone(), source }
}

fn unexpected() -> ServeError {
    ServeError::Frame("an answer to another question".to_owned())
}

fn relayed(failure: Failure) -> AppError {
    let Failure { kind, hint, messages } = failure;
    let mut messages = messages.into_iter();
    let message = messages.next().unwrap_or_default();
    let source =
        messages.rev().fold(None, |source, message| Some(Box::new(RelayedCause { message, source })));
    AppError::Relayed { kind, message, hint, source }
}
