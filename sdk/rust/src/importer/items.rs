//! Short ways to make entries, problems and failures.

use std::io;

use super::{
    Connection, Credential, Entry, Failure, Folder, Info, Item, LocalCredential, OptionInfo, Position,
    Problem, Secret, Severity, Summary,
};
use crate::types::{SecretField, Setting, SettingValue};

impl Info {
    /// Describes a format without file name endings and options.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), extensions: Vec::new(), options: Vec::new() }
    }

    /// Adds a file name ending, without the dot.
    #[must_use]
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Adds an option that takes any text. A name that ends in `.` takes any key behind it, such as `map.`.
    #[must_use]
    pub fn option(self, name: impl Into<String>, help: impl Into<String>) -> Self {
        self.option_of::<String>(name, help, [])
    }

    /// Adds an option that takes one of `choices`.
    #[must_use]
    pub fn option_of<T: Into<String>>(
        mut self,
        name: impl Into<String>,
        help: impl Into<String>,
        choices: impl IntoIterator<Item = T>,
    ) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        self.options.push(OptionInfo { name: name.into(), help: help.into(), choices });
        self
    }
}

impl Position {
    /// Names a line, counted from 1.
    #[must_use]
    pub fn line(line: u64) -> Self {
        Self { line: Some(line), column: None, field: None }
    }

    /// Names nothing: the whole file.
    #[must_use]
    pub fn nowhere() -> Self {
        Self { line: None, column: None, field: None }
    }

    /// Adds the field or path, such as `Port` or `Connections[3].Url`.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl Entry {
    /// Makes an entry without identity, at the top.
    pub fn new(item: impl Into<Item>) -> Self {
        Self {
            position: Position::nowhere(),
            identity: String::new(),
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

    /// Sets what the entry is in its source, the same at every import: importing again updates instead of doubling.
    #[must_use]
    pub fn identity(mut self, identity: impl Into<String>) -> Self {
        self.identity = identity.into();
        self
    }

    /// Sets the folders it stands in, outermost first.
    #[must_use]
    pub fn within<T: Into<String>>(mut self, folder: impl IntoIterator<Item = T>) -> Self {
        self.folder = folder.into_iter().map(Into::into).collect();
        self
    }

    /// Says what was open in the file and filled in, such as `port was set to 22`.
    #[must_use]
    pub fn defaulted(mut self, sentence: impl Into<String>) -> Self {
        self.defaults.push(sentence.into());
        self
    }

    /// Returns about how many bytes the entry has.
    pub(super) fn weight(&self) -> usize {
        let texts = |texts: &[String]| texts.iter().map(String::len).sum::<usize>();
        let item = match &self.item {
            Item::Folder(folder) => {
                folder.name.len()
                    + folder.notes.len()
                    + settings_weight(&folder.settings)
                    + folder.credential.weight()
            }
            Item::Connection(connection) => {
                let fields = connection.custom_fields.iter().map(|(key, value)| key.len() + value.len());
                connection.name.len()
                    + connection.host.len()
                    + connection.notes.len()
                    + texts(&connection.tags)
                    + fields.sum::<usize>()
                    + settings_weight(&connection.settings)
                    + connection.credential.weight()
            }
        };
        item + self.identity.len() + texts(&self.folder) + texts(&self.defaults)
    }
}

fn settings_weight(settings: &[Setting]) -> usize {
    let value = |value: &SettingValue| match value {
        SettingValue::Flag(_) | SettingValue::Integer(_) => 8,
        SettingValue::Text(text) => text.len(),
        SettingValue::Items(items) => items.iter().map(String::len).sum(),
    };
    settings.iter().map(|setting| setting.key.len() + value(&setting.value)).sum()
}

impl Connection {
    /// Makes a connection that inherits its folder's credential.
    pub fn new(name: impl Into<String>, kind: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        Self {
            name: name.into(),
            kind: kind.into(),
            host: host.into(),
            port,
            credential: Credential::Inherit,
            settings: Vec::new(),
            notes: String::new(),
            tags: Vec::new(),
            custom_fields: Vec::new(),
        }
    }

    /// Sets the credential.
    #[must_use]
    pub fn credential(mut self, credential: impl Into<Credential>) -> Self {
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
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = notes.into();
        self
    }

    /// Adds a tag.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds a field of the user's own.
    #[must_use]
    pub fn custom_field(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.custom_fields.push((key.into(), value.into()));
        self
    }
}

impl Folder {
    /// Makes a folder that inherits the credential of the one above.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            notes: String::new(),
            credential: Credential::Inherit,
            settings: Vec::new(),
        }
    }
}

impl LocalCredential {
    /// Makes a credential without user, domain and secrets.
    #[must_use]
    pub fn new() -> Self {
        Self { user: None, domain: None, secrets: Vec::new() }
    }

    /// Sets the user name.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets the domain.
    #[must_use]
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(mut self, field: SecretField, value: impl Into<String>) -> Self {
        self.secrets.push(Secret { field, value: value.into() });
        self
    }
}

impl Default for LocalCredential {
    fn default() -> Self {
        Self::new()
    }
}

impl Credential {
    fn weight(&self) -> usize {
        match self {
            Self::None | Self::Inherit => 0,
            Self::Local(local) => {
                let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
                let secrets = local.secrets.iter().map(|secret| secret.value.len());
                text(&local.user) + text(&local.domain) + secrets.sum::<usize>()
            }
        }
    }
}

impl From<LocalCredential> for Credential {
    fn from(local: LocalCredential) -> Self {
        Self::Local(local)
    }
}

impl From<Connection> for Item {
    fn from(connection: Connection) -> Self {
        Self::Connection(connection)
    }
}

impl From<Folder> for Item {
    fn from(folder: Folder) -> Self {
        Self::Folder(folder)
    }
}

impl Problem {
    /// Says why an entry was not imported: what is wrong and what to do, one clause.
    pub fn not_imported(position: Position, reason: impl Into<String>) -> Self {
        Self { position, entry: None, severity: Severity::NotImported, reason: reason.into(), mendable: None }
    }

    /// Says what was left out of an entry that was imported.
    pub fn warning(position: Position, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::not_imported(position, reason) }
    }

    /// Names the entry.
    #[must_use]
    pub fn entry(mut self, name: impl Into<String>) -> Self {
        self.entry = Some(name.into());
        self
    }

    /// Gives the record as it can be mended and imported again, with the line's end, behind [`Summary::mendable_head`].
    #[must_use]
    pub fn mendable(mut self, record: impl Into<Vec<u8>>) -> Self {
        self.mendable = Some(record.into());
        self
    }

    pub(super) fn weight(&self) -> usize {
        self.reason.len() + self.mendable.as_ref().map_or(0, Vec::len)
    }
}

impl Summary {
    /// Names the format as recognized, such as `CSV, semicolon, headings`.
    pub fn new(format: impl Into<String>) -> Self {
        Self { format: format.into(), mapping: Vec::new(), unused: Vec::new(), mendable_head: Vec::new() }
    }
}

impl Failure {
    /// Says why an option can't be used.
    pub fn option(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadOption((name.into(), reason.into()))
    }

    /// Says why the file is not of this format, or where it is broken beyond its records.
    pub fn file(position: Position, reason: impl Into<String>) -> Self {
        Self::BadFile((position, reason.into()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::file(Position::nowhere(), error.to_string())
    }
}
