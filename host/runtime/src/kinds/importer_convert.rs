//! Entries, problems and summaries of importers between their WIT form and `core`'s.
//!
//! An entry that is out of bounds becomes a problem that says so: one bad record loses no other. Texts that people only
//! read (reasons, examples) are cleaned and cut instead. No text of a secret is ever put into a problem.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{
    Endpoint, ImportEntry, ImportItem, ImportProblem, ImportSummary, ImportedConnection, ImportedCredential,
    ImportedFolder, MappedField, MappingState, Position, ProblemSeverity, SecretBytes, Settings,
};

use super::importer::{ImporterInfo, OptionInfo, wit};
use crate::capabilities::ostler::types::types as shared;
use crate::capabilities::{field_from_wit, setting_from_wit};
use crate::error::{Said, SaidKind};
use crate::{PluginError, text};

/// Bytes of names of connections, folders, tags, custom fields and setting keys.
const LONGEST_NAME: usize = 255;
/// Bytes of a type of connection.
const LONGEST_KIND: usize = 32;
/// Bytes of notes, of a custom field, of a setting's text and of a secret (a private key fits).
pub(crate) const LONGEST_VALUE: usize = 64 << 10;
/// Bytes of an entry's identity in its source.
const LONGEST_IDENTITY: usize = 1024;
/// Folders above an entry.
const DEEPEST: usize = 64;
/// Tags, custom fields, settings and secrets of an entry, each.
pub(crate) const MOST_PARTS: usize = 256;
/// Bytes of a sentence for people, and of a part of a position.
const LONGEST_SENTENCE: usize = 2000;
/// Bytes of a record that can be mended, and of what a file of such records begins with.
const LARGEST_RECORD: usize = 1 << 20;
/// Sentences on defaults, mapped fields, unused columns, options and choices that are kept, each.
const MOST_LINES: usize = 1000;

/// What is wrong with an entry: the field, and the reason.
pub(crate) type Fault = (&'static str, &'static str);

/// Converts and checks an entry; what is out of bounds becomes a problem.
pub(super) fn entry(entry: wit::Entry) -> Result<ImportEntry, Box<ImportProblem>> {
    let position = position(entry.position);
    let name = match &entry.item {
        wit::Item::Folder(folder) => text::line(&folder.name, LONGEST_NAME).into_owned(),
        wit::Item::Connection(connection) => text::line(&connection.name, LONGEST_NAME).into_owned(),
    };
    let converted = item(entry.item).and_then(|item| {
        check_length("identity", &entry.identity, LONGEST_IDENTITY)?;
        check_count("folder", entry.folder.len(), DEEPEST)?;
        entry.folder.iter().try_for_each(|name| check_name("folder", name))?;
        Ok(item)
    });
    match converted {
        Ok(item) => Ok(ImportEntry {
            position,
            identity: entry.identity,
            folder: entry.folder,
            defaults: sentences(&entry.defaults),
            item,
        }),
        Err((field, reason)) => Err(Box::new(ImportProblem {
            position: Position { field: Some(field.to_owned()), ..position },
            entry: Some(name),
            severity: ProblemSeverity::NotImported,
            reason: format!("{field} {reason}"),
            mendable: None,
        })),
    }
}

fn item(item: wit::Item) -> Result<ImportItem, Fault> {
    Ok(match item {
        wit::Item::Folder(folder) => {
            check_name("name", &folder.name)?;
            check_length("notes", &folder.notes, LONGEST_VALUE)?;
            ImportItem::Folder(ImportedFolder {
                credential: credential(folder.credential)?,
                settings: settings(folder.settings)?,
                name: folder.name,
                notes: folder.notes,
            })
        }
        wit::Item::Connection(imported) => ImportItem::Connection(Box::new(connection(imported)?)),
    })
}

fn connection(imported: wit::Connection) -> Result<ImportedConnection, Fault> {
    // The credential first: from then on its secrets wipe themselves.
    let credential = credential(imported.credential)?;
    check_name("name", &imported.name)?;
    check_kind(&imported.kind)?;
    let endpoint = Endpoint { host: imported.host, port: imported.port };
    endpoint
        .check()
        .map_err(|fault| (fault.field.strip_prefix("target.").unwrap_or(fault.field), fault.reason))?;
    check_length("notes", &imported.notes, LONGEST_VALUE)?;
    check_count("tags", imported.tags.len(), MOST_PARTS)?;
    imported.tags.iter().try_for_each(|tag| check_name("tags", tag))?;
    Ok(ImportedConnection {
        name: imported.name,
        kind: imported.kind,
        host: endpoint.host,
        port: endpoint.port,
        credential,
        settings: settings(imported.settings)?,
        notes: imported.notes,
        tags: BTreeSet::from_iter(imported.tags),
        custom_fields: custom_fields(imported.custom_fields)?,
    })
}

fn credential(credential: wit::Credential) -> Result<ImportedCredential, Fault> {
    let local = match credential {
        wit::Credential::None => return Ok(ImportedCredential::None),
        wit::Credential::Inherit => return Ok(ImportedCredential::Inherit),
        wit::Credential::Local(local) => local,
    };
    let secrets: Vec<_> = local
        .secrets
        .into_iter()
        .map(|secret| (field_from_wit(secret.field), SecretBytes::from(secret.value)))
        .collect();
    check_count("secrets", secrets.len(), MOST_PARTS)?;
    if secrets.iter().any(|(_, bytes)| bytes.expose().len() > LONGEST_VALUE) {
        return Err(("secret", "has more than 64 KiB"));
    }
    local.user.iter().try_for_each(|user| check_line("user", user))?;
    local.domain.iter().try_for_each(|domain| check_line("domain", domain))?;
    Ok(ImportedCredential::Local { user: local.user, domain: local.domain, secrets })
}

pub(crate) fn settings(settings: Vec<shared::Setting>) -> Result<Settings, Fault> {
    check_count("settings", settings.len(), MOST_PARTS)?;
    for setting in &settings {
        check_name("settings", &setting.key)?;
        match &setting.value {
            shared::SettingValue::Text(text) => check_length("settings", text, LONGEST_VALUE)?,
            shared::SettingValue::Items(items) => {
                check_count("settings", items.len(), MOST_PARTS)?;
                items.iter().try_for_each(|item| check_length("settings", item, LONGEST_VALUE))?;
            }
            shared::SettingValue::Flag(_) | shared::SettingValue::Integer(_) => {}
        }
    }
    Ok(Settings(settings.into_iter().map(setting_from_wit).collect()))
}

pub(crate) fn custom_fields(fields: Vec<(String, String)>) -> Result<BTreeMap<String, String>, Fault> {
    check_count("custom-fields", fields.len(), MOST_PARTS)?;
    for (key, value) in &fields {
        check_name("custom-fields", key)?;
        check_length("custom-fields", value, LONGEST_VALUE)?;
    }
    let mut all = BTreeMap::new();
    for (key, value) in fields {
        // Two of one name are both kept.
        let numbered = (2..).map(|number| format!("{key} ({number})"));
        let free = std::iter::once(key.clone()).chain(numbered).find(|key| !all.contains_key(key));
        all.insert(free.unwrap_or(key), value);
    }
    Ok(all)
}

pub(crate) fn check_kind(kind: &str) -> Result<(), Fault> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=LONGEST_KIND).contains(&kind.len()) && kind.chars().all(fits) {
        Ok(())
    } else {
        Err(("kind", "must have 1 to 32 of a-z, 0-9 and '-'"))
    }
}

/// A name is shown in trees and tables: one line, and nothing in it that hides or turns other text.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), Fault> {
    if name.trim().is_empty() { Err((field, "must not be empty")) } else { check_line(field, name) }
}

fn check_line(field: &'static str, text: &str) -> Result<(), Fault> {
    check_length(field, text, LONGEST_NAME)?;
    if text.contains(text::hidden) { Err((field, "has a control character")) } else { Ok(()) }
}

pub(crate) fn check_length(field: &'static str, text: &str, most: usize) -> Result<(), Fault> {
    if text.len() > most { Err((field, "is too long")) } else { Ok(()) }
}

pub(crate) fn check_count(field: &'static str, count: usize, most: usize) -> Result<(), Fault> {
    if count > most { Err((field, "has too many parts")) } else { Ok(()) }
}

pub(super) fn problem(problem: wit::Problem) -> ImportProblem {
    ImportProblem {
        position: position(problem.position),
        entry: problem.entry.map(|name| text::line(&name, LONGEST_NAME).into_owned()),
        severity: match problem.severity {
            wit::Severity::NotImported => ProblemSeverity::NotImported,
            wit::Severity::Warning => ProblemSeverity::Warning,
        },
        reason: match &problem.mendable {
            Some(record) if record.len() > LARGEST_RECORD => {
                sentence(&format!("{}; it is too large for the file of records to mend", problem.reason))
            }
            _ => sentence(&problem.reason),
        },
        mendable: problem.mendable.filter(|record| record.len() <= LARGEST_RECORD),
    }
}

pub(super) fn summary(summary: wit::Summary) -> ImportSummary {
    ImportSummary {
        format: sentence(&summary.format),
        mapping: summary.mapping.into_iter().take(MOST_LINES).map(mapped_field).collect(),
        unused: sentences(&summary.unused),
        // A head that is cut would make a file that can't be read: then there is none.
        mendable_head: Some(summary.mendable_head)
            .filter(|head| head.len() <= LARGEST_RECORD)
            .unwrap_or_default(),
    }
}

fn mapped_field(field: wit::MappedField) -> MappedField {
    MappedField {
        target: sentence(&field.target),
        source: field.source.as_deref().map(sentence),
        example: field.example.as_deref().map(sentence),
        state: match field.state {
            wit::MappingState::Chosen => MappingState::Chosen,
            wit::MappingState::Guessed => MappingState::Guessed,
            wit::MappingState::Unmapped => MappingState::Unmapped,
        },
    }
}

pub(super) fn info(info: wit::Info) -> Result<ImporterInfo, PluginError> {
    if info.options.len() > MOST_LINES || info.extensions.len() > MOST_LINES {
        return Err(PluginError::BadAnswer { what: "options or extensions", reason: "are more than 1000" });
    }
    let option = |option: wit::OptionInfo| OptionInfo {
        name: sentence(&option.name),
        help: sentence(&option.help),
        choices: sentences(&option.choices),
    };
    Ok(ImporterInfo {
        title: sentence(&info.title),
        extensions: sentences(&info.extensions),
        options: info.options.into_iter().map(option).collect(),
    })
}

pub(super) fn said(failure: wit::Failure) -> Said {
    match failure {
        wit::Failure::BadOption((name, text)) => {
            Said { kind: SaidKind::BadOption { name: sentence(&name) }, text: sentence(&text) }
        }
        wit::Failure::BadFile((place, text)) => {
            Said { kind: SaidKind::BadFile { position: position(place) }, text: sentence(&text) }
        }
    }
}

fn position(position: wit::Position) -> Position {
    Position { line: position.line, column: position.column, field: position.field.as_deref().map(sentence) }
}

fn sentence(text: &str) -> String {
    text::line(text, LONGEST_SENTENCE).into_owned()
}

fn sentences(texts: &[String]) -> Vec<String> {
    texts.iter().take(MOST_LINES).map(|text| sentence(text)).collect()
}
