//! Secrets as the host handles them: bytes that wipe themselves, slots that name them, sinks that bound
//! where they may go.
//!
//! Never prints a secret, never compares one to a guess, never serializes one.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::FolderId;

/// Secret bytes: wiped when dropped, silent when printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes ownership of the bytes; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Shows the bytes to code that puts them on a wire or into a cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Shows the bytes as text, if they are UTF-8.
    #[must_use]
    pub fn expose_text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl From<String> for SecretBytes {
    fn from(text: String) -> Self {
        Self::new(text.into_bytes())
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

/// The text is not a slot name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a slot name: expected 1 to 64 of a-z, 0-9, '-' and '.', such as 'login.password'")]
pub struct SlotNameError;

/// The name of a secret within one call, such as `login.password`: all that a plugin holds of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SlotName(String);

impl SlotName {
    /// Checks a slot name.
    ///
    /// # Errors
    /// Refuses all but 1 to 64 of `a-z`, `0-9`, `-` and `.`.
    pub fn new(name: &str) -> Result<Self, SlotNameError> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if (1..=64).contains(&name.len()) && name.chars().all(fits) {
            Ok(Self(name.to_owned()))
        } else {
            Err(SlotNameError)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for SlotName {
    type Error = SlotNameError;
    fn try_from(name: String) -> Result<Self, SlotNameError> {
        Self::new(&name)
    }
}

impl From<SlotName> for String {
    fn from(name: SlotName) -> Self {
        name.0
    }
}

/// The place in a protocol that a secret is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// A log-in password, also as the answer to a password question of the server.
    Password,
    /// A private key that signs a log-in; it never leaves the host.
    PrivateKey,
    /// The passphrase that opens a private key; it never leaves the host.
    KeyPassphrase,
    /// A user name: never a sink of a password.
    UserName,
    /// A variable in the remote environment, or of a program of this machine: never a sink of a log-in secret.
    Environment,
    /// A part of an HTTP request: a header, a parameter, the body.
    Request,
    /// The standard input of a program.
    Input,
}

impl Field {
    /// All fields.
    pub const ALL: [Self; 7] = [
        Self::Password,
        Self::PrivateKey,
        Self::KeyPassphrase,
        Self::UserName,
        Self::Environment,
        Self::Request,
        Self::Input,
    ];

    /// Returns the field's stable name, as audit events and plans print it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PrivateKey => "private-key",
            Self::KeyPassphrase => "key-passphrase",
            Self::UserName => "user-name",
            Self::Environment => "environment",
            Self::Request => "request",
            Self::Input => "input",
        }
    }
}

/// Where a secret is about to go: compared with what its rules allow before a byte of it moves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sink {
    /// The protocol, such as `ssh`.
    pub protocol: String,
    /// The host, as the wire was opened to it (ASCII letters compare without case).
    pub host: String,
    /// The port.
    pub port: u16,
    /// The place in the protocol.
    pub field: Field,
}

impl Sink {
    /// The protocol of programs of this machine: the host is the program's path, the port is 0.
    pub const PROCESS: &str = "process";

    /// Tells whether both name the same place.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        // The place of a program is its path, in which case counts.
        let same_host = match self.protocol == Self::PROCESS {
            true => self.host == other.host,
            false => self.host.eq_ignore_ascii_case(&other.host),
        };
        self.protocol == other.protocol && same_host && self.port == other.port && self.field == other.field
    }
}

impl fmt::Display for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}://{}:{}", self.field.name(), self.protocol, self.host, self.port)
    }
}

/// Which hosts a stored secret may go to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostRule {
    /// One host and port.
    Exact {
        /// The host.
        host: String,
        /// The port.
        port: u16,
    },
    /// The host of whichever connection below this folder inherits the folder's credential.
    ConnectionsBelow {
        /// The folder that holds the credential.
        folder: FolderId,
    },
}

/// One sink that a stored secret is allowed, fixed when it was stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkRule {
    /// The protocol, or none where the connection that inherits it decides.
    pub protocol: Option<String>,
    /// The hosts.
    pub host: HostRule,
    /// The place in the protocol.
    pub field: Field,
}

impl SinkRule {
    /// Returns the one sink that this rule gives a launch of the connection at `host`:`port`, if any.
    ///
    /// `folders` are the folders that the connection stands in. The host is the one that the user stored for
    /// the connection, never one that a plan names.
    #[must_use]
    pub fn resolve(&self, protocol: &str, host: &str, port: u16, folders: &[FolderId]) -> Option<Sink> {
        if self.protocol.as_deref().is_some_and(|own| own != protocol) {
            return None;
        }
        let covered = match &self.host {
            HostRule::Exact { host: own, port: own_port } => {
                own.eq_ignore_ascii_case(host) && *own_port == port
            }
            HostRule::ConnectionsBelow { folder } => folders.contains(folder),
        };
        covered.then(|| Sink {
            protocol: protocol.to_owned(),
            host: host.to_owned(),
            port,
            field: self.field,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_byte_of_a_secret() {
        assert_eq!(format!("{:?}", SecretBytes::from("hunter2".to_owned())), "SecretBytes(..)");
    }

    #[test]
    fn an_exact_rule_covers_its_host_and_no_other() {
        let rule = SinkRule {
            protocol: Some("ssh".into()),
            host: HostRule::Exact { host: "db.example".into(), port: 22 },
            field: Field::Password,
        };
        assert!(rule.resolve("ssh", "DB.example", 22, &[]).is_some());
        assert!(rule.resolve("ssh", "evil.example", 22, &[]).is_none());
        assert!(rule.resolve("ssh", "db.example", 2222, &[]).is_none());
        assert!(rule.resolve("rdp", "db.example", 22, &[]).is_none());
    }

    #[test]
    fn a_folder_rule_covers_connections_below_it_only() {
        let folder = FolderId::random();
        let rule =
            SinkRule { protocol: None, host: HostRule::ConnectionsBelow { folder }, field: Field::Password };
        assert!(rule.resolve("ssh", "a", 22, &[folder]).is_some());
        assert!(rule.resolve("ssh", "a", 22, &[FolderId::random()]).is_none());
    }

    #[test]
    fn slot_names_are_short_lower_case_words() {
        assert!(SlotName::new("login.password").is_ok());
        for bad in ["", "Login", "a b", "ä", &"x".repeat(65)] {
            assert!(SlotName::new(bad).is_err(), "{bad}");
        }
    }
}
