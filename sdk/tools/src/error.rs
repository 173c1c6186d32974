//! What can go wrong with an author's project, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use ostler_plugin_api::PluginIdError;
use ostler_registry::{CheckError, InspectError, SignatureError};

/// A tool could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// A file can't be read or written.
    #[error("{} can't be used: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is something in the way.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// The name makes no id of a plugin.
    #[error(transparent)]
    Id(#[from] PluginIdError),
    /// The SDK is not found.
    #[error("the SDK was not found: there is no sdk/rust here or above")]
    NoSdk,
    /// There is no project.
    #[error("{} is no plugin project: {reason}", .path.display())]
    NoProject {
        /// Where it was looked for.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A program of the toolchain failed, or is missing.
    #[error("'{command}' failed: {reason}")]
    Command {
        /// The command line.
        command: String,
        /// The exit status, or why it could not be started.
        reason: String,
    },
    /// A folder can't be watched.
    #[error("{} can't be watched: {reason}", .path.display())]
    Watch {
        /// Which.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The component is none.
    #[error("{} can't be used as a plugin: {source}", .path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: InspectError,
    },
    /// The component does not fit.
    #[error("{} does not fit this program: {source}", .path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Everything that does not fit.
        source: CheckError,
    },
    /// A key or its passphrase can't be used.
    #[error("the key can't be used: {0}")]
    Key(String),
    /// A signature does not verify.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl ToolError {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// Returns what to do about it, one clause, where something can be done.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        Some(match self {
            Self::Exists(_) => "choose another name or path".to_owned(),
            Self::NoSdk => "name the folder 'sdk/rust' of a checkout of Ostler with --sdk".to_owned(),
            Self::NoProject { .. } => {
                "go into the project's folder, or name it; 'ostler plugin new' makes one".to_owned()
            }
            Self::Command { command, .. } if command.starts_with("cargo") => {
                "is Rust installed, with the target? 'rustup target add wasm32-wasip2'".to_owned()
            }
            Self::Watch { .. } => {
                "close programs that watch many files, or raise fs.inotify.max_user_watches".to_owned()
            }
            Self::NotAPlugin { source, .. } => source.advice().to_owned(),
            Self::Unfit { source, .. } => {
                return source.faults.first().map(ostler_registry::CheckFault::advice);
            }
            Self::Key(_) => "'ostler plugin keygen' makes a pair of keys".to_owned(),
            Self::Signature(error) => error.advice().to_owned(),
            Self::File { .. } | Self::Id(_) | Self::Command { .. } => return None,
        })
    }
}
