//! `ostler plugin`: what plugins there are and what they may do.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ostler_app::{Command, GrantBounds, LogLevel, SecretInput};

use super::author::{Author, public_key};
use super::fields::pair;
use crate::context::Context;
use crate::error::CliError;
use crate::names;
use crate::secret_file::SecretSource;

/// See and decide what plugins may do.
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List plugins.
    #[command(after_help = "Examples:\n  ostler plugin list --json")]
    List,
    /// Show a plugin: what it asks for, has, used and was refused.
    #[command(after_help = "Examples:\n  ostler plugin show ostler.launcher-ssh")]
    Show {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
    },
    /// Let a plugin run.
    #[command(after_help = "Examples:\n  ostler plugin enable ostler.importer-csv")]
    Enable {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
    },
    /// Don't let a plugin run.
    #[command(after_help = "Examples:\n  ostler plugin disable ostler.importer-csv")]
    Disable {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
    },
    /// Give a plugin a capability that it asks for.
    #[command(after_help = "Examples:\n  ostler plugin grant example.importer storage")]
    Grant {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
        /// The capability.
        capability: String,
        #[command(flatten)]
        bounds: Bounds,
    },
    /// Set what a plugin lets you set
    ///
    /// Without --set, --unset and --secret-file you are asked for each.
    #[command(after_help = "\
Examples:
  ostler plugin configure example.source --show
  ostler plugin configure example.source --set server=vault.example --secret-file token=token.txt")]
    Configure {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
        /// Set a value; a list has commas between its texts.
        #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
        set: Vec<(String, String)>,
        /// Take back what was set.
        #[arg(long, value_name = "KEY")]
        unset: Vec<String>,
        /// Store the secret that is in this file (one newline at its end does not count).
        #[arg(long, value_name = "KEY=FILE", value_parser = pair)]
        secret_file: Vec<(String, String)>,
        /// Only show what is set, and what can be.
        #[arg(long, conflicts_with_all = ["set", "unset", "secret_file"])]
        show: bool,
    },
    /// List what a credential source holds.
    #[command(after_help = "Examples:\n  ostler plugin entries ostler.credential-pkcs11")]
    Entries {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
        /// The folder, as the source names it.
        folder: Option<String>,
    },
    /// Show what a plugin wrote to its log.
    #[command(
        after_help = "Examples:\n  ostler plugin log example.importer\n  ostler plugin log example.importer --level warn --last 20"
    )]
    Log {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
        /// Only lines that matter so much: info, warn or error.
        #[arg(long, default_value_t = LogLevel::Info)]
        level: LogLevel,
        /// Only so many of the newest lines.
        #[arg(long, value_name = "NUMBER", default_value_t = 200)]
        last: usize,
    },
    /// Tell of a plugin's crashes: when, in which call, and why.
    #[command(
        after_help = "Examples:\n  ostler plugin crashes example.importer\n  ostler plugin crashes example.importer --out report.json"
    )]
    Crashes {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
        /// Write the reports to a file, for the plugin's author. Where policy keeps it, what the plugin was given is in them.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take a capability from a plugin.
    #[command(after_help = "Examples:\n  ostler plugin revoke example.importer storage")]
    Revoke {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
        /// The capability.
        capability: String,
    },
    /// Check a plugin file and install it. It starts with next to no rights.
    ///
    /// A signature FILE.minisig beside it is verified with the key that you name, that of the version before, or those that policy names.
    #[command(after_help = "\
Examples:
  ostler plugin install importer.wasm
  ostler plugin install importer.wasm --publisher-key publisher.key.pub")]
    Install {
        /// The file.
        file: PathBuf,
        /// The publisher's public key, or the file with it: the plugin is installed only where it signed the file.
        #[arg(long, value_name = "KEY")]
        publisher_key: Option<String>,
        /// The signature, where it is not FILE.minisig.
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
    },
    #[command(flatten)]
    Author(Author),
    /// Remove an installed plugin.
    #[command(after_help = "Examples:\n  ostler plugin remove example.importer")]
    Remove {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
    },
}

/// How far a capability is given. What is not named is given as far as the plugin asks for it.
#[derive(Debug, Args)]
pub(crate) struct Bounds {
    /// Only to this host, such as 'api.example.com:443'.
    #[arg(long, value_name = "HOST", help_heading = "Only so far")]
    host: Vec<String>,
    /// Also to addresses that are closed otherwise, such as '127.0.0.1' or '10.0.0.0/8'.
    #[arg(long, value_name = "ADDRESS", help_heading = "Only so far")]
    address: Vec<String>,
    /// Only this folder of connections and what is below it.
    #[arg(long, value_name = "FOLDER", help_heading = "Only so far")]
    folder: Vec<String>,
    /// Only this program.
    #[arg(long, value_name = "PROGRAM", help_heading = "Only so far")]
    program: Vec<String>,
    /// Only this file or folder, such as 'read:/etc/hosts' or 'write:/srv/out/**'.
    #[arg(long, value_name = "ACCESS:PATH", help_heading = "Only so far")]
    file: Vec<String>,
    /// Only this event; '*' at the end stands for any.
    #[arg(long, value_name = "EVENT", help_heading = "Only so far")]
    event: Vec<String>,
}

impl From<Bounds> for GrantBounds {
    fn from(bounds: Bounds) -> Self {
        Self {
            hosts: bounds.host,
            addresses: bounds.address,
            folders: bounds.folder,
            programs: bounds.program,
            files: bounds.file,
            events: bounds.event,
        }
    }
}

impl Plugin {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let back = match &self {
            Self::Disable { id } => Some(format!("'ostler plugin enable {id}' lets it run again")),
            Self::Revoke { id, capability } => {
                Some(format!("'ostler plugin grant {id} {capability}' gives it back"))
            }
            Self::Remove { .. } => Some("'ostler plugin install FILE' brings it back".to_owned()),
            _ => None,
        };
        let command = match self {
            Self::List => Command::PluginList,
            Self::Show { id } => Command::PluginShow { id },
            Self::Configure { id, show: true, .. } => Command::PluginSettings { id },
            Self::Configure { id, set, unset, secret_file, .. } => {
                let read = |(key, file): (String, String)| {
                    let source = SecretSource::File(PathBuf::from(file));
                    let secret = source.read_line(&format!("the secret '{key}'"), &context.output)?;
                    Ok::<_, CliError>((key, SecretInput(secret)))
                };
                let secrets = secret_file.into_iter().map(read).collect::<Result<_, _>>()?;
                let unset = unset.into_iter().map(|key| (key, None));
                let changes = unset.chain(set.into_iter().map(|(key, value)| (key, Some(value)))).collect();
                Command::PluginConfigure { id, changes, secrets }
            }
            Self::Enable { id } => Command::PluginEnable { id, enabled: true },
            Self::Disable { id } => Command::PluginEnable { id, enabled: false },
            Self::Grant { id, capability, bounds } => {
                Command::PluginGrant { id, capability, granted: true, bounds: bounds.into() }
            }
            Self::Revoke { id, capability } => {
                Command::PluginGrant { id, capability, granted: false, bounds: GrantBounds::default() }
            }
            Self::Entries { id, folder } => Command::SourceBrowse { plugin: id, folder },
            Self::Crashes { id, out } => Command::PluginCrashes { id, out },
            Self::Log { id, level, last } => Command::PluginLog { id, level, last },
            Self::Install { file, publisher_key, signature } => {
                let key = publisher_key.map(public_key).transpose()?;
                Command::PluginInstall { file, key, signature, development: false }
            }
            Self::Author(author) => return author.run(context).await,
            Self::Remove { id } => Command::PluginRemove { id },
        };
        let code = context.run(command).await?;
        if let Some(back) = back.filter(|_| !context.output.json()) {
            context.output.note(&back);
        }
        Ok(code)
    }
}
