//! Commands that take connections from files and write them to files.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What to import and how.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportCommand {
    /// The file.
    pub file: PathBuf,
    /// The importer's plugin id; none picks the one that recognizes the file.
    pub plugin: Option<String>,
    /// Options of the importer: name and value.
    pub options: Vec<(String, String)>,
    /// The folder to import into; missing ones are made. Empty for the top.
    pub into: String,
    /// Show what would happen and change nothing.
    pub dry_run: bool,
    /// Update also what the user edited since it was imported.
    pub overwrite_edited: bool,
    /// Where to write the records that could not be imported; none for beside the file.
    pub mend_file: Option<PathBuf>,
}

/// What to export and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportCommand {
    /// The file; it must not be there.
    pub file: PathBuf,
    /// The form.
    pub format: ExportForm,
    /// Only what stands in this folder and below; empty for all.
    pub folder: String,
    /// Only this connection.
    pub connection: Option<String>,
    /// Whether secrets are written, in clear text.
    pub with_secrets: bool,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportForm {
    /// Ostler's own, which can be imported again.
    Json,
    /// A table.
    Csv,
    /// One RDP connection.
    Rdp,
    /// SSH connections for OpenSSH.
    SshConfig,
}

impl ExportForm {
    /// Returns the name, as audit events have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Rdp => "rdp",
            Self::SshConfig => "ssh-config",
        }
    }
}
