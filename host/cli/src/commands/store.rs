//! `ostler store`: the store as a whole.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use ostler_app::{Command, SecretInput, create_store, move_store_aside};
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;
use crate::output::escape;
use crate::passphrase;
use crate::secret_file::SecretSource;

/// Create, check and back up the store.
#[derive(Debug, Subcommand)]
pub(crate) enum Store {
    /// Create a store. A lost passphrase can't be recovered.
    #[command(after_help = "\
Examples:
  ostler store create
  ostler --store /srv/ostler store create --passphrase-file pass
  ostler store create --replace          sets the present store aside and begins anew")]
    Create {
        /// Set the present store aside (it is kept) and create a new, empty one.
        #[arg(long)]
        replace: bool,
        /// Don't ask whether to replace.
        #[arg(long)]
        yes: bool,
    },
    /// Change the passphrase.
    #[command(after_help = "\
Examples:
  ostler store passwd
  ostler store passwd --passphrase-file old --new-passphrase-file new")]
    Passwd {
        /// Read the new passphrase from a file.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
        /// Read the new passphrase from an open file descriptor.
        #[arg(long, value_name = "N", conflicts_with = "new_passphrase_file")]
        new_passphrase_fd: Option<u32>,
    },
    /// Show what the store holds.
    #[command(after_help = "Examples:\n  ostler store info\n  ostler store info --json")]
    Info,
    /// Open everything in the store's database and say whether it is whole.
    ///
    /// Recordings and the audit log have checks of their own: 'ostler recording verify' and 'ostler audit verify'.
    #[command(after_help = "Examples:\n  ostler store verify")]
    Verify,
    /// Copy the store's database to a new file. It stays sealed.
    #[command(after_help = "Examples:\n  ostler store backup /media/backup/ostler.db")]
    Backup {
        /// The file; must not exist.
        file: PathBuf,
    },
}

impl Store {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        match self {
            Self::Create { replace, yes } => create(context, replace, yes),
            Self::Passwd { new_passphrase_file, new_passphrase_fd } => {
                let new = SecretSource::choose(new_passphrase_file.as_ref(), new_passphrase_fd);
                change_passphrase(context, new.as_ref()).await
            }
            Self::Info => context.run(Command::StoreInfo).await,
            Self::Verify => context.run(Command::StoreVerify).await,
            Self::Backup { file } => context.run(Command::StoreBackup { to: file }).await,
        }
    }
}

fn create(context: &Context, replace: bool, yes: bool) -> Result<u8, CliError> {
    let directory = &context.places.store;
    let occupied = is_occupied(directory);
    if occupied && !replace {
        return Err(CliError::StoreExists(directory.clone()));
    }
    if occupied {
        let question = format!(
            "The store in {} will be set aside. What is in it can't be reached any more, unless it is moved back.",
            escape(&directory.display().to_string())
        );
        context.confirm(yes, &question, "replace")?;
    }
    // Before anything is moved: a passphrase that can't be used must leave the old store where it is.
    let passphrase = passphrase::new(context.passphrase.as_ref(), context.asker, &context.output)?;
    let aside = if occupied { Some(move_store_aside(&context.places, &context.clock)?) } else { None };
    if let Some(aside) = &aside {
        context.output.note(&format!("the old store is kept in {}", aside.display()));
    }
    let id = create_store(&context.places, &passphrase, &context.clock)?;
    if context.output.json() {
        context.output.value(&json!({ "id": id, "directory": directory, "set_aside": aside }))?;
    } else {
        context.output.text(&format!("created a store in {}\n", escape(&directory.display().to_string())))?;
    }
    Ok(0)
}

/// Tells whether something stands in the way of a new store.
fn is_occupied(directory: &Path) -> bool {
    match std::fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_some(),
        // Missing is free; what is no directory or can't be read is left to the host to complain about.
        Err(_) => false,
    }
}

async fn change_passphrase(context: &Context, new: Option<&SecretSource>) -> Result<u8, CliError> {
    // Read once: a descriptor gives it only once, and a person should type it only once.
    let current = context.existing_passphrase()?;
    let host = context.locked(context.quiet())?.unlock(&context.unlock_with(current.clone()))?;
    let new = passphrase::new(new, context.asker, &context.output)?;
    let change = Command::ChangePassphrase { current: SecretInput(current), new: SecretInput(new) };
    context.output.reply(&Box::pin(host.execute(change)).await?)?;
    Ok(0)
}
