//! What an importer makes of a foreign file: entries, problems with positions, and a summary.
//!
//! Nothing here decides what becomes of an entry: that is the use case's business, under policy.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{SecretBytes, SecretField, Settings};

/// Where in the foreign file something stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Position {
    /// The line, counted from 1.
    pub line: Option<u64>,
    /// The column or character, counted from 1.
    pub column: Option<u64>,
    /// The field or path, such as `Port` or `Connections[3].Url`.
    pub field: Option<String>,
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let line = self.line.map(|line| format!("line {line}"));
        let column = self.column.map(|column| format!("column {column}"));
        let field = self.field.as_ref().map(|field| format!("field '{field}'"));
        let parts: Vec<String> = [line, column, field].into_iter().flatten().collect();
        f.write_str(&parts.join(", "))
    }
}

/// One entry that an importer found.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportEntry {
    /// Where it stands in the file.
    pub position: Position,
    /// What it is in its source, the same at every import; empty where the source has no identity.
    pub identity: String,
    /// The folders it stands in, outermost first, below the folder that the user chose.
    pub folder: Vec<String>,
    /// What was left open in the file and filled in, one sentence each.
    pub defaults: Vec<String>,
    /// What it is.
    pub item: ImportItem,
}

/// What an imported entry is.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportItem {
    /// A folder.
    Folder(ImportedFolder),
    /// A connection.
    Connection(Box<ImportedConnection>),
}

/// An imported folder.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedFolder {
    /// Its name.
    pub name: String,
    /// Its notes.
    pub notes: String,
    /// Its credential.
    pub credential: ImportedCredential,
    /// Its settings.
    pub settings: Settings,
}

/// An imported connection.
#[derive(Debug, Clone, PartialEq)]
pub struct ImportedConnection {
    /// Its name.
    pub name: String,
    /// Its type, such as `ssh`.
    pub kind: String,
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Its credential.
    pub credential: ImportedCredential,
    /// Its settings.
    pub settings: Settings,
    /// Its notes.
    pub notes: String,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// The user's own fields.
    pub custom_fields: BTreeMap<String, String>,
}

/// An imported credential.
#[derive(Debug, Clone, PartialEq)]
pub enum ImportedCredential {
    /// None is stored.
    None,
    /// The folder's.
    Inherit,
    /// Its own.
    Local {
        /// The user name.
        user: Option<String>,
        /// The domain.
        domain: Option<String>,
        /// The secrets, by the field they are meant for.
        secrets: Vec<(SecretField, SecretBytes)>,
    },
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProblemSeverity {
    /// The entry was not imported.
    NotImported,
    /// Something of the file was left out, the entry was imported.
    Warning,
}

/// Something in the file that could not be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProblem {
    /// Where it stands.
    pub position: Position,
    /// The entry's name, as far as it is known.
    pub entry: Option<String>,
    /// How bad it is.
    pub severity: ProblemSeverity,
    /// What is wrong and what to do, one sentence.
    pub reason: String,
    /// The record as it can be mended and imported again, in the file's own format; none for a warning.
    #[serde(skip)]
    pub mendable: Option<Vec<u8>>,
}

/// What an importer says at the end of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ImportSummary {
    /// The format as recognized, such as `CSV, semicolon, headings`.
    pub format: String,
    /// How target fields were filled.
    pub mapping: Vec<MappedField>,
    /// Parts of the source (columns) that fill nothing.
    pub unused: Vec<String>,
    /// What a file of mendable records must begin with.
    #[serde(skip)]
    pub mendable_head: Vec<u8>,
}

/// How one target field was filled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappedField {
    /// The target, such as `host`.
    pub target: String,
    /// The part of the source (column) that fills it.
    pub source: Option<String>,
    /// A value of it from the file; never a password.
    pub example: Option<String>,
    /// Who decided.
    pub state: MappingState,
}

/// Who decided how a field is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MappingState {
    /// The user.
    Chosen,
    /// The importer, by the heading.
    Guessed,
    /// Nobody: the field takes its default.
    Unmapped,
}
