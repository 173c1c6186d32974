//! Ostler's own export, version 1: what `importer-json` takes in again.

use std::collections::BTreeMap;

use ostler_core::{CredentialMode, SecretBytes, SettingValue};
use serde::Serialize;
use zeroize::Zeroizing;

use super::{Made, OpenAll, Selection};
use crate::AppError;
use crate::credentials::field_of;

#[derive(Serialize)]
struct Export<'a> {
    format: &'static str,
    version: u32,
    /// Whether secrets are in it.
    secrets: &'static str,
    folders: Vec<ExportedFolder<'a>>,
    connections: Vec<ExportedConnection<'a>>,
}

#[derive(Serialize)]
struct ExportedFolder<'a> {
    path: Vec<String>,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes: &'a str,
    credential: ExportedCredential<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: &'a BTreeMap<String, SettingValue>,
}

#[derive(Serialize)]
struct ExportedConnection<'a> {
    id: String,
    folder: Vec<String>,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    host: &'a str,
    port: u16,
    credential: ExportedCredential<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    settings: &'a BTreeMap<String, SettingValue>,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    custom_fields: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum ExportedCredential<'a> {
    None,
    Inherit,
    Local {
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        domain: Option<&'a str>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        secrets: BTreeMap<String, ClearText>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        left_out: Vec<&'static str>,
    },
    Source {
        plugin: &'a str,
        entry: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
    },
}

/// A secret that is written as it is.
struct ClearText(SecretBytes);

impl Serialize for ClearText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_text().unwrap_or_default())
    }
}

pub(super) fn write(
    selection: &Selection<'_>,
    open: &OpenAll<'_>,
    with_secrets: bool,
) -> Result<Made, AppError> {
    let folders = selection.folders.iter().map(|folder| {
        Ok(ExportedFolder {
            path: selection.place(Some(folder.id)),
            notes: &folder.notes,
            credential: credential(&folder.credential, open, with_secrets)?,
            settings: &folder.settings.0,
        })
    });
    let connections = selection.connections.iter().map(|connection| {
        Ok(ExportedConnection {
            id: connection.id.to_string(),
            folder: selection.place(connection.folder),
            name: &connection.name,
            kind: &connection.kind,
            host: &connection.host,
            port: connection.port,
            credential: credential(&connection.credential, open, with_secrets)?,
            settings: &connection.settings.0,
            notes: &connection.notes,
            tags: connection.tags.iter().map(String::as_str).collect(),
            custom_fields: &connection.custom_fields,
        })
    });
    let export = Export {
        format: "ostler-export",
        version: 1,
        secrets: if with_secrets { "clear" } else { "none" },
        folders: folders.collect::<Result<_, AppError>>()?,
        connections: connections.collect::<Result<_, AppError>>()?,
    };
    let mut content = Zeroizing::new(Vec::new());
    serde_json::to_writer_pretty(&mut *content, &export)
        .map_err(|error| AppError::bad("export", error.to_string()))?;
    content.push(b'\n');
    Ok(Made { content, left_out: Vec::new() })
}

fn credential<'a>(
    credential: &'a CredentialMode,
    open: &OpenAll<'_>,
    with_secrets: bool,
) -> Result<ExportedCredential<'a>, AppError> {
    Ok(match credential {
        CredentialMode::None => ExportedCredential::None,
        CredentialMode::Inherit => ExportedCredential::Inherit,
        CredentialMode::Source(source) => ExportedCredential::Source {
            plugin: &source.plugin,
            entry: &source.entry,
            user: source.user.as_deref(),
        },
        CredentialMode::Local(local) => {
            let text = |(field, bytes): (String, SecretBytes)| match bytes.expose_text() {
                Some(_) => Ok((field, ClearText(bytes))),
                None => {
                    Err(AppError::bad("export", format!("a {field} is no text, and JSON holds texts only")))
                }
            };
            let left_out = local.secrets.keys().filter(|_| !with_secrets).map(|slot| field_of(slot).name());
            ExportedCredential::Local {
                user: local.user.as_deref(),
                domain: local.domain.as_deref(),
                secrets: open(credential)?.into_iter().map(text).collect::<Result<_, AppError>>()?,
                left_out: left_out.collect(),
            }
        }
    })
}
