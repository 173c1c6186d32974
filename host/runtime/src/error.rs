//! What can go wrong with a plugin, by who caused it.
//!
//! No message holds a secret: texts of plugins come from calls that were given none.

use std::io;

use ostler_core::{PlanFault, Position};
use ostler_plugin_api::{ApiError, Capability, Kind};

/// The runtime could not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine refuses its configuration, or a host function can't be linked.
    #[error("the plugin engine can't start: {0}")]
    Engine(String),
    /// There is no thread for the engine's clock.
    #[error("the plugin engine's clock can't start")]
    Ticker(#[source] io::Error),
}

/// Why a plugin can't be loaded. Nothing of it has run.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The bytes are not the ones that were checked.
    #[error("its file changed: expected {expected}, found {found}")]
    Digest {
        /// What the caller expects.
        expected: String,
        /// What the bytes have.
        found: String,
    },
    /// The bytes are no valid component.
    #[error("it can't be compiled: {0}")]
    Compile(String),
    /// It imports what it may not.
    #[error(transparent)]
    Import(#[from] ApiError),
    /// It expects a function or type that this host does not have.
    #[error("it does not fit this host: {0}")]
    Link(String),
    /// It lacks what its kind must export.
    #[error("its manifest says {}, but {reason}", .kind.name())]
    Export {
        /// The kind.
        kind: Kind,
        /// What is missing.
        reason: String,
    },
    /// The engine for large plugins can't start.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// What a plugin says no to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaidKind {
    /// Something is missing that the person can give.
    Missing,
    /// A setting can't be used.
    BadSetting {
        /// The setting.
        key: String,
    },
    /// The plugin can't do it.
    Unsupported,
    /// An option of an importer is unknown or can't be used.
    BadOption {
        /// The option.
        name: String,
    },
    /// A file is not of this format, or broken beyond its records.
    BadFile {
        /// Where.
        position: Position,
    },
}

/// A plugin's own no, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is about.
    pub kind: SaidKind,
    /// The plugin's words, cleaned for showing.
    pub text: String,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            SaidKind::Missing => write!(f, "{} is missing", self.text),
            SaidKind::Unsupported => f.write_str(&self.text),
            SaidKind::BadSetting { key } => write!(f, "setting '{key}': {}", self.text),
            SaidKind::BadOption { name } => write!(f, "option '{name}': {}", self.text),
            SaidKind::BadFile { position } if *position == Position::default() => f.write_str(&self.text),
            SaidKind::BadFile { position } => write!(f, "{position}: {}", self.text),
        }
    }
}

/// Why a call of a plugin gave no result. The instance is gone; the next call makes a new one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PluginError {
    /// The plugin said no.
    #[error("{0}")]
    Said(Said),
    /// A limit ended the call.
    #[error("it reached its limit for {limit} ({allowed})")]
    Limit {
        /// What is limited, such as `memory`.
        limit: &'static str,
        /// How much was allowed.
        allowed: String,
    },
    /// The plugin crashed.
    #[error("it crashed: {message}")]
    Trap {
        /// What the engine says, one line.
        message: String,
    },
    /// The host refuses what the plugin wants.
    #[error("it was refused: {reason}")]
    Refused {
        /// The capability that would be needed, or whose bounds it left.
        capability: Capability,
        /// What was refused.
        reason: String,
    },
    /// The plan is out of bounds.
    #[error("its plan can't be used: {0}")]
    BadPlan(PlanFault),
    /// Another answer is out of bounds.
    #[error("its answer can't be used: {what} {reason}")]
    BadAnswer {
        /// The part of the answer.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The host could not do its part.
    #[error("{0}")]
    Host(String),
    /// It plans sessions that it can't carry out.
    #[error("it exports no driver for the sessions that it plans")]
    NoDriver,
    /// The plugin is not of this kind.
    #[error("it is no {}", .kind.name())]
    NotThisKind {
        /// The kind.
        kind: Kind,
    },
}
