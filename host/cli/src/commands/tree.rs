//! `ostler tree`: folders and connections at a glance.

use clap::Args;
use ostler_app::Command;

use crate::context::Context;
use crate::error::CliError;
use crate::names;

/// Show folders and connections as a tree.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ostler tree\n  ostler tree Customers")]
pub(crate) struct Tree {
    /// The folder to begin at.
    #[arg(default_value = "", add = names::folders())]
    folder: String,
}

impl Tree {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        context.run(Command::Tree { folder: self.folder }).await
    }
}
