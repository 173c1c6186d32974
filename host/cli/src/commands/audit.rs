//! `ostler audit`: who did what.

use std::path::PathBuf;

use clap::Subcommand;
use ostler_app::Command;

use crate::context::Context;
use crate::error::CliError;

/// Show and verify the audit log.
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Show events, the oldest first.
    #[command(after_help = "Examples:\n  ostler audit show --last 20\n  ostler audit show --json")]
    Show {
        /// Only the newest so many.
        #[arg(long, value_name = "N")]
        last: Option<u64>,
    },
    /// Verify that nothing in the log was changed, moved or taken out.
    ///
    /// An anchor is an earlier checkpoint that was kept elsewhere: with it, even somebody who holds this machine's keys
    /// can't have written the log anew.
    #[command(
        after_help = "Examples:\n  ostler audit verify\n  ostler audit verify --anchor /media/safe/checkpoint"
    )]
    Verify {
        /// A file with an earlier checkpoint.
        #[arg(long, value_name = "FILE")]
        anchor: Option<PathBuf>,
    },
    /// Print the newest checkpoint, to be kept elsewhere.
    #[command(after_help = "Examples:\n  ostler audit checkpoint > /media/safe/checkpoint")]
    Checkpoint,
}

impl Audit {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let command = match self {
            Self::Show { last } => Command::AuditShow { last },
            Self::Checkpoint => Command::AuditCheckpoint,
            Self::Verify { anchor: None } => Command::AuditVerify { anchor: None },
            Self::Verify { anchor: Some(file) } => {
                let what = || format!("the anchor in {}", file.display());
                let text = std::fs::read_to_string(&file)
                    .map_err(|source| CliError::File { what: what(), source })?;
                Command::AuditVerify { anchor: Some(text) }
            }
        };
        context.run(command).await
    }
}
