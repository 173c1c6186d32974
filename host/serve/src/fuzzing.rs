//! A door for the oracles of `tests/oracles`: reads bytes as each end of the socket does, which only a process of the same user can send.
//!
//! Never used by a program.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ostler_app::{Command, Configuration, ErrorKind, Event, Reply};
use ostler_core::{Form, PromptError, SessionInput, TerminalSize};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::wire::{
    self, Answer, Execute, Failure, Frame, Hello, LARGEST_REQUEST, LARGEST_RESPONSE, Request, Response,
};
use crate::{Build, ServeError, Status};

/// Which end reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server, before it knows the client's build.
    Door,
    /// The server.
    Server,
    /// The client.
    Client,
}

/// Reads frames until one is none, and returns how many there were.
///
/// # Errors
/// A message that was read does not come back as it was written.
pub fn read(end: End, bytes: &[u8]) -> Result<usize, String> {
    match end {
        End::Door => frames::<Hello>(bytes, LARGEST_REQUEST),
        End::Server => frames::<Request>(bytes, LARGEST_REQUEST),
        End::Client => frames::<Response>(bytes, LARGEST_RESPONSE),
    }
}

/// Returns what each end may get.
#[must_use]
pub fn good() -> Vec<(End, Vec<u8>)> {
    let size = TerminalSize { columns: 80, rows: 24 };
    let execute = Execute {
        command: Command::PluginShow { id: "acme.hosts".to_owned() },
        configuration: Configuration::default(),
        terminal: Some((size, "xterm".to_owned())),
    };
    let answers =
        vec![("name".to_owned(), Answer::Text("anna".to_owned())), ("sure".to_owned(), Answer::Flag(true))];
    let status = Status {
        pid: 7,
        unlocked_seconds: 60,
        remaining_seconds: Some(3600),
        idle_limit_seconds: None,
        sessions: 1,
    };
    let form = Form { title: "Which?".to_owned(), message: String::new(), fields: Vec::new() };
    let failure =
        Failure { kind: ErrorKind::User, hint: None, messages: vec!["no".to_owned(), "because".to_owned()] };
    let mut client = messages(&[
        Request::Execute(Box::new(execute)),
        Request::Status,
        Request::Lock { sessions: true },
        Request::Answer(Ok(answers)),
        Request::Answer(Err(PromptError::Headless)),
        Request::Input(SessionInput::Resize(size)),
    ]);
    let mut server = messages(&[
        Response::Welcome,
        Response::Status(status),
        Response::Event(Event::Notice("look".to_owned())),
        Response::Ask { asker: "acme.hosts".to_owned(), form },
        Response::Done(Box::new(Reply::Done("done".to_owned()))),
        Response::Failed(failure),
    ]);
    // They go to memory, which takes everything at once.
    drop(now(wire::send_typed(&mut client, b"ls\r")));
    drop(now(wire::send_output(&mut server, false, b"list")));
    drop(now(wire::send_output(&mut server, true, b"error")));
    vec![
        (End::Door, messages(&[Hello { build: Build::default() }])),
        (End::Server, client),
        (End::Client, server),
    ]
}

fn frames<T: Serialize + DeserializeOwned>(mut bytes: &[u8], largest: usize) -> Result<usize, String> {
    let mut count = 0;
    while let Ok(Some(frame)) = next::<T>(&mut bytes, largest) {
        if let Frame::Message(message) = frame {
            let written = messages(&[message]);
            let Ok(Some(Frame::Message(again))) = next::<T>(&mut written.as_slice(), usize::MAX) else {
                return Err("what was written can't be read".to_owned());
            };
            if messages(&[again]) != written {
                return Err("what was written came back as something else".to_owned());
            }
        }
        count += 1;
    }
    Ok(count)
}

fn next<T: DeserializeOwned>(bytes: &mut &[u8], largest: usize) -> Result<Option<Frame<T>>, ServeError> {
    now(wire::receive(bytes, largest)).unwrap_or(Ok(None))
}

fn messages<T: Serialize>(messages: &[T]) -> Vec<u8> {
    let mut frames = Vec::new();
    for message in messages {
        drop(now(wire::send(&mut frames, message)));
    }
    frames
}

/// Returns what a future comes to that waits for nothing: memory is always ready.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
