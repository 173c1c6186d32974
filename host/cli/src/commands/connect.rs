//! `ostler connect`: a session, or one command. Its exit code is the remote command's; 255 is a failure of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use ostler_app::core::{EndReason, Exit, RunRequest};
use ostler_app::{Command, HostKeyPolicy, Reply, SessionReport};

use crate::context::Context;
use crate::error::{CliError, SESSION_FAILED};
use crate::front::SessionFront;
use crate::names;
use crate::script;
use crate::script_front::ScriptFront;

/// What a signal's exit code begins at, as shells have it.
const SIGNAL_BASE: u8 = 128;

/// The signals of POSIX by the names that SSH sends (RFC 4254, 6.10), with their numbers.
const SIGNALS: [(&str, u8); 13] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("ABRT", 6),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
];

/// Open a session, or run one command.
///
/// In a session, ~. at the beginning of a line closes it and ~? shows help. The exit code is the remote command's, 128
/// and the number for a signal, and 255 where ostler itself failed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostler connect db1                                 a session in this terminal
  ostler connect Customers/Acme/db1 -- uptime        one command; its output and exit status pass through
  ostler connect db1 -- 'cat > copy' < file          standard input is piped
  ostler connect db1 -t -- top                       a command that needs a terminal
  ostler connect db1 --dry-run                       show the plan, open nothing
  ostler connect db1 --host-key accept-new -- true   remember an unknown host key without asking
  ostler connect kiosk --script steps.txt            drive a desktop by a script
  ostler connect db1 --json -- uptime                at the end, a report as JSON on standard error")]
pub(crate) struct Connect {
    /// Which connection: a path, a name that only one has, or an id.
    #[arg(add = names::connections())]
    connection: String,
    /// Show the plan, with slots in the place of secrets, and open nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// What to do about an unknown host key. One that changed is always refused.
    #[arg(long, value_enum, value_name = "POLICY", default_value = "ask")]
    host_key: HostKeyWord,
    /// Ask for a terminal for the command.
    #[arg(short = 't', long, requires = "command")]
    terminal: bool,
    /// Drive a desktop by a script, without a person: type, key, click, wait, still, picture and more.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["command", "dry_run"])]
    script: Option<PathBuf>,
    /// Leave standard input alone: the session gets none.
    #[arg(short = 'n', long)]
    no_input: bool,
    /// The command to run; words are joined with spaces, as ssh does.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// What to do about an unknown host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum HostKeyWord {
    /// Ask.
    Ask,
    /// Remember it.
    AcceptNew,
    /// Refuse it.
    Strict,
}

impl From<HostKeyWord> for HostKeyPolicy {
    fn from(word: HostKeyWord) -> Self {
        match word {
            HostKeyWord::Ask => Self::Ask,
            HostKeyWord::AcceptNew => Self::AcceptNew,
            HostKeyWord::Strict => Self::Strict,
        }
    }
}

impl Connect {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let run = self.request();
        if self.dry_run {
            return context.run(Command::Plan { name: self.connection, run }).await;
        }
        if let Some(script) = self.script.clone() {
            return self.run_script(&script, context).await;
        }
        let signals = Arc::clone(&context.signals);
        let front = SessionFront::new(context.asker, context.output.clone(), signals, self.no_input)?;
        let mut host = context.door(front.clone()).await?;
        let host_key = self.host_key.into();
        let session = Box::pin(host.execute(Command::Connect { name: self.connection, run, host_key }));
        let ended = tokio::select! {
            ended = session => ended,
            stuck = front.left_behind() => Err(stuck),
        };
        front.finish().await;
        if let Some(code) = context.signals.exit_code() {
            return Ok(code);
        }
        let reply = ended?;
        if context.output.json() {
            context.output.report(&reply)?;
        }
        match reply {
            Reply::Session(report) => exit_code(&report),
            _ => Ok(0),
        }
    }

    /// Drives a session by a script. The end of the script is a success.
    async fn run_script(self, file: &Path, context: &Context) -> Result<u8, CliError> {
        let script = std::fs::read_to_string(file)
            .map_err(|source| CliError::File { what: format!("the script {}", file.display()), source })?;
        let steps = script::parse(&script)
            .map_err(|reason| CliError::Script(format!("{}, {reason}", file.display())))?;
        let signals = Arc::clone(&context.signals);
        let front = ScriptFront::new(context.asker, context.output.clone(), signals, steps);
        let mut host = context.door(front.clone()).await?;
        let (run, host_key) = (RunRequest::Interactive, self.host_key.into());
        let ended = Box::pin(host.execute(Command::Connect { name: self.connection, run, host_key })).await;
        if let Some(code) = context.signals.exit_code() {
            return Ok(code);
        }
        let reply = ended?;
        if context.output.json() {
            context.output.report(&reply)?;
        }
        match (front.failure(), reply) {
            (Some(failure), _) => Err(failure),
            (None, Reply::Session(SessionReport { end, .. })) if end.reason != EndReason::ClosedHere => {
                Err(CliError::SessionBroke(format!("before the script came to its end: {}", end.reason)))
            }
            (None, _) => Ok(0),
        }
    }

    fn request(&self) -> RunRequest {
        if self.command.is_empty() {
            RunRequest::Interactive
        } else {
            RunRequest::Command { line: self.command.join(" "), terminal: self.terminal }
        }
    }
}

/// Turns the end of a session into an exit code.
///
/// # Errors
/// Fails where the session did not end by itself, or how it ended is not known.
fn exit_code(report: &SessionReport) -> Result<u8, CliError> {
    match (&report.end.reason, &report.end.exit) {
        // An operating system would cut a status to eight bits, and make a success of 256.
        (EndReason::Finished, Exit::Status(status)) => Ok(u8::try_from(*status).unwrap_or(SESSION_FAILED)),
        (EndReason::Finished, Exit::Signal(name)) => {
            let number = SIGNALS.iter().find(|(known, _)| known == name).map(|(_, number)| *number);
            Ok(number.map_or(SESSION_FAILED, |number| SIGNAL_BASE.saturating_add(number)))
        }
        (EndReason::Finished, Exit::Unknown) => {
            Err(CliError::SessionBroke("the server did not say how the remote program ended".to_owned()))
        }
        (EndReason::ClosedHere, _) => Ok(SESSION_FAILED),
        (reason, _) => Err(CliError::SessionBroke(reason.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use ostler_app::core::SessionEnd;

    use super::*;

    fn code(reason: EndReason, exit: Exit) -> Option<u8> {
        let end = SessionEnd { exit, reason };
        exit_code(&SessionReport { session: String::new(), end, recording: None, duration_ms: 0 }).ok()
    }

    #[test]
    fn the_remote_status_passes_through() {
        assert_eq!(code(EndReason::Finished, Exit::Status(0)), Some(0));
        assert_eq!(code(EndReason::Finished, Exit::Status(42)), Some(42));
        assert_eq!(code(EndReason::Finished, Exit::Status(256)), Some(255));
    }

    #[test]
    fn a_remote_signal_is_128_and_its_number() {
        assert_eq!(code(EndReason::Finished, Exit::Signal("TERM".to_owned())), Some(143));
        assert_eq!(code(EndReason::Finished, Exit::Signal("ODD".to_owned())), Some(255));
    }

    #[test]
    fn a_wire_that_breaks_is_a_failure_even_with_a_status() {
        assert_eq!(code(EndReason::ConnectionLost("reset".to_owned()), Exit::Status(0)), None);
        assert_eq!(code(EndReason::Finished, Exit::Unknown), None);
    }
}
