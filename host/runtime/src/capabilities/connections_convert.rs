//! Folders and connections between `core` and their WIT form: no id of a secret goes out, and what comes in is bounded.

use std::collections::{BTreeMap, BTreeSet};

use ostler_core::{Connection, ConnectionId, CredentialMode, Endpoint, Folder, FolderId, Timestamp, Tree};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::ostler::types::types::CapabilityError;
use super::setting_to_wit;
use super::store::ostler::connections::types as wit;
use crate::cache::hex;
use crate::kinds::importer_convert::{self as bounds, Fault};

/// Hexadecimal digits of a revision: enough that no two contents meet by chance.
const REVISION_DIGITS: usize = 32;

/// Returns the names on the way to a folder, the top one first.
pub(super) fn names(tree: &Tree, folder: Option<FolderId>) -> Vec<&str> {
    let mut names: Vec<&str> = tree.enclosing(folder).iter().map(|folder| folder.name.as_str()).collect();
    names.reverse();
    names
}

/// Returns the names in a path as a plugin writes it.
pub(super) fn split(path: &str) -> Vec<&str> {
    path.split('/').filter(|name| !name.is_empty()).collect()
}

/// Stands for the content of an entry.
pub(super) fn revision(entry: &impl Serialize) -> String {
    let content = serde_json::to_vec(entry).unwrap_or_default();
    let mut digits = hex(&Sha256::digest(content));
    digits.truncate(REVISION_DIGITS);
    digits
}

pub(super) fn connection_to_wit(connection: &Connection, folder: String) -> wit::Connection {
    wit::Connection {
        id: connection.id.to_string(),
        folder,
        revision: revision(connection),
        data: wit::ConnectionData {
            name: connection.name.clone(),
            kind: connection.kind.clone(),
            host: connection.host.clone(),
            port: connection.port,
            notes: connection.notes.clone(),
            tags: connection.tags.iter().cloned().collect(),
            custom_fields: connection.custom_fields.clone().into_iter().collect(),
            settings: connection.settings.0.iter().map(|(key, value)| setting_to_wit(key, value)).collect(),
        },
        credential: credential_to_wit(&connection.credential),
        created_micros: connection.created.0,
        updated_micros: connection.updated.0,
    }
}

pub(super) fn folder_to_wit(folder: &Folder, path: String) -> wit::Folder {
    wit::Folder {
        path,
        revision: revision(folder),
        data: wit::FolderData {
            name: folder.name.clone(),
            notes: folder.notes.clone(),
            settings: folder.settings.0.iter().map(|(key, value)| setting_to_wit(key, value)).collect(),
        },
        credential: credential_to_wit(&folder.credential),
    }
}

fn credential_to_wit(mode: &CredentialMode) -> wit::Credential {
    match mode {
        CredentialMode::None => wit::Credential::None,
        CredentialMode::Inherit => wit::Credential::Inherit,
        CredentialMode::Local(local) => wit::Credential::Local(wit::LocalCredential {
            user: local.user.clone(),
            domain: local.domain.clone(),
            slots: local.secrets.keys().map(ToString::to_string).collect(),
        }),
        CredentialMode::Source(source) => wit::Credential::Source(wit::SourceCredential {
            plugin: source.plugin.clone(),
            entry: source.entry.clone(),
            user: source.user.clone(),
        }),
    }
}

/// Makes a new connection of what a plugin says. It inherits nothing: the folder's secrets were not stored for a place
/// that a plugin names.
pub(super) fn new_connection(
    data: wit::ConnectionData,
    folder: Option<FolderId>,
    now: Timestamp,
) -> Result<Connection, CapabilityError> {
    let mut connection = Connection {
        id: ConnectionId::random(),
        folder,
        name: String::new(),
        kind: String::new(),
        host: String::new(),
        port: 0,
        credential: CredentialMode::None,
        settings: Default::default(),
        notes: String::new(),
        tags: BTreeSet::new(),
        custom_fields: BTreeMap::new(),
        source: None,
        imported: None,
        created: now,
        updated: now,
    };
    fill_connection(&mut connection, data).map_err(invalid)?;
    Ok(connection)
}

/// Replaces what a connection says. Where its place becomes another it neither inherits nor has a credential acquired any
/// more, since those go wherever the connection leads; its own secrets stay bound to the old place by their sinks.
pub(super) fn changed_connection(
    before: &Connection,
    data: wit::ConnectionData,
    now: Timestamp,
) -> Result<Connection, CapabilityError> {
    let mut connection = Connection { updated: now, ..before.clone() };
    fill_connection(&mut connection, data).map_err(invalid)?;
    let place = |connection: &Connection| (connection.kind.clone(), connection.host.clone(), connection.port);
    let follows = matches!(connection.credential, CredentialMode::Inherit | CredentialMode::Source(_));
    if follows && place(&connection) != place(before) {
        connection.credential = CredentialMode::None;
    }
    Ok(connection)
}

fn fill_connection(connection: &mut Connection, data: wit::ConnectionData) -> Result<(), Fault> {
    bounds::check_name("name", &data.name)?;
    bounds::check_kind(&data.kind)?;
    let endpoint = Endpoint { host: data.host, port: data.port };
    endpoint
        .check()
        .map_err(|fault| (fault.field.strip_prefix("target.").unwrap_or(fault.field), fault.reason))?;
    bounds::check_length("notes", &data.notes, bounds::LONGEST_VALUE)?;
    bounds::check_count("tags", data.tags.len(), bounds::MOST_PARTS)?;
    data.tags.iter().try_for_each(|tag| bounds::check_name("tags", tag))?;
    connection.name = data.name;
    connection.kind = data.kind;
    connection.host = endpoint.host;
    connection.port = endpoint.port;
    connection.notes = data.notes;
    connection.tags = data.tags.into_iter().collect();
    connection.custom_fields = bounds::custom_fields(data.custom_fields)?;
    connection.settings = bounds::settings(data.settings)?;
    Ok(())
}

pub(super) fn new_folder(data: wit::FolderData, parent: Option<FolderId>) -> Result<Folder, CapabilityError> {
    let mut folder = Folder {
        id: FolderId::random(),
        parent,
        name: String::new(),
        notes: String::new(),
        credential: CredentialMode::Inherit,
        settings: Default::default(),
        source: None,
    };
    fill_folder(&mut folder, data).map_err(invalid)?;
    Ok(folder)
}

pub(super) fn changed_folder(before: &Folder, data: wit::FolderData) -> Result<Folder, CapabilityError> {
    let mut folder = before.clone();
    fill_folder(&mut folder, data).map_err(invalid)?;
    Ok(folder)
}

fn fill_folder(folder: &mut Folder, data: wit::FolderData) -> Result<(), Fault> {
    bounds::check_name("name", &data.name)?;
    bounds::check_length("notes", &data.notes, bounds::LONGEST_VALUE)?;
    folder.name = data.name;
    folder.notes = data.notes;
    folder.settings = bounds::settings(data.settings)?;
    Ok(())
}

fn invalid((field, reason): Fault) -> CapabilityError {
    CapabilityError::Invalid(format!("{field} {reason}"))
}
