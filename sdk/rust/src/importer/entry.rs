//! Entries: what an importer found, and short ways to say it.
//!
//! The fields are those of the WIT package `ostler:importer`. Texts may be borrowed from the file's bytes, so that nothing is
//! copied on the way into the packed block.

use std::borrow::Cow;
use std::fmt;

use super::Position;
use crate::types::{SecretField, Setting, SettingValue};

/// One entry that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Where it stands in the file.
    pub position: Position,
    /// What it is in its source, the same at every import; empty where the source has no identity.
    pub identity: Cow<'a, str>,
    /// The folders it stands in, outermost first.
    pub folder: Vec<Cow<'a, str>>,
    /// What was open in the file and filled in, one sentence each.
    pub defaults: Vec<Cow<'a, str>>,
    /// What it is.
    pub item: Item<'a>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item<'a> {
    /// A folder.
    Folder(Folder<'a>),
    /// A connection.
    Connection(Connection<'a>),
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its notes.
    pub notes: Cow<'a, str>,
    /// Its credential.
    pub credential: Credential<'a>,
    /// Its settings.
    pub settings: Vec<Setting>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// Its type, such as `ssh` or `rdp`.
    pub kind: Cow<'a, str>,
    /// Its host.
    pub host: Cow<'a, str>,
    /// Its port.
    pub port: u16,
    /// Its credential.
    pub credential: Credential<'a>,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// Its notes.
    pub notes: Cow<'a, str>,
    /// Its tags.
    pub tags: Vec<Cow<'a, str>>,
    /// The user's own fields, name and value.
    pub custom_fields: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// Whose credential an entry uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential<'a> {
    /// Nobody's.
    None,
    /// The folder's.
    Inherit,
    /// Its own.
    Local(LocalCredential<'a>),
}

/// A credential of an entry's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalCredential<'a> {
    /// The user name.
    pub user: Option<Cow<'a, str>>,
    /// The domain.
    pub domain: Option<Cow<'a, str>>,
    /// The secrets.
    pub secrets: Vec<Secret<'a>>,
}

/// A secret that the file holds in the clear. Printing it shows its field only.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret<'a> {
    /// The place in a protocol that it is meant for.
    pub field: SecretField,
    /// The secret.
    pub value: Cow<'a, str>,
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("field", &self.field).finish_non_exhaustive()
    }
}

impl<'a> Entry<'a> {
    /// Makes an entry without identity, at the top.
    pub fn new(item: impl Into<Item<'a>>) -> Self {
        Self {
            position: Position::nowhere(),
            identity: Cow::Borrowed(""),
            folder: Vec::new(),
            defaults: Vec::new(),
            item: item.into(),
        }
    }

    /// Sets the place in the file.
    #[must_use]
    pub fn at(mut self, position: Position) -> Self {
        self.position = position;
        self
    }

    /// Sets what the entry is in its source, the same at every import: at the next one the host leaves as it is what it
    /// already has.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<Cow<'a, str>>) -> Self {
        self.identity = identity.into();
        self
    }

    /// Sets the folders it stands in, outermost first.
    #[must_use]
    pub fn within<T: Into<Cow<'a, str>>>(mut self, folder: impl IntoIterator<Item = T>) -> Self {
        self.folder = folder.into_iter().map(Into::into).collect();
        self
    }

    /// Says what was open in the file and filled in, such as `port was set to 22`.
    #[must_use]
    pub fn defaulted(mut self, sentence: impl Into<Cow<'a, str>>) -> Self {
        self.defaults.push(sentence.into());
        self
    }
}

impl<'a> Connection<'a> {
    /// Makes a connection that inherits its folder's credential.
    pub fn new(
        name: impl Into<Cow<'a, str>>,
        kind: impl Into<Cow<'a, str>>,
        host: impl Into<Cow<'a, str>>,
        port: u16,
    ) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            host: host.into(),
            port,
            credential: Credential::Inherit,
            settings: Vec::new(),
            notes: Cow::Borrowed(""),
            tags: Vec::new(),
            custom_fields: Vec::new(),
        }
    }

    /// Sets the credential.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<Credential<'a>>) -> Self {
        self.credential = credential.into();
        self
    }

    /// Adds a setting.
    #[must_use]
    pub fn setting(mut self, key: impl Into<String>, value: impl Into<SettingValue>) -> Self {
        self.settings.push(Setting::new(key, value));
        self
    }

    /// Sets the notes.
    #[must_use]
    pub fn notes(mut self, notes: impl Into<Cow<'a, str>>) -> Self {
        self.notes = notes.into();
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<Cow<'a, str>>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds a field of the user's own.
    #[must_use]
    pub fn custom_field(mut self, key: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        self.custom_fields.push((key.into(), value.into()));
        self
    }
}

impl<'a> Folder<'a> {
    /// Makes a folder that inherits the credential of the one above.
    pub fn new(name: impl Into<Cow<'a, str>>) -> Self {
        Self {
            name: name.into(),
            notes: Cow::Borrowed(""),
            credential: Credential::Inherit,
            settings: Vec::new(),
        }
    }
}

impl<'a> LocalCredential<'a> {
    /// Makes a credential without user, domain and secrets.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the user name.
    #[must_use]
    pub fn user(mut self, user: impl Into<Cow<'a, str>>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the domain.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<Cow<'a, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(mut self, field: SecretField, value: impl Into<Cow<'a, str>>) -> Self {
        self.secrets.push(Secret { field, value: value.into() });
        self
    }
}

impl Item<'_> {
    /// Returns the name of the folder or connection.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Folder(folder) => &folder.name,
            Self::Connection(connection) => &connection.name,
        }
    }
}

impl<'a> From<LocalCredential<'a>> for Credential<'a> {
    fn from(local: LocalCredential<'a>) -> Self {
        Self::Local(local)
    }
}

impl<'a> From<Connection<'a>> for Item<'a> {
    fn from(connection: Connection<'a>) -> Self {
        Self::Connection(connection)
    }
}

impl<'a> From<Folder<'a>> for Item<'a> {
    fn from(folder: Folder<'a>) -> Self {
        Self::Folder(folder)
    }
}
