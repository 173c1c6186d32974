//! A session channel: what the client asked for before something runs in it, its input, its output and its end.
//!
//! Input waits in a queue without a bound, unlike in a real server: a fake that gives its input back would otherwise
//! stop reading while it waits to write, and the client with it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Disconnect, Sig};
use tokio::sync::Notify;

use super::commands::{self, End};
use super::log::Observed;
use super::server::Shared;
use super::shell;
use super::wire::Wire;

/// Something that arrives in a channel.
#[derive(Debug)]
pub(crate) enum Input {
    /// Bytes of input.
    Bytes(Vec<u8>),
    /// The terminal has a new size.
    Resized,
    /// No more input comes.
    End,
}

/// The channel as a command sees it.
pub(crate) struct Io {
    inbox: Arc<Inbox>,
    write: ChannelWriteHalf<Msg>,
    pub(crate) variables: BTreeMap<String, String>,
    /// Columns and rows, where there is a terminal.
    pub(crate) terminal: Option<(u32, u32)>,
}

#[derive(Default)]
struct Inbox {
    waiting: Mutex<VecDeque<Option<ChannelMsg>>>,
    filled: Notify,
}

/// Serves a channel on a task of its own until it closes.
pub(crate) fn start(channel: Channel<Msg>, handle: Handle, shared: Arc<Shared>, wire: Arc<Wire>) {
    let (read, write) = channel.split();
    let id = write.id();
    let inbox = Arc::<Inbox>::default();
    tokio::spawn(fill(read, Arc::clone(&inbox), Arc::clone(&shared)));
    let io = Io { inbox, write, variables: BTreeMap::new(), terminal: None };
    tokio::spawn(async move {
        if let Err(error) = serve(io, id, &handle, &shared, &wire).await {
            tracing::debug!(%error, "a channel of the fake server failed");
        }
    });
}

async fn fill(mut read: ChannelReadHalf, inbox: Arc<Inbox>, shared: Arc<Shared>) {
    loop {
        let message = read.wait().await;
        match &message {
            Some(ChannelMsg::WindowChange { col_width, row_height, .. }) => {
                shared.log.push(Observed::Resized { columns: *col_width, rows: *row_height });
            }
            Some(ChannelMsg::Eof) => shared.log.push(Observed::EndOfInput),
            _ => {}
        }
        let over = message.is_none();
        inbox.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
        inbox.filled.notify_one();
        if over {
            return;
        }
    }
}

async fn serve(
    mut io: Io,
    id: ChannelId,
    handle: &Handle,
    shared: &Shared,
    wire: &Wire,
) -> anyhow::Result<()> {
    let end = loop {
        match io.next().await {
            Some(ChannelMsg::SetEnv { variable_name, variable_value, .. }) => {
                io.variables.insert(variable_name, variable_value);
            }
            Some(ChannelMsg::RequestPty { col_width, row_height, .. }) => {
                io.terminal = Some((col_width, row_height));
            }
            Some(ChannelMsg::Exec { command, .. }) => {
                let line = String::from_utf8_lossy(&command).into_owned();
                shared.log.push(Observed::Command(line.clone()));
                break commands::execute(&mut io, &line).await?;
            }
            Some(ChannelMsg::RequestShell { .. }) => break shell::run(&mut io, shared).await?,
            None => return Ok(()),
            Some(_) => {}
        }
    };
    if end != End::Gone {
        shared.log.push(Observed::Finished);
    }
    match end {
        End::Status(status) => {
            io.write.exit_status(status).await?;
            io.write.eof().await?;
            io.write.close().await?;
        }
        End::Killed => {
            let words = "killed by its own hand".to_owned();
            // The handle says only that the connection is gone, and then nothing is left to say.
            if handle.exit_signal_request(id, Sig::TERM, false, words, String::new()).await.is_ok() {
                io.write.eof().await?;
                io.write.close().await?;
            }
        }
        End::Cut => wire.cut(),
        End::Frozen => wire.freeze(),
        End::Disconnect(words) => handle.disconnect(Disconnect::ByApplication, words, String::new()).await?,
        End::Gone => {}
    }
    Ok(())
}

impl Io {
    /// Waits for input; none once the channel is closed.
    pub(crate) async fn input(&mut self) -> Option<Input> {
        loop {
            match self.next().await? {
                ChannelMsg::Data { data } => return Some(Input::Bytes(data.into())),
                ChannelMsg::WindowChange { col_width, row_height, .. } => {
                    if let Some(size) = &mut self.terminal {
                        *size = (col_width, row_height);
                        return Some(Input::Resized);
                    }
                }
                ChannelMsg::Eof => return Some(Input::End),
                _ => {}
            }
        }
    }

    /// Writes bytes as they are.
    pub(crate) async fn raw(&self, bytes: Vec<u8>) -> anyhow::Result<()> {
        Ok(self.write.data_bytes(bytes).await?)
    }

    /// Writes text; line ends become those of a terminal where there is one.
    pub(crate) async fn say(&self, text: &str) -> anyhow::Result<()> {
        self.raw(self.lines(text)).await
    }

    /// Writes text to standard error, which a terminal does not have.
    pub(crate) async fn complain(&self, text: &str) -> anyhow::Result<()> {
        if self.terminal.is_some() {
            return self.say(text).await;
        }
        Ok(self.write.extended_data_bytes(1, self.lines(text)).await?)
    }

    fn lines(&self, text: &str) -> Vec<u8> {
        if self.terminal.is_some() { text.replace('\n', "\r\n") } else { text.to_owned() }.into_bytes()
    }

    /// Puts input back, to be read first.
    pub(crate) fn put_back(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            let message = ChannelMsg::Data { data: bytes.into() };
            self.inbox.waiting.lock().unwrap_or_else(PoisonError::into_inner).push_front(Some(message));
        }
    }

    async fn next(&self) -> Option<ChannelMsg> {
        loop {
            let first = self.inbox.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match first {
                Some(message) => return message,
                None => self.inbox.filled.notified().await,
            }
        }
    }
}
