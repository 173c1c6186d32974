//! `ostler connection`: connections.

use clap::{Args, Subcommand};
use ostler_app::{Command, ConnectionChange, Reply};

use super::fields::{CredentialWords, SettingWords, pair, port};
use crate::context::Context;
use crate::error::CliError;
use crate::names;
use crate::output::escape;

/// Keep connections. A connection is named by its path, by a name that only one has, or by its id.
#[derive(Debug, Subcommand)]
pub(crate) enum Connection {
    /// Add a connection.
    #[command(after_help = "\
Examples:
  ostler connection add db1 --type ssh --host db1.example --user admin --password-file pw
  ostler connection add db2 --type ssh --host db2.example --port 2222 --user admin --key-file ~/.ssh/id_ed25519
  ostler connection add web --type ssh --host web.example --folder Customers/Acme --credential inherit")]
    Add {
        /// Its name.
        name: String,
        /// Its type, such as ssh.
        #[arg(long = "type", value_name = "TYPE")]
        kind: String,
        /// The folder to put it in; missing ones are made.
        #[arg(long, value_name = "FOLDER", default_value = "", add = names::folders())]
        folder: String,
        /// The host.
        #[arg(long, value_name = "HOST")]
        host: String,
        #[command(flatten)]
        words: Box<ConnectionWords>,
    },
    /// Change a connection. What is not named stays as it is.
    #[command(after_help = "\
Examples:
  ostler connection edit db1 --host db1.new.example --port 22
  ostler connection edit db1 --password-file pw
  ostler connection edit db1 --set ssh.keepalive-seconds=30 --tag production --remove-tag test")]
    Edit {
        /// Which.
        #[arg(add = names::connections())]
        connection: String,
        /// The new name.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// The new host. Stored secrets are bound to it then.
        #[arg(long, value_name = "HOST")]
        host: Option<String>,
        #[command(flatten)]
        words: Box<ConnectionWords>,
    },
    /// Move a connection into another folder.
    #[command(
        after_help = "Examples:\n  ostler connection move db1 --into Customers/Acme\n  ostler connection move db1 --into /"
    )]
    Move {
        /// Which.
        #[arg(add = names::connections())]
        connection: String,
        /// The folder; / for the top.
        #[arg(long, value_name = "FOLDER", add = names::folders())]
        into: String,
    },
    /// Copy a connection, its secrets too.
    #[command(
        after_help = "Examples:\n  ostler connection copy db1 db1-test\n  ostler connection copy db1 db1 --folder Test"
    )]
    Copy {
        /// Which.
        #[arg(add = names::connections())]
        connection: String,
        /// The name of the copy.
        name: String,
        /// The folder of the copy; / for the top. Without it, the same one.
        #[arg(long, value_name = "FOLDER", add = names::folders())]
        folder: Option<String>,
    },
    /// Delete a connection and its secrets. Only a backup brings them back.
    #[command(after_help = "Examples:\n  ostler connection delete db1\n  ostler connection delete db1 --yes")]
    Delete {
        /// Which.
        #[arg(add = names::connections())]
        connection: String,
        /// Don't ask.
        #[arg(long)]
        yes: bool,
    },
    /// Show a connection. Secrets are named, never shown.
    #[command(after_help = "Examples:\n  ostler connection show db1")]
    Show {
        /// Which.
        #[arg(add = names::connections())]
        connection: String,
    },
    /// List the settings that connections and folders can have.
    #[command(after_help = "Examples:\n  ostler connection settings")]
    Settings,
    /// List connections.
    #[command(after_help = "\
Examples:
  ostler connection list
  ostler connection list --folder Customers --json
  ostler connection list --search 'acme db'")]
    List {
        /// Only what is in this folder or below.
        #[arg(long, value_name = "FOLDER", default_value = "", add = names::folders())]
        folder: String,
        /// Only what has all these words in its name, host, tags, folders or notes; the best first.
        #[arg(long, value_name = "WORDS", default_value = "")]
        search: String,
    },
}

/// What can be set of a connection.
#[derive(Debug, Args)]
pub(crate) struct ConnectionWords {
    /// The port, 1 to 65535. Without one, the type's own.
    #[arg(long, value_name = "PORT", value_parser = port, allow_negative_numbers = true)]
    port: Option<u16>,
    #[command(flatten)]
    credential: CredentialWords,
    #[command(flatten)]
    settings: SettingWords,
    /// A note.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Add a tag.
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// Remove a tag.
    #[arg(long, value_name = "TAG", visible_alias = "untag")]
    remove_tag: Vec<String>,
    /// Set a field of your own.
    #[arg(long, value_name = "NAME=TEXT", value_parser = pair)]
    field: Vec<(String, String)>,
    /// Remove a field of your own.
    #[arg(long, value_name = "NAME")]
    remove_field: Vec<String>,
}

impl ConnectionWords {
    fn change(
        self,
        name: Option<String>,
        host: Option<String>,
        context: &Context,
    ) -> Result<ConnectionChange, CliError> {
        let removed = self.remove_field.into_iter().map(|name| (name, None));
        Ok(ConnectionChange {
            name,
            host,
            port: self.port,
            credential: self.credential.read(context.asker, &context.output)?,
            settings: self.settings.changes(),
            notes: self.note,
            add_tags: self.tag.into_iter().collect(),
            remove_tags: self.remove_tag.into_iter().collect(),
            custom_fields: removed
                .chain(self.field.into_iter().map(|(name, text)| (name, Some(text))))
                .collect(),
        })
    }
}

impl Connection {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let command = match self {
            Self::Add { name, kind, folder, host, words } => Command::ConnectionAdd {
                name,
                folder,
                kind,
                change: words.change(None, Some(host), context)?,
            },
            Self::Edit { connection, name, host, words } => {
                Command::ConnectionEdit { name: connection, change: words.change(name, host, context)? }
            }
            Self::Move { connection, into } => Command::ConnectionMove { name: connection, into },
            Self::Copy { connection, name, folder } => {
                Command::ConnectionCopy { name: connection, to: name, folder }
            }
            Self::Show { connection } => Command::ConnectionShow { name: connection },
            Self::Settings => Command::ConnectionSettings,
            Self::List { folder, search } => Command::ConnectionList { folder, search },
            Self::Delete { connection, yes } => return delete(context, connection, yes).await,
        };
        context.run(command).await
    }
}

/// What is said before something of the store is deleted.
pub(super) const ONLY_A_BACKUP: &str =
    "This can't be undone without a backup: 'ostler store backup FILE' makes one.";

async fn delete(context: &Context, name: String, yes: bool) -> Result<u8, CliError> {
    let mut host = context.host().await?;
    let shown = host.execute(Command::ConnectionShow { name: name.clone() }).await?;
    if let Reply::Connection(connection) = shown {
        let path = escape(&connection.path);
        let question = format!("The connection '{path}' and its secrets will be deleted.\n{ONLY_A_BACKUP}");
        context.confirm(yes, &question, "delete")?;
    }
    context.output.reply(&host.execute(Command::ConnectionDelete { name }).await?)?;
    Ok(0)
}
