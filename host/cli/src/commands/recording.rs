//! `ostler recording`: what happened in sessions.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};
use ostler_app::{Command, Reply};

use crate::context::Context;
use crate::error::{CliError, DAMAGED};
use crate::names;
use crate::play::{Pace, PlayFront};
use crate::terminal;

/// Play, export and verify recordings. A recording is named by its id, the beginning of it, or 'newest'.
#[derive(Debug, Subcommand)]
pub(crate) enum Recording {
    /// List recordings, the newest first.
    #[command(after_help = "Examples:\n  ostler recording list\n  ostler recording list --json")]
    List,
    /// Play a recording in this terminal. Ctrl-C stops it.
    #[command(after_help = "\
Examples:
  ostler recording play newest
  ostler recording play 3f --speed 4 --idle-limit 1
  ostler recording play 3f --from 90")]
    Play {
        /// Which.
        #[arg(add = names::recordings())]
        recording: String,
        /// How many times faster.
        #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = speed)]
        speed: f64,
        /// Begin so many seconds into it; the screen is shown as it was then.
        #[arg(long, value_name = "SECONDS", default_value = "0", value_parser = seconds)]
        from: Duration,
        /// Cut pauses to so many seconds.
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        idle_limit: Option<Duration>,
    },
    /// Write what a recorded desktop showed at a moment as a picture (PNG).
    ///
    /// The file is not sealed.
    #[command(after_help = "Examples:\n  ostler recording picture newest --at 12.5 --out desktop.png")]
    Picture {
        /// Which.
        #[arg(add = names::recordings())]
        recording: String,
        /// So many seconds into it; a time behind its end is its end.
        #[arg(long, value_name = "SECONDS", value_parser = seconds)]
        at: Duration,
        /// The file; must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write a recording to a file that other programs read. The file is not sealed.
    #[command(after_help = "\
Examples:
  ostler recording export 3f --format asciicast --out session.cast
  ostler recording export 3f --format pictures --every 1 --out pictures")]
    Export {
        /// Which.
        #[arg(add = names::recordings())]
        recording: String,
        /// The format.
        #[arg(long, value_enum, value_name = "FORMAT", default_value = "asciicast")]
        format: Format,
        /// Of pictures: at most one for so many seconds.
        #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
        every: Duration,
        /// The file, or the folder of the pictures; must not exist.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Verify one recording, or all, against themselves and the audit log.
    #[command(after_help = "Examples:\n  ostler recording verify\n  ostler recording verify 3f")]
    Verify {
        /// Which; without it, all.
        #[arg(add = names::recordings())]
        recording: Option<String>,
    },
    /// Delete a recording. This can't be undone; the audit log keeps that it was there.
    #[command(after_help = "Examples:\n  ostler recording delete 3f\n  ostler recording delete 3f --yes")]
    Delete {
        /// Which.
        #[arg(add = names::recordings())]
        recording: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
}

/// A format of exported recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// asciicast v3, for asciinema: of a terminal.
    Asciicast,
    /// A folder of pictures (PNG), each named by its time in microseconds: of a desktop.
    Pictures,
}

/// Takes a factor.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(factor) if factor.is_finite() && factor > 0.0 => Ok(factor),
        _ => Err("expected a number above 0, such as 2 or 0.5".to_owned()),
    }
}

/// Takes seconds, with a fraction or without.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected seconds, such as 90 or 1.5".to_owned())
}

impl Recording {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        match self {
            Self::List => context.run(Command::RecordingList).await,
            Self::Play { recording, speed, from, idle_limit } => {
                play(context, recording, Pace { speed, from, idle_limit }).await
            }
            Self::Picture { recording, at, out } => {
                context.run(Command::RecordingPicture { id: recording, at, out }).await
            }
            Self::Export { recording, format: Format::Asciicast, out, .. } => {
                context.run(Command::RecordingExport { id: recording, out }).await
            }
            Self::Export { recording, format: Format::Pictures, every, out } => {
                context.run(Command::RecordingPictures { id: recording, every, out }).await
            }
            Self::Verify { recording } => verify(context, recording).await,
            Self::Delete { recording, yes } => {
                let question = format!(
                    "The recording '{}' will be deleted.\nThis can't be undone, and backups of the store have no recordings: \
                     'ostler recording export' keeps what it shows.",
                    crate::output::escape(&recording)
                );
                context.confirm(yes, &question, "delete")?;
                context.run(Command::RecordingDelete { id: recording }).await
            }
        }
    }
}

async fn play(context: &Context, recording: String, pace: Pace) -> Result<u8, CliError> {
    let front = Arc::new(PlayFront::new(context.asker, context.output.clone(), pace));
    let mut host = context.door(front).await?;
    // What is typed meanwhile must not be mixed into the picture.
    let _hidden = if terminal::stdin_is_terminal() && terminal::stdout_is_terminal() {
        terminal::lines(rustix::stdio::stdin(), false).ok()
    } else {
        None
    };
    let played = host.execute(Command::RecordingPlay { id: recording }).await;
    terminal::restore();
    played?;
    Ok(0)
}

async fn verify(context: &Context, recording: Option<String>) -> Result<u8, CliError> {
    let reply = context.execute(Command::RecordingVerify { id: recording }).await?;
    context.output.reply(&reply)?;
    let Reply::RecordingsVerified(list) = reply else { return Ok(0) };
    let broken = list.iter().any(|recording| matches!(recording.state.as_str(), "damaged" | "missing"));
    Ok(if broken { DAMAGED } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_and_seconds_that_make_no_sense_are_refused() {
        assert_eq!(speed("0.5"), Ok(0.5));
        assert!(["0", "-1", "inf", "NaN", "fast"].iter().all(|text| speed(text).is_err()));
        assert_eq!(seconds("1.5"), Ok(Duration::from_millis(1500)));
        assert!(["-1", "1e30", "NaN", "soon"].iter().all(|text| seconds(text).is_err()));
    }
}
