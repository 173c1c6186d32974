//! `ostler audit`: who did what.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use ostler_app::{
    AuditExport, AuditFilter, Command, ExportFormat, SinkAddress, check_growth_proof, check_line_proof,
};
use serde_json::json;

use crate::context::{Context, absolute};
use crate::error::CliError;

/// Show, verify, prove and export the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Show events, the oldest first.
    #[command(
        after_help = "Examples:\n  ostler audit show --last 20\n  ostler audit show --since 2h --event session\n  \
                      ostler audit show --connection db --follow"
    )]
    Show {
        #[command(flatten)]
        filter: Filter,
        /// Only the newest so many.
        #[arg(long, value_name = "N")]
        last: Option<u64>,
        /// Go on with the events that come.
        #[arg(long)]
        follow: bool,
    },
    /// Verify that nothing in the log was changed, moved or taken out.
    ///
    /// An anchor is an earlier checkpoint that was kept elsewhere: with it, even somebody who holds this machine's keys
    /// can't have cut the log's end off, put an older copy in its place, or written it anew.
    #[command(
        after_help = "Examples:\n  ostler audit verify\n  ostler audit verify --anchor /media/safe/checkpoint"
    )]
    Verify {
        /// A file with an earlier checkpoint.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Print the newest checkpoint, to be kept elsewhere.
    #[command(after_help = "Examples:\n  ostler audit checkpoint --out /media/safe/checkpoint")]
    Checkpoint {
        /// Write it to this file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Prove to others that an event is in the log, or that the log continues an earlier checkpoint.
    ///
    /// A proof shows nothing of the log but the sealed line. Whoever checks it needs the file 'audit/keys' of the store.
    #[command(
        after_help = "Examples:\n  ostler audit prove 42 --out event.tlog-proof\n  ostler audit prove --anchor checkpoint\n  \
                      ostler audit check-proof event.tlog-proof --keys keys"
    )]
    Prove {
        /// The event's number.
        #[arg(value_name = "NUMBER", required_unless_present = "anchor", conflicts_with = "anchor")]
        line: Option<u64>,
        /// A file with an earlier checkpoint.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
        /// Write the proof to this file.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check a proof. Needs no store.
    #[command(after_help = "Examples:\n  ostler audit check-proof event.tlog-proof --keys keys\n  \
                            ostler audit check-proof growth --keys keys --anchor checkpoint")]
    CheckProof {
        /// The proof.
        #[arg(value_name = "FILE")]
        proof: PathBuf,
        /// The public keys of the log: the file 'audit/keys' of its store.
        #[arg(long, value_name = "FILE")]
        keys: PathBuf,
        /// The earlier checkpoint, for a proof that the log continues it.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Hand events to another system, each at least once.
    ///
    /// Run it again, such as from a timer: with a cursor file it goes on where the last run ended. Over TCP an event counts
    /// as taken when the server has read it; over UDP and a local socket nobody can say. Nothing is encrypted on the way:
    /// send to a log server on this machine, and let that one do it.
    #[command(after_help = "Examples:\n  ostler audit export --since 1d --event session\n  \
                      ostler audit export --format ocsf --out events.json --cursor-file cursor\n  \
                      ostler audit export --format syslog --to tcp://127.0.0.1:514 --cursor-file cursor")]
    Export(Export),
}

/// Which events are wanted.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// Not before: a time (RFC 3339), a date, or how long ago, such as 2h.
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Not after.
    #[arg(long, value_name = "WHEN")]
    until: Option<String>,
    /// Only these, such as session.start, or session for all that begin so.
    #[arg(long, value_name = "CLASS")]
    event: Option<String>,
    /// Only of this session: its id, or its beginning.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only about this connection.
    #[arg(long, value_name = "CONNECTION")]
    connection: Option<String>,
}

/// What to export, and where to.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// How events look.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    #[command(flatten)]
    filter: Filter,
    /// Begin at the event of this number, where no cursor says it.
    #[arg(long, value_name = "NUMBER")]
    from: Option<u64>,
    /// Begin where the last run ended, as this file remembers.
    #[arg(long, value_name = "FILE", requires = "sink")]
    cursor_file: Option<PathBuf>,
    /// Add them to this file.
    #[arg(long, value_name = "FILE", group = "sink")]
    out: Option<PathBuf>,
    /// Send them: tcp://HOST:PORT, udp://HOST:PORT or unix:///dev/log.
    #[arg(long, value_name = "ADDRESS", group = "sink")]
    to: Option<SinkAddress>,
}

/// How exported events look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JSON, one event on a line.
    Jsonl,
    /// OCSF 1.3.0, one event on a line.
    Ocsf,
    /// Syslog as of RFC 5424.
    Syslog,
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let path = |path: Option<PathBuf>| path.as_deref().map(absolute).transpose();
        let command = match self {
            Self::Show { filter, last, follow } => Command::AuditShow { filter: filter.into(), last, follow },
            Self::Checkpoint { out } => Command::AuditCheckpoint { out: path(out)? },
            Self::Verify { anchor } => {
                Command::AuditVerify { anchor: anchor.map(|file| text("the anchor", &file)).transpose()? }
            }
            Self::Prove { line: Some(line), out, .. } => Command::AuditProveLine { line, out: path(out)? },
            Self::Prove { line: None, anchor, out } => {
                let anchor = text("the anchor", &anchor.unwrap_or_default())?;
                Command::AuditProveGrowth { anchor, out: path(out)? }
            }
            Self::CheckProof { proof, keys, anchor } => {
                return check_proof(context, &proof, &keys, anchor.as_deref());
            }
            Self::Export(export) => Command::AuditExport(AuditExport {
                format: match export.format {
                    Format::Jsonl => ExportFormat::Jsonl,
                    Format::Ocsf => ExportFormat::Ocsf,
                    Format::Syslog => ExportFormat::Syslog,
                },
                filter: export.filter.into(),
                from: export.from,
                cursor_file: path(export.cursor_file)?,
                to: export.to.or(path(export.out)?.map(SinkAddress::File)),
            }),
        };
        let exports = matches!(&command, Command::AuditExport(AuditExport { to: None, .. }));
        let reply = context.execute(command).await?;
        // Standard output has the events, and nothing else.
        if !exports {
            context.output.reply(&reply)?;
        }
        Ok(0)
    }
}

impl From<Filter> for AuditFilter {
    fn from(filter: Filter) -> Self {
        let Filter { since, until, event, session, connection } = filter;
        Self { since, until, class: event, session, connection }
    }
}

fn check_proof(context: &Context, proof: &Path, keys: &Path, anchor: Option<&Path>) -> Result<u8, CliError> {
    let (proof, keys) = (text("the proof", proof)?, text("the keys", keys)?);
    let (words, value) = match anchor {
        None => {
            let proved = check_line_proof(&keys, &proof)?;
            let words = format!(
                "Line {} is in the log {}, which had {} lines.\n",
                proved.sequence, proved.log, proved.lines
            );
            (
                words,
                json!({ "log": proved.log, "line": proved.sequence, "lines": proved.lines, "sealed": proved.line }),
            )
        }
        Some(anchor) => {
            let proved = check_growth_proof(&keys, &text("the anchor", anchor)?, &proof)?;
            let words =
                format!("The log {} only grew, from {} lines to {}.\n", proved.log, proved.from, proved.to);
            (words, json!({ "log": proved.log, "from": proved.from, "to": proved.to }))
        }
    };
    if context.output.json() {
        context.output.value(&value)?;
    } else {
        context.output.text(&crate::output::escape_lines(&words))?;
    }
    Ok(0)
}

fn text(what: &str, file: &Path) -> Result<String, CliError> {
    let what = || format!("{what} in {}", file.display());
    std::fs::read_to_string(file).map_err(|source| CliError::File { what: what(), source })
}
