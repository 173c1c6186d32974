//! `ostler plugin`: what plugins there are and what they may do.

use std::path::PathBuf;

use clap::Subcommand;
use ostler_app::Command;

use crate::context::Context;
use crate::error::CliError;
use crate::names;

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
    #[command(after_help = "Examples:\n  ostler plugin install importer.wasm")]
    Install {
        /// The file.
        file: PathBuf,
    },
    /// Remove an installed plugin.
    #[command(after_help = "Examples:\n  ostler plugin remove example.importer")]
    Remove {
        /// Its id.
        #[arg(add = names::plugins())]
        id: String,
    },
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
            Self::Enable { id } => Command::PluginEnable { id, enabled: true },
            Self::Disable { id } => Command::PluginEnable { id, enabled: false },
            Self::Grant { id, capability } => Command::PluginGrant { id, capability, granted: true },
            Self::Revoke { id, capability } => Command::PluginGrant { id, capability, granted: false },
            Self::Install { file } => Command::PluginInstall { file },
            Self::Remove { id } => Command::PluginRemove { id },
        };
        let code = context.run(command).await?;
        if let Some(back) = back.filter(|_| !context.output.json()) {
            context.output.note(&back);
        }
        Ok(code)
    }
}
