//! `ostler store`: the store as a whole.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use ostler_app::{
    Command, KdfChange, NewStore, Reply, SecretInput, StoreFactors, create_store, make_key_file,
    move_store_aside, restore_store,
};
use serde_json::json;

use crate::context::{Context, absolute};
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
  ostler store create --replace          sets the present store aside and begins anew
  ostler store create --store-key-file /media/stick/ostler.key
  ostler store create --fips")]
    Create {
        /// Stretch the passphrase with functions that FIPS 140 approves (PBKDF2 instead of Argon2id).
        #[arg(long)]
        fips: bool,
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
  ostler store passwd --passphrase-file old --new-passphrase-file new
  ostler store passwd --kdf-memory 256")]
    Passwd {
        /// Stretch the passphrase with so much memory, in MiB; not less than a new store gets.
        #[arg(long, value_name = "MIB")]
        kdf_memory: Option<u32>,
        /// Stretch the passphrase in so many passes; the rounds of PBKDF2 in a store made with --fips.
        #[arg(long, value_name = "N")]
        kdf_passes: Option<u32>,
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
    /// Put a backup in the place of the store's database.
    ///
    /// What it replaces is kept beside it.
    #[command(after_help = "\
Examples:
  ostler store restore /media/backup/ostler.db
  ostler store restore --present         the store as it is now counts as the newest on this device")]
    Restore {
        /// The backup, made by 'ostler store backup'.
        #[arg(required_unless_present = "present")]
        file: Option<PathBuf>,
        /// Restore nothing: you put an older copy in the store's place yourself, so don't warn of it any more.
        #[arg(long, conflicts_with = "file")]
        present: bool,
        /// Don't ask whether to restore.
        #[arg(long)]
        yes: bool,
    },
    /// Give the store new keys and seal everything anew.
    ///
    /// Do it when something of the store may have got into wrong hands. The passphrase stays; change it with 'ostler store passwd'. Backups from before still open with what opened them.
    #[command(after_help = "Examples:\n  ostler store rekey")]
    Rekey,
    /// Keep a key file that the store wants beside the passphrase.
    #[command(
        subcommand,
        after_help = "Examples:\n  ostler store key-file make key\n  ostler store key-file add key"
    )]
    KeyFile(KeyFile),
    /// Let the desktop's keyring open the store.
    #[command(subcommand, after_help = "Examples:\n  ostler store keyring enable")]
    Keyring(Keyring),
}

/// A key file that the store wants beside the passphrase.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyFile {
    /// Write a new, random key file.
    #[command(after_help = "Examples:\n  ostler store key-file make /media/stick/ostler.key")]
    Make {
        /// The file; must not exist.
        file: PathBuf,
    },
    /// Want a key file from now on, or another one than before (name that with --store-key-file).
    #[command(after_help = "Examples:\n  ostler store key-file add /media/stick/ostler.key")]
    Add {
        /// The key file: any file of 32 bytes to 16 MiB that never changes.
        file: PathBuf,
    },
    /// Want no key file any more.
    #[command(
        after_help = "Examples:\n  ostler --store-key-file /media/stick/ostler.key store key-file remove"
    )]
    Remove,
}

/// The desktop's keyring (Secret Service), beside the passphrase.
#[derive(Debug, Subcommand)]
pub(crate) enum Keyring {
    /// Open the store without a passphrase while the keyring is open.
    #[command(after_help = "Examples:\n  ostler store keyring enable")]
    Enable,
    /// Ask for the passphrase again.
    #[command(after_help = "Examples:\n  ostler store keyring disable")]
    Disable,
}

impl Store {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        match self {
            Self::Create { replace, yes, fips } => {
                if replace {
                    context.lock_server().await?;
                }
                create(context, replace, yes, fips)
            }
            Self::Passwd { new_passphrase_file, new_passphrase_fd, kdf_memory, kdf_passes } => {
                let new = SecretSource::choose(new_passphrase_file.as_ref(), new_passphrase_fd);
                let kdf = KdfChange { memory_mib: kdf_memory, passes: kdf_passes };
                change_passphrase(context, new.as_ref(), kdf).await
            }
            Self::Restore { file: Some(file), yes, .. } => {
                context.lock_server().await?;
                restore(context, &file, yes)
            }
            Self::Restore { .. } => context.run(Command::StoreAcceptHistory).await,
            Self::Rekey => with_keys(context, |current| Command::StoreRekey { current }).await,
            Self::KeyFile(KeyFile::Make { file }) => {
                make_key_file(&file)?;
                let done = format!("made a key file: {}; keep a copy of it in a safe place", file.display());
                context.output.reply(&Reply::Done(done))?;
                Ok(0)
            }
            Self::KeyFile(KeyFile::Add { file }) => {
                let key_file = Some(absolute(&file)?);
                with_keys(context, |current| Command::StoreKeyFile { current, key_file }).await
            }
            Self::KeyFile(KeyFile::Remove) => {
                with_keys(context, |current| Command::StoreKeyFile { current, key_file: None }).await
            }
            Self::Keyring(Keyring::Enable) => {
                with_keys(context, |current| Command::StoreKeyringEnable { current }).await
            }
            Self::Keyring(Keyring::Disable) => context.run(Command::StoreKeyringDisable).await,
            Self::Info => context.run(Command::StoreInfo).await,
            Self::Verify => context.run(Command::StoreVerify).await,
            Self::Backup { file } => context.run(Command::StoreBackup { to: file }).await,
        }
    }
}

fn create(context: &Context, replace: bool, yes: bool, fips: bool) -> Result<u8, CliError> {
    let directory = &context.places.store;
    // What a creation that was cut off left is no store, and in nobody's way.
    let occupied = context.places.has_store();
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
    let new = NewStore { passphrase, key_file: context.key_file.clone(), fips };
    let id = create_store(&context.places, &new, &context.clock)?;
    if context.output.json() {
        context.output.value(&json!({ "id": id, "directory": directory, "set_aside": aside }))?;
    } else {
        context.output.text(&format!("created a store in {}\n", escape(&directory.display().to_string())))?;
    }
    Ok(0)
}

fn restore(context: &Context, file: &Path, yes: bool) -> Result<u8, CliError> {
    let directory = &context.places.store;
    let shown = escape(&directory.display().to_string());
    if context.places.has_store() {
        let question = format!(
            "The backup will take the place of the store's database in {shown}. What changed since the backup can't be \
             reached any more, unless the replaced file is moved back."
        );
        context.confirm(yes, &question, "restore")?;
    }
    let with = context.unlock_with(context.existing_passphrase()?);
    let aside = restore_store(&context.places, file, &with, &context.clock)?;
    if context.output.json() {
        context.output.value(&json!({ "directory": directory, "set_aside": aside }))?;
    } else {
        context.output.text(&format!("restored the store in {shown}\n"))?;
        if let Some(aside) = aside {
            context.output.note(&format!("the replaced database is kept in {}", aside.display()));
        }
    }
    Ok(0)
}

async fn change_passphrase(
    context: &Context,
    new: Option<&SecretSource>,
    kdf: KdfChange,
) -> Result<u8, CliError> {
    let (host, current) = context.sign_in_to_keys()?;
    let new = SecretInput(passphrase::new(new, context.asker, &context.output)?);
    let change = Command::ChangePassphrase { current, new, kdf };
    context.output.reply(&Box::pin(host.execute(change)).await?)?;
    Ok(0)
}

/// Signs in and carries out a command that asks again for what opens the store.
async fn with_keys(context: &Context, command: impl FnOnce(StoreFactors) -> Command) -> Result<u8, CliError> {
    let (host, current) = context.sign_in_to_keys()?;
    context.output.reply(&Box::pin(host.execute(command(current))).await?)?;
    Ok(0)
}
