//! Ostler's own exports: `format` "ostler-export", version 1, `folders` and `connections`.
//!
//! What an export holds comes in as it was, but for what a file can't say: which credential source a connection used, and secrets that
//! were left out; both are named.

use std::collections::BTreeMap;

use ostler_sdk::importer::{
    Connection, Credential, Entry, Failure, Feed, Folder, LocalCredential, Position, Problem, Summary,
};
use ostler_sdk::types::{SecretField, Setting, SettingValue};
use serde::Deserialize;

use crate::connection_manager::said;
use crate::names;
use crate::scan::{Document, Record};

/// The version that is read.
const VERSION: &str = "1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportedFolder {
    path: Vec<String>,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    credential: ExportedCredential,
    #[serde(default)]
    settings: BTreeMap<String, ExportedSetting>,
    #[serde(default, rename = "ostler_problem")]
    _problem: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportedConnection {
    #[serde(default)]
    id: String,
    #[serde(default)]
    folder: Vec<String>,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    host: String,
    port: u16,
    #[serde(default)]
    credential: ExportedCredential,
    #[serde(default)]
    settings: BTreeMap<String, ExportedSetting>,
    #[serde(default)]
    notes: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    custom_fields: BTreeMap<String, String>,
    #[serde(default, rename = "ostler_problem")]
    _problem: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
enum ExportedCredential {
    None,
    #[default]
    Inherit,
    Local {
        #[serde(default)]
        user: Option<String>,
        #[serde(default)]
        domain: Option<String>,
        #[serde(default)]
        secrets: BTreeMap<String, String>,
        /// The fields whose secrets were not exported.
        #[serde(default)]
        left_out: Vec<String>,
    },
    Source {
        plugin: String,
        entry: String,
        #[serde(default)]
        user: Option<String>,
    },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ExportedSetting {
    Flag(bool),
    Integer(i64),
    Text(String),
    Items(Vec<String>),
}

/// Where a record stands, and what was found out about it.
struct At<'a> {
    position: Position,
    name: String,
    feed: &'a mut Feed,
    defaults: Vec<String>,
}

/// Reads the export.
pub(crate) fn import(document: &Document, feed: &mut Feed) -> Result<Summary, Failure> {
    let version = document.member("version").unwrap_or_default();
    if version != VERSION {
        let reason = format!(
            "version {version} of the export is not known to this importer, which reads version {VERSION}"
        );
        return Err(Failure::file(Position::line(1).field("version"), reason));
    }
    document.check_lists(&["folders", "connections"])?;
    for comma in &document.commas {
        feed.problem(Problem::warning(document.position(*comma), "a comma too many was taken for none"));
    }
    for record in document.records() {
        let taken = match record.array {
            "folders" => folder(document, &record, feed),
            "connections" => connection(document, &record, feed),
            "" if record.text.contains("\"path\"") => folder(document, &record, feed),
            "" => connection(document, &record, feed),
            other => Err((
                document.position_of(&record),
                format!("it stands in '{other}', which this importer does not know"),
            )),
        };
        match taken {
            Ok(entry) => {
                if !feed.entry(entry) {
                    break;
                }
            }
            Err((position, reason)) => {
                let line = record.text.replace(['\r', '\n'], " ");
                feed.problem(Problem::not_imported(position, reason).mendable(format!("{}\n", line.trim())));
            }
        }
    }
    if document.cut {
        let reason = "the file ends in the middle: what was cut off is missing; export it again";
        feed.problem(Problem::not_imported(Position::nowhere(), reason));
    }
    let mut summary = Summary::new(format!("Ostler export {version}"));
    summary.mendable_head = b"{\"format\":\"ostler-export\",\"version\":1,\"records\":\"lines\"}\n".to_vec();
    Ok(summary)
}

type Refused = (Position, String);

fn parsed<'a, T: Deserialize<'a>>(document: &Document, record: &Record<'a>) -> Result<T, Refused> {
    serde_json::from_str(record.text).map_err(|error| {
        (document.position_in(record, &error), format!("it can't be read: {}", said(&error)))
    })
}

fn folder(document: &Document, record: &Record<'_>, feed: &mut Feed) -> Result<Entry<'static>, Refused> {
    let read: ExportedFolder = parsed(document, record)?;
    let position = document.position_of(record);
    let path: Vec<String> = read.path.iter().map(|name| names::clean(name).0).collect();
    let Some((name, above)) = path.split_last().filter(|_| path.iter().all(|name| !name.is_empty())) else {
        return Err((position.field("path"), "the folder has no name".to_owned()));
    };
    let mut at = At { position: position.clone(), name: name.clone(), feed, defaults: Vec::new() };
    let mut folder = Folder::new(name.clone());
    folder.notes = read.notes.into();
    folder.credential = at.credential(read.credential);
    folder.settings = settings(read.settings);
    Ok(at.entry(Entry::new(folder).within(above.to_vec())))
}

fn connection(document: &Document, record: &Record<'_>, feed: &mut Feed) -> Result<Entry<'static>, Refused> {
    let read: ExportedConnection = parsed(document, record)?;
    let position = document.position_of(record);
    let (name, renamed) = names::clean(&read.name);
    if name.is_empty() {
        return Err((position.field("name"), "it has no name".to_owned()));
    }
    if read.port == 0 {
        return Err((position.field("port"), "0 is no port; ports are numbers from 1 to 65535".to_owned()));
    }
    let mut at = At { position, name: name.clone(), feed, defaults: Vec::new() };
    if renamed {
        at.defaults.push(names::renamed(&read.name, &name).into_owned());
    }
    let mut connection = Connection::new(name, read.kind, read.host, read.port);
    connection.credential = at.credential(read.credential);
    connection.settings = settings(read.settings);
    connection.notes = read.notes.into();
    connection.tags = read.tags.into_iter().map(Into::into).collect();
    connection.custom_fields =
        read.custom_fields.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
    let place: Vec<String> = read.folder.iter().map(|name| names::clean(name).0).collect();
    Ok(at.entry(Entry::new(connection).identity(read.id).within(place)))
}

impl At<'_> {
    fn entry(self, entry: Entry<'static>) -> Entry<'static> {
        let mut entry = entry.at(self.position);
        entry.defaults = self.defaults.into_iter().map(Into::into).collect();
        entry
    }

    fn warn(&mut self, reason: String) {
        self.feed.problem(Problem::warning(self.position.clone(), reason).entry(self.name.clone()));
    }

    fn credential(&mut self, credential: ExportedCredential) -> Credential<'static> {
        let (user, domain, secrets, left_out) = match credential {
            ExportedCredential::None => return Credential::None,
            ExportedCredential::Inherit => return Credential::Inherit,
            ExportedCredential::Source { plugin, entry, user } => {
                let user = user.map(|user| format!(" for the user '{user}'")).unwrap_or_default();
                self.warn(format!(
                    "its credential comes from the source {plugin}, entry '{entry}'{user}: choose it again"
                ));
                return Credential::Inherit;
            }
            ExportedCredential::Local { user, domain, secrets, left_out } => {
                (user, domain, secrets, left_out)
            }
        };
        let mut local = LocalCredential::new();
        local.user = user.map(Into::into);
        local.domain = domain.map(Into::into);
        for (field, value) in secrets {
            match field.as_str() {
                "password" => local = local.secret(SecretField::Password, value),
                "private-key" => local = local.secret(SecretField::PrivateKey, value),
                "key-passphrase" => local = local.secret(SecretField::KeyPassphrase, value),
                other => {
                    self.warn(format!("a secret for the field '{}' was left out", names::clean(other).0))
                }
            }
        }
        if !left_out.is_empty() {
            let left_out: Vec<String> = left_out.iter().map(|field| names::clean(field).0).collect();
            self.warn(format!(
                "the file was exported without its secrets ({}): store them again",
                left_out.join(", ")
            ));
        }
        local.into()
    }
}

fn settings(settings: BTreeMap<String, ExportedSetting>) -> Vec<Setting> {
    let value = |setting| match setting {
        ExportedSetting::Flag(flag) => SettingValue::Flag(flag),
        ExportedSetting::Integer(number) => SettingValue::Integer(number),
        ExportedSetting::Text(text) => SettingValue::Text(text),
        ExportedSetting::Items(items) => SettingValue::Items(items),
    };
    settings.into_iter().map(|(key, setting)| Setting::new(key, value(setting))).collect()
}
