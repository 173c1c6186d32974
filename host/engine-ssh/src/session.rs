//! An open session: what it shows, what the user does, and how it ends.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{
    BoxFuture, EndReason, Exit, OutputStream, SessionControl, SessionEnd, SessionError, SessionEvent,
    SessionEvents, SessionInput,
};
use russh::client::{Handle, Msg};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect, Sig};
use tokio::time::timeout;

use crate::connect::WireCutter;
use crate::ending::Ending;
use crate::handshake::Client;
use crate::text;

/// The most bytes of one output event, as the engine trait promises.
const LARGEST_OUTPUT: usize = 64 * 1024;
/// How long a polite end may take before the wire is cut.
const GOODBYE: Duration = Duration::from_secs(1);
/// The type of extended data that is standard error (RFC 4254, 5.2).
const STANDARD_ERROR: u32 = 1;

/// The connection under a session. Dropping it cuts the wire.
pub(crate) struct Connection {
    pub(crate) handle: Handle<Client>,
    pub(crate) ending: Arc<Ending>,
    cutter: WireCutter,
}

impl Connection {
    pub(crate) fn new(handle: Handle<Client>, cutter: WireCutter, ending: Arc<Ending>) -> Self {
        Self { handle, cutter, ending }
    }

    /// Takes leave of the server and cuts the wire.
    async fn close(&self) {
        let goodbye = async {
            if self.handle.disconnect(Disconnect::ByApplication, "", "").await.is_ok() {
                self.ending.until_wire_gone().await;
            }
        };
        if timeout(GOODBYE, goodbye).await.is_err() {
            tracing::debug!("the server did not take leave");
        }
        self.cutter.cut();
    }
}

/// The reading half.
pub(crate) struct Events {
    connection: Arc<Connection>,
    /// None once the session is over, so that the wire's task stops waiting for a reader.
    read: Option<ChannelReadHalf>,
    early: VecDeque<ChannelMsg>,
    ready: VecDeque<SessionEvent>,
    exit: Exit,
    ended: Option<SessionEnd>,
}

impl Events {
    pub(crate) fn new(
        connection: Arc<Connection>,
        read: ChannelReadHalf,
        early: VecDeque<ChannelMsg>,
    ) -> Self {
        let read = Some(read);
        Self { connection, read, early, ready: VecDeque::new(), exit: Exit::Unknown, ended: None }
    }

    /// Shows these bytes before all others.
    pub(crate) fn with_banner(mut self, banner: Option<(OutputStream, Vec<u8>)>) -> Self {
        self.ready.extend(banner.map(|(stream, bytes)| SessionEvent::Output { stream, bytes }));
        self
    }

    async fn event(&mut self) -> SessionEvent {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            if let Some(end) = &self.ended {
                return SessionEvent::Ended(end.clone());
            }
            match self.message().await {
                Some(ChannelMsg::Data { data }) => self.output(OutputStream::Standard, data.into()),
                Some(ChannelMsg::ExtendedData { data, ext: STANDARD_ERROR }) => {
                    self.output(OutputStream::Error, data.into());
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => self.exit = Exit::Status(exit_status),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.exit = Exit::Signal(name_of(&signal_name));
                }
                Some(ChannelMsg::Close) | None => self.end().await,
                Some(_) => {}
            }
        }
    }

    /// Waits for the server's next message; none once the connection or the user's patience is gone.
    async fn message(&mut self) -> Option<ChannelMsg> {
        if let Some(message) = self.early.pop_front() {
            return Some(message);
        }
        let read = self.read.as_mut()?;
        tokio::select! {
            biased;
            () = self.connection.ending.until_closed_here() => None,
            message = read.wait() => message,
        }
    }

    fn output(&mut self, stream: OutputStream, mut bytes: Vec<u8>) {
        // Only a server that ignores the packet size it was told gets here with more than one piece.
        while bytes.len() > LARGEST_OUTPUT {
            let rest = bytes.split_off(LARGEST_OUTPUT);
            self.ready.push_back(SessionEvent::Output { stream, bytes });
            bytes = rest;
        }
        if !bytes.is_empty() {
            self.ready.push_back(SessionEvent::Output { stream, bytes });
        }
    }

    async fn end(&mut self) {
        let ending = &self.connection.ending;
        let reason = match (&self.exit, ending.wire()) {
            _ if ending.is_closed_here() => EndReason::ClosedHere,
            (Exit::Unknown, Some(reason)) => reason,
            (Exit::Unknown, None) => EndReason::ClosedByServer(String::new()),
            _ => EndReason::Finished,
        };
        self.ended = Some(SessionEnd { exit: self.exit.clone(), reason });
        self.read = None;
        self.connection.close().await;
    }
}

impl SessionEvents for Events {
    fn next(&mut self) -> BoxFuture<'_, SessionEvent> {
        Box::pin(self.event())
    }
}

/// The writing half.
pub(crate) struct Control {
    connection: Arc<Connection>,
    write: ChannelWriteHalf<Msg>,
    terminal: bool,
}

impl Control {
    pub(crate) fn new(connection: Arc<Connection>, write: ChannelWriteHalf<Msg>, terminal: bool) -> Self {
        Self { connection, write, terminal }
    }

    async fn input(&self, input: SessionInput) -> Result<(), SessionError> {
        match input {
            SessionInput::Bytes(bytes) => self.unless_over(self.write.data_bytes(bytes)).await,
            SessionInput::EndOfInput => self.unless_over(self.write.eof()).await,
            SessionInput::Resize(size) if self.terminal => {
                let change = self.write.window_change(size.columns.into(), size.rows.into(), 0, 0);
                self.unless_over(change).await
            }
            // It shows a terminal, or nothing.
            SessionInput::Resize(_)
            | SessionInput::ResizeDesktop(_)
            | SessionInput::Pointer(_)
            | SessionInput::Key(_)
            | SessionInput::Clipboard(_) => Ok(()),
            SessionInput::Close => {
                self.connection.ending.close_here();
                self.connection.close().await;
                Ok(())
            }
        }
    }

    /// Sends, unless the session is over: russh would wait for a window that never opens again.
    async fn unless_over(
        &self,
        sending: impl Future<Output = Result<(), russh::Error>>,
    ) -> Result<(), SessionError> {
        tokio::select! {
            biased;
            () = self.connection.ending.until_over() => Err(SessionError::Ended),
            sent = sending => sent.map_err(|_| SessionError::Ended),
        }
    }
}

impl SessionControl for Control {
    fn send(&mut self, input: SessionInput) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(self.input(input))
    }
}

/// Returns a signal's name as RFC 4254, 6.10 writes it; russh keeps its own to itself.
fn name_of(signal: &Sig) -> String {
    match signal {
        Sig::Custom(name) => text::one_line(name),
        known => format!("{known:?}"),
    }
}
