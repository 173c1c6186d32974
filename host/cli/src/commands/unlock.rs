//! Unlocking once for many commands: `unlock`, `lock` and `serve`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ostler_app::core::SecretBytes;
use ostler_app::{CheckView, Span};
use ostler_serve::{Client, Lifetime, ServeError, Server, Status};
use serde_json::json;
use tokio::sync::watch;

use crate::context::Context;
use crate::error::CliError;

/// How long a store stays unlocked where nobody says it.
pub(crate) const WHOLE: Duration = Duration::from_hours(8);

/// How long nobody may use it where nobody says it.
pub(crate) const IDLE: Duration = Duration::from_mins(30);

/// How often a person may try a passphrase.
const TRIES: u32 = 3;

/// The exit code of a wrong passphrase.
const WRONG_PASSPHRASE: u8 = 3;

/// What the process in the background writes when it serves.
const READY: &str = "ready";

/// How long the store stays unlocked.
#[derive(Debug, Args)]
pub(crate) struct Spans {
    /// Lock after this time, such as 8h, 45m or never; 8h where nothing else is configured.
    #[arg(long = "for", value_name = "TIME")]
    whole: Option<Span>,
    /// Lock after this time without a command, such as 30m or never; 30m where nothing else is configured.
    #[arg(long, value_name = "TIME")]
    idle: Option<Span>,
}

impl Spans {
    fn lifetime(&self, context: &Context) -> Lifetime {
        let configured = &context.configuration.unlock;
        let chosen = |named: Option<Span>, configured: Option<Span>, fallback| {
            named.or(configured).unwrap_or(Span(Some(fallback))).0
        };
        Lifetime {
            whole: chosen(self.whole, configured.whole, WHOLE),
            idle: chosen(self.idle, configured.idle, IDLE),
        }
    }
}

/// Holds the store unlocked in the background, so that commands ask no more.
#[derive(Debug, Args)]
pub(crate) struct Unlock {
    #[command(flatten)]
    spans: Spans,
    /// Only say how it stands; the exit code is 1 where the store is locked.
    #[arg(long, conflicts_with_all = ["whole", "idle"])]
    status: bool,
}

/// Locks the store that 'ostler unlock' holds open.
#[derive(Debug, Args)]
pub(crate) struct Lock {
    /// End the sessions that are open, too.
    #[arg(long)]
    sessions: bool,
}

/// Holds the store unlocked in the foreground, as a service does.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    spans: Spans,
    /// Say 'ready' on standard output, then leave the terminal.
    #[arg(long, hide = true)]
    detach: bool,
}

impl Unlock {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let running = context.client().await?;
        if self.status {
            let status = match running {
                Some(client) => match client.status().await {
                    Ok(status) => Some(status),
                    // It locked while it was asked.
                    Err(ServeError::Gone) => None,
                    Err(error) => return Err(error.into()),
                },
                None => None,
            };
            report(context, status.as_ref())?;
            return Ok(u8::from(status.is_none()));
        }
        if let Some(client) = running {
            context.output.note("the store is unlocked already; 'ostler lock' ends that");
            report(context, Some(&client.status().await?))?;
            return Ok(0);
        }
        let locked = context.locked(context.quiet())?;
        locked.check_key_file(context.key_file.as_deref())?;
        let lifetime = self.spans.lifetime(context);
        let mut tries = if context.passphrase.is_none() { TRIES } else { 1 };
        // Signed in here and forgotten again: the process in the background asks the keyring itself.
        let by_keyring = context.ask_keyring(&locked)?.is_some();
        loop {
            tries = tries.saturating_sub(1);
            if context.passphrase.is_none() && !by_keyring {
                context.wait(&locked);
            }
            let passphrase = if by_keyring { None } else { Some(context.existing_passphrase()?) };
            match start(context, passphrase.as_ref(), lifetime)? {
                0 => break,
                WRONG_PASSPHRASE if tries > 0 => {}
                code => return Ok(code),
            }
        }
        let client = context.client().await?.ok_or(ServeError::Gone)?;
        report(context, Some(&client.status().await?))?;
        Ok(0)
    }
}

impl Lock {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let was_unlocked = match context.connect().await {
            Ok(Some(client)) => {
                client.lock(self.sessions).await?;
                true
            }
            Ok(None) => false,
            // It understands no request of this build, but every process understands this.
            Err(ServeError::OtherBuild { pid }) => {
                end(pid)?;
                true
            }
            Err(error) => return Err(error.into()),
        };
        if context.output.json() {
            context.output.value(&json!({ "was_unlocked": was_unlocked }))?;
        } else {
            let words = if was_unlocked { "the store is locked\n" } else { "the store was locked already\n" };
            context.output.text(words)?;
        }
        Ok(0)
    }
}

impl Serve {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        if self.detach {
            // Where it leads a group already, there is no terminal to leave.
            rustix::process::setsid().map(drop).unwrap_or_default();
        }
        let lifetime = self.spans.lifetime(context);
        let server = Server::bind(&context.socket, context.build.clone())?;
        let host = context.sign_in(context.quiet())?;
        let told = |limit: Option<Duration>| {
            limit.map_or_else(|| "never".to_owned(), |limit| seconds(limit.as_secs()))
        };
        host.audit_serving(&[("for", told(lifetime.whole)), ("idle", told(lifetime.idle))])?;
        let (stop, stopped) = watch::channel(false);
        context.signals.close_instead(stop);
        if self.detach {
            context.output.text(&format!("{READY}\n"))?;
            leave_terminal().map_err(CliError::Runtime)?;
        } else {
            context.output.note("the store is unlocked for other commands; Ctrl-C locks it");
        }
        let reason = server.run(host, lifetime, Arc::clone(&context.clock), stopped).await;
        tracing::info!(reason = reason.words(), "locked");
        if !self.detach {
            context.output.note(&format!("the store is locked: {}", reason.words()));
        }
        Ok(0)
    }
}

/// Starts the process that holds the store, gives it the passphrase, and returns with 0 once it serves, or its exit code.
fn start(context: &Context, passphrase: Option<&SecretBytes>, lifetime: Lifetime) -> Result<u8, CliError> {
    let program = std::env::current_exe().map_err(CliError::Runtime)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "the program starts itself; no plugin and no plan has a say in it"
    )]
    let mut command = std::process::Command::new(program);
    command.arg("--store").arg(&context.places.store);
    if let Some(config) = &context.config_named {
        command.arg("--config").arg(config);
    }
    if let Some(key_file) = &context.key_file {
        command.arg("--store-key-file").arg(key_file);
    }
    if passphrase.is_some() {
        command.args(["--passphrase-fd", "0"]);
    }
    command.args(["--batch", "serve", "--detach"]);
    let span = |limit: Option<Duration>| {
        limit.map_or_else(|| "never".to_owned(), |limit| format!("{}s", limit.as_secs()))
    };
    command.arg("--for").arg(span(lifetime.whole)).arg("--idle").arg(span(lifetime.idle));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(CliError::Runtime)?;
    if let (Some(mut pipe), Some(passphrase)) = (child.stdin.take(), passphrase) {
        // A process that ended early says why by its exit code.
        pipe.write_all(passphrase.expose()).and_then(|()| pipe.write_all(b"\n")).unwrap_or_default();
    }
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line).map_err(CliError::Runtime)?;
    }
    if line.trim_end() == READY {
        return Ok(0);
    }
    let ended = child.wait().map_err(CliError::Runtime)?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(8))
}

/// Lets go of the terminal: nothing comes from it and nothing goes to it any more.
fn leave_terminal() -> std::io::Result<()> {
    let nothing = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nothing)?;
    rustix::stdio::dup2_stdout(&nothing)?;
    rustix::stdio::dup2_stderr(&nothing)?;
    // A directory that is held can't be unmounted.
    std::env::set_current_dir("/")
}

/// Asks a process of this user to end.
fn end(pid: u32) -> Result<(), CliError> {
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return Err(ServeError::Gone.into()) };
    rustix::process::kill_process(pid, rustix::process::Signal::TERM)
        .map_err(|error| CliError::Runtime(error.into()))
}

fn report(context: &Context, status: Option<&Status>) -> Result<(), CliError> {
    if context.output.json() {
        return context.output.value(&json!({ "unlocked": status.is_some(), "status": status }));
    }
    let Some(status) = status else { return context.output.text("the store is locked\n") };
    let mut words = match status.remaining_seconds {
        Some(left) => format!("the store is unlocked for {} more", seconds(left)),
        None => "the store is unlocked".to_owned(),
    };
    if let Some(idle) = status.idle_limit_seconds {
        words.push_str(&format!("; it locks after {} without a command", seconds(idle)));
    }
    if status.sessions > 0 {
        words.push_str(&format!("; {} session(s) are open", status.sessions));
    }
    words.push('\n');
    context.output.text(&words)
}

/// Writes a time as a person says it: the two largest units.
fn seconds(seconds: u64) -> String {
    // Full minutes from one on: a time that began just now is not a minute short.
    let minutes = if seconds < 60 { 0 } else { seconds.div_ceil(60) };
    let (hours, minutes) = (minutes / 60, minutes % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl Context {
    /// Connects to the process that holds the store unlocked, if one does; one of another build is told of and not used.
    pub(crate) async fn client(&self) -> Result<Option<Client>, CliError> {
        match self.connect().await {
            Err(error @ ServeError::OtherBuild { .. }) => {
                self.output.warning(&format!("{error}; 'ostler lock' ends it"));
                Ok(None)
            }
            other => Ok(other?),
        }
    }

    /// Locks the store where a process holds it unlocked, before its files are replaced under that process.
    pub(crate) async fn lock_server(&self) -> Result<(), CliError> {
        if let Some(client) = self.client().await? {
            client.lock(false).await?;
            self.output.note("the store was unlocked in the background, and is locked now");
        }
        Ok(())
    }

    /// Tells the doctor whether a process holds the store unlocked, and whether it can be used.
    pub(crate) async fn check_server(&self) -> CheckView {
        let name = "unlocked store";
        let held = match self.connect().await {
            Ok(None) => return CheckView::good(name, "no process holds the store unlocked"),
            Ok(Some(client)) => client.status().await,
            Err(error) => Err(error),
        };
        match held {
            Ok(status) => {
                let rest = status.remaining_seconds.map(|left| format!(" for {} more", seconds(left)));
                let rest = rest.unwrap_or_default();
                CheckView::good(name, format!("process {} holds the store unlocked{rest}", status.pid))
            }
            Err(error @ ServeError::OtherBuild { .. }) => {
                CheckView::warning(name, error.to_string(), "'ostler lock' ends it, then unlock again")
            }
            Err(error) => {
                let error = CliError::from(error);
                CheckView::bad(name, error.to_string(), error.hint().unwrap_or_default())
            }
        }
    }

    async fn connect(&self) -> Result<Option<Client>, ServeError> {
        Client::connect(&self.socket, &self.build).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_do() {
        let said = [0, 59, 60, 3_600, 28_799, 28_800].map(seconds);
        assert_eq!(said, ["0 s", "59 s", "1 min", "1 h", "8 h", "8 h"]);
    }
}
