//! What a launcher plugin is given to make a plan of.
//!
//! Names, settings and slots only: a secret never comes near it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ConnectionId, CredentialDescription, Settings, TerminalSize};

/// What a launcher is asked to plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaunchRequest {
    /// The connection's id.
    pub connection: ConnectionId,
    /// Its name.
    pub name: String,
    /// Its type, such as `ssh`.
    pub kind: String,
    /// The host.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The names of the folders that it stands in, the outermost first.
    #[serde(default)]
    pub folder: Vec<String>,
    /// Its tags, in order.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The user's own fields.
    #[serde(default)]
    pub custom_fields: BTreeMap<String, String>,
    /// Its effective settings.
    pub settings: Settings,
    /// The credential: names and slots.
    pub credential: CredentialDescription,
    /// What the user wants to run.
    pub run: RunRequest,
    /// The terminal that it is to be shown on, where there is one.
    #[serde(default)]
    pub terminal: Option<TerminalSize>,
}

/// What the user wants of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunRequest {
    /// The connection's usual session.
    Interactive,
    /// One command line, run with or without a terminal.
    Command {
        /// The command line, as the remote shell is to read it.
        line: String,
        /// Whether a terminal is wanted.
        terminal: bool,
    },
}
