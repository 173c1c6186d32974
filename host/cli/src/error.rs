//! What goes wrong, in words for a person: message, causes, hint, exit code. Nothing here prints.

use std::path::PathBuf;

use ostler_app::core::PassphraseFault;
use ostler_app::{AppError, ConfigError, ErrorKind};
use ostler_plugin_tools::ToolError;
use ostler_serve::{ClientError, ServeError};
use ostler_testkit::KitError;

/// The exit code where the words of the command line make no sense.
pub(crate) const USAGE: u8 = 2;
/// The exit code where `ostler connect` itself failed, as with ssh: all others are the remote command's.
pub(crate) const SESSION_FAILED: u8 = 255;
/// The exit code where something was found to be damaged.
pub(crate) const DAMAGED: u8 = 7;
/// The exit code where something that was asked for can't be done, or a check found something bad.
pub(crate) const FAILED: u8 = 1;

/// Why the program fails.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// The host says no.
    #[error(transparent)]
    App(#[from] AppError),
    /// The configuration file is wrong.
    #[error("{}: {source}", .file.display())]
    Configuration {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: ConfigError,
    },
    /// A key of the configuration is unknown or can't have that value.
    #[error("{0}")]
    ConfigKey(String),
    /// What was edited can't be the configuration; it is kept.
    #[error("{why}; the configuration is as it was")]
    ConfigKept {
        /// What is wrong.
        why: String,
        /// Where the edited text is.
        copy: PathBuf,
    },
    /// A file can't be read or written.
    #[error("{what} can't be used: {source}")]
    File {
        /// Which.
        what: String,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A secret was read and can't be used.
    #[error("{what} {reason}")]
    Secret {
        /// Such as `the passphrase in FILE`.
        what: String,
        /// Why not; never a part of it.
        reason: String,
    },
    /// A new passphrase is too weak.
    #[error("the passphrase can't be used: {}", list(.0))]
    WeakPassphrase(Vec<PassphraseFault>),
    /// The passphrase must be asked for, and nobody is there.
    #[error("the passphrase is needed, and there is nobody to ask")]
    NoPassphrase,
    /// Something must be confirmed, and nobody is there.
    #[error("this must be confirmed, and there is nobody to ask")]
    Unconfirmed,
    /// The person said no.
    #[error("{0}; nothing was changed")]
    Declined(&'static str),
    /// There is something in the way.
    #[error("{} is not empty", .0.display())]
    StoreExists(PathBuf),
    /// The process that holds the store unlocked.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// It is not known where the user's files are.
    #[error("neither {0} nor HOME says where your files are")]
    NoHome(&'static str),
    /// A tool for plugin authors.
    #[error(transparent)]
    Author(#[from] ToolError),
    /// A plugin's cases can't be run.
    #[error(transparent)]
    Cases(#[from] KitError),
    /// A script of a session can't be done.
    #[error("the script can't be done: {0}")]
    Script(String),
    /// The session was asked to close and did not.
    #[error(
        "the session did not close within {0} s and was left; its recording ends where the wire went quiet"
    )]
    Stuck(u64),
    /// The remote program's end is not known.
    #[error("{0}")]
    SessionBroke(String),
    /// Output can't be written.
    #[error("the output can't be written: {0}")]
    Output(std::io::Error),
    /// A reply can't be written as JSON.
    #[error("the reply can't be written as JSON: {0}")]
    Json(serde_json::Error),
    /// The program can't start.
    #[error("the program can't start: {0}")]
    Runtime(std::io::Error),
}

fn serve_hint(error: &ServeError) -> Option<&'static str> {
    Some(match error {
        ServeError::Running { .. } => "'ostler lock' ends that",
        ServeError::OtherBuild { .. } => "'ostler lock' ends it, then unlock again",
        ServeError::OtherUser { .. } => "find out who put it there, and remove it",
        ServeError::OpenDirectory { .. } => "make it yours alone with chmod 700, and look who put it there",
        ServeError::LongPath { .. } => "set XDG_RUNTIME_DIR to a directory with a shorter path",
        ServeError::Gone => "what it had done before stays done; 'ostler audit show' tells",
        ServeError::Io { .. } => "see that you may use the directory, or set XDG_RUNTIME_DIR to another",
        ServeError::Frame(_) => return None,
    })
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Host(error) => Self::App(error),
            ClientError::Serve(error) => Self::Serve(error),
        }
    }
}

impl CliError {
    /// Returns the exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::App(error) => match error.kind() {
                ErrorKind::User => FAILED,
                ErrorKind::SignIn => 3,
                ErrorKind::Denied => 4,
                ErrorKind::Session => 5,
                ErrorKind::Plugin => 6,
                ErrorKind::Damaged => DAMAGED,
                ErrorKind::System => 8,
            },
            Self::NoPassphrase => 3,
            Self::Unconfirmed
            | Self::Configuration { .. }
            | Self::ConfigKey(_)
            | Self::ConfigKept { .. }
            | Self::Secret { .. }
            | Self::WeakPassphrase(_)
            | Self::Declined(_)
            | Self::StoreExists(_)
            | Self::Script(_)
            | Self::Author(_)
            | Self::Cases(_)
            | Self::File { .. } => FAILED,
            Self::Serve(ServeError::Running { .. }) => FAILED,
            Self::Serve(_) => 8,
            Self::Stuck(_) | Self::SessionBroke(_) => 5,
            Self::NoHome(_) | Self::Output(_) | Self::Json(_) | Self::Runtime(_) => 8,
        }
    }

    /// Returns what to do now.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::App(error) => return error.hint(),
            Self::Configuration { .. } => "'ostler help config' lists the keys".to_owned(),
            Self::ConfigKey(_) => "'ostler config show' has what holds, 'ostler help config' what there is".to_owned(),
            Self::ConfigKept { copy, .. } => {
                format!("'ostler config edit' goes on with your text, which is in {}", copy.display())
            }
            Self::WeakPassphrase(_) => {
                "take at least 8 characters with upper and lower case, a digit and a symbol".to_owned()
            }
            Self::NoPassphrase => {
                "give it with --passphrase-file, --passphrase-fd or OSTLER_PASSPHRASE_FILE".to_owned()
            }
            Self::Unconfirmed => "add --yes if you are sure".to_owned(),
            Self::StoreExists(_) => {
                "choose another directory with --store or OSTLER_STORE, or set the present store aside with --replace"
                    .to_owned()
            }
            Self::Serve(error) => serve_hint(error)?.to_owned(),
            Self::NoHome(_) => "set HOME, or give --store and --config".to_owned(),
            Self::Author(error) => return error.advice(),
            Self::Script(_) => "'ostler help connect' shows an example, the guide all steps".to_owned(),
            Self::Cases(_) => "the author's guide has the shape of cases".to_owned(),
            Self::Secret { .. }
            | Self::File { .. }
            | Self::Declined(_)
            | Self::Stuck(_)
            | Self::SessionBroke(_)
            | Self::Output(_)
            | Self::Json(_)
            | Self::Runtime(_) => return None,
        })
    }

    /// Returns the causes that the message does not say already.
    pub(crate) fn causes(&self) -> Vec<String> {
        let mut said = self.to_string();
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let text = cause.to_string();
            if !said.contains(&text) {
                said.push_str(&text);
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

fn list(faults: &[PassphraseFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_the_message_says_is_not_said_again() {
        let source = std::io::Error::other("no such thing");
        let error = CliError::File { what: "the key".to_owned(), source };
        assert_eq!(error.to_string(), "the key can't be used: no such thing");
        assert_eq!(error.causes(), Vec::<String>::new());
    }

    #[test]
    fn a_weak_passphrase_is_told_everything_it_lacks() {
        let faults = ostler_app::core::check_passphrase("short");
        let text = CliError::WeakPassphrase(faults).to_string();
        assert!(
            text.contains("fewer than 8") && text.contains("no digit") && text.contains("no symbol"),
            "{text}"
        );
    }
}
