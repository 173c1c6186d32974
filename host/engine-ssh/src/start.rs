//! From a log-in to a running program: the channel, its variables, its terminal, the shell or command.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use ostler_core::{OpenedSession, OutputStream, SecretField, SessionContext, SessionError, SshPlan, SshRun};
use russh::{ChannelMsg, ChannelReadHalf, Pty};

use crate::handshake::Banner;
use crate::login::value;
use crate::session::{Connection, Control, Events};
use crate::text;

/// Packets that may come before the server says that the program started. More is a server that does not keep the
/// protocol's order.
const EARLY_PACKETS: usize = 64;

/// Starts what the plan says.
pub(crate) async fn start(
    plan: &SshPlan,
    context: &SessionContext,
    connection: Connection,
    banner: &Banner,
) -> Result<OpenedSession, SessionError> {
    // All secrets first: what is refused must not run half of the plan.
    let mut variables = Vec::new();
    for (name, text) in &plan.environment {
        variables.push((name, value(plan, context, text, SecretField::Environment)?));
    }
    let channel = match connection.handle.channel_open_session().await {
        Ok(channel) => channel,
        Err(russh::Error::ChannelOpenFailure(_)) => return Err(not_started("a session")),
        Err(seen) => return Err(lost(plan, &connection, &seen).await),
    };
    let (read, write) = channel.split();
    let mut replies = Replies { read, early: VecDeque::new() };
    // A request that can't be sent any more shows as a missing reply, with the reason.
    for (name, value) in variables {
        // Servers take few variables and say nothing useful about those that they don't.
        sent(write.set_env(false, name.as_str(), value).await);
    }
    if plan.terminal {
        let (columns, rows) = (context.terminal.columns.into(), context.terminal.rows.into());
        let modes = [(Pty::IUTF8, 1)];
        sent(write.request_pty(true, &context.terminal_type, columns, rows, 0, 0, &modes).await);
        replies.expect(plan, &connection, "a terminal").await?;
    }
    match &plan.run {
        SshRun::Shell => {
            sent(write.request_shell(true).await);
            replies.expect(plan, &connection, "the shell").await?;
        }
        SshRun::Command(command) => {
            sent(write.exec(true, command.as_bytes()).await);
            replies.expect(plan, &connection, "the command").await?;
        }
    }
    let connection = Arc::new(connection);
    let banner = banner.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let events = Events::new(Arc::clone(&connection), replies.read, replies.early)
        .with_banner(banner_output(plan, &banner));
    let control = Control::new(connection, write, plan.terminal);
    Ok(OpenedSession { events: Box::new(events), control: Box::new(control) })
}

fn sent(result: Result<(), russh::Error>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a request was not sent");
    }
}

async fn lost(plan: &SshPlan, connection: &Connection, seen: &russh::Error) -> SessionError {
    SessionError::Lost { target: plan.target.clone(), cause: connection.ending.cause(seen).await }
}

fn not_started(what: &str) -> SessionError {
    SessionError::NotStarted { what: what.to_owned() }
}

/// The banner goes where OpenSSH's client puts it: before everything else, and beside a command's output.
fn banner_output(plan: &SshPlan, banner: &str) -> Option<(OutputStream, Vec<u8>)> {
    if banner.is_empty() {
        return None;
    }
    let line = format!("{}\n", banner.trim_end_matches('\n'));
    Some(if plan.terminal {
        (OutputStream::Standard, text::lines(&line).replace('\n', "\r\n").into_bytes())
    } else {
        (OutputStream::Error, line.into_bytes())
    })
}

/// The server's replies to requests, and what came before them.
struct Replies {
    read: ChannelReadHalf,
    early: VecDeque<ChannelMsg>,
}

impl Replies {
    /// Waits for the reply to the last request.
    async fn expect(
        &mut self,
        plan: &SshPlan,
        connection: &Connection,
        what: &str,
    ) -> Result<(), SessionError> {
        while self.early.len() < EARLY_PACKETS {
            match self.read.wait().await {
                Some(ChannelMsg::Success) => return Ok(()),
                Some(ChannelMsg::Failure | ChannelMsg::Close) => return Err(not_started(what)),
                Some(message) => self.early.push_back(message),
                None => return Err(lost(plan, connection, &russh::Error::Disconnect).await),
            }
        }
        let cause = format!("it sends output before it says whether it starts {what}");
        Err(SessionError::Protocol { target: plan.target.clone(), cause })
    }
}
