//! `ostler folder`: folders of connections.

use clap::{Args, Subcommand};
use ostler_app::{Command, FolderChange, Reply};

use super::connection::ONLY_A_BACKUP;
use super::fields::{CredentialWords, SettingWords};
use crate::context::Context;
use crate::error::CliError;
use crate::names;
use crate::output::escape;

/// Keep folders of connections.
#[derive(Debug, Subcommand)]
pub(crate) enum Folder {
    /// Add a folder, and those above it that are missing.
    #[command(after_help = "\
Examples:
  ostler folder add Customers/Acme
  ostler folder add Customers --user admin --password-file pw    connections below may inherit it")]
    Add {
        /// Its path, such as Customers/Acme.
        #[arg(add = names::folders())]
        path: String,
        #[command(flatten)]
        words: FolderWords,
    },
    /// Change a folder.
    #[command(
        after_help = "Examples:\n  ostler folder edit Customers --name Clients --set recording=required"
    )]
    Edit {
        /// Its path.
        #[arg(add = names::folders())]
        path: String,
        /// The new name.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        words: FolderWords,
    },
    /// Move a folder into another one.
    #[command(
        after_help = "Examples:\n  ostler folder move Acme --into Customers\n  ostler folder move Customers/Acme --into /"
    )]
    Move {
        /// Its path.
        #[arg(add = names::folders())]
        path: String,
        /// The folder to move it into; / for the top.
        #[arg(long, value_name = "FOLDER", add = names::folders())]
        into: String,
    },
    /// Delete a folder with everything below it. Only a backup brings it back.
    #[command(
        after_help = "Examples:\n  ostler folder delete Customers/Acme\n  ostler folder delete Customers/Acme --yes"
    )]
    Delete {
        /// Its path.
        #[arg(add = names::folders())]
        path: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show a folder.
    #[command(after_help = "Examples:\n  ostler folder show Customers --json")]
    Show {
        /// Its path.
        #[arg(add = names::folders())]
        path: String,
    },
}

/// What can be set of a folder.
#[derive(Debug, Args)]
pub(crate) struct FolderWords {
    #[command(flatten)]
    credential: CredentialWords,
    #[command(flatten)]
    settings: SettingWords,
    /// A note.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

impl FolderWords {
    fn change(self, name: Option<String>, context: &Context) -> Result<FolderChange, CliError> {
        Ok(FolderChange {
            name,
            notes: self.note,
            credential: self.credential.read(context.asker, &context.output)?,
            settings: self.settings.changes(),
        })
    }
}

impl Folder {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let command = match self {
            Self::Add { path, words } => Command::FolderAdd { path, change: words.change(None, context)? },
            Self::Edit { path, name, words } => {
                Command::FolderEdit { path, change: words.change(name, context)? }
            }
            Self::Move { path, into } => Command::FolderMove { path, into },
            Self::Show { path } => Command::FolderShow { path },
            Self::Delete { path, yes } => return delete(context, path, yes).await,
        };
        context.run(command).await
    }
}

async fn delete(context: &Context, path: String, yes: bool) -> Result<u8, CliError> {
    let mut host = context.host().await?;
    let shown = host.execute(Command::FolderShow { path: path.clone() }).await?;
    if let Reply::Folder(folder) = shown {
        let question = format!(
            "The folder '{}' will be deleted with everything below it ({} folder(s) and {} connection(s) directly in it).\n\
             {ONLY_A_BACKUP}",
            escape(&folder.path),
            folder.folders,
            folder.connections
        );
        context.confirm(yes, &question, "delete")?;
    }
    context.output.reply(&host.execute(Command::FolderDelete { path }).await?)?;
    Ok(0)
}
