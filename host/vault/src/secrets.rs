//! Secrets: each under a key of its own, with the rules of where it may go sealed beside it.
//!
//! Never opens more than the one secret that is asked for, and not even that for its rules.

use ostler_core::{SecretBytes, SecretField, SecretId, SinkRule};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::keys::{Keys, SealedSecret};
use crate::rows::{self, StoredRow};
use crate::schema::Table;
use crate::write::{NewRow, Writer};
use crate::{Changes, StoredSecret, VaultError};

/// What is sealed beside a secret.
#[derive(Serialize, Deserialize)]
struct Rules {
    field: SecretField,
    rules: Vec<SinkRule>,
}

/// Writes the changes of secrets.
pub(crate) fn apply(writer: &mut Writer<'_>, changes: &Changes) -> Result<(), VaultError> {
    for secret in &changes.delete_secrets {
        writer.delete(Table::Secrets, &secret.to_bytes())?;
    }
    let mut secrets: Vec<&StoredSecret> = changes.put_secrets.iter().collect();
    secrets.sort_by_key(|secret| secret.id);
    for secret in secrets {
        let id = secret.id.to_bytes();
        let rules = Rules { field: secret.field, rules: secret.rules.clone() };
        let rules = serde_json::to_vec(&rules).map_err(|_| crate::records::unwritable())?;
        let sealed = writer.keys().seal_secret(&id, writer.version(), &rules, &secret.bytes)?;
        put(writer, &id, &sealed)?;
    }
    Ok(())
}

/// Opens a secret under the keys that it was sealed with, and seals it anew under the writer's.
pub(crate) fn reseal(writer: &mut Writer<'_>, old: &Keys, row: &StoredRow<'_>) -> Result<(), VaultError> {
    let rules = old
        .open_rules(row.id, row.version, row.wrapped_key, row.rules)
        .map_err(|error| row.damaged(format!("rules: {error}")))?;
    let bytes = open_bytes(old, row)?;
    let sealed = writer.keys().seal_secret(row.id, writer.version(), rules.expose(), &bytes)?;
    put(writer, row.id, &sealed)
}

fn put(writer: &mut Writer<'_>, id: &[u8], sealed: &SealedSecret) -> Result<(), VaultError> {
    writer.put(&NewRow {
        attribute: writer.keys().epoch(),
        sealed: &sealed.sealed,
        wrapped_key: &sealed.wrapped_key,
        rules: &sealed.rules,
        ..NewRow::of(Table::Secrets, id)
    })
}

/// Opens one secret.
pub(crate) fn open(connection: &Connection, keys: &Keys, id: SecretId) -> Result<StoredSecret, VaultError> {
    rows::one(connection, Table::Secrets, &id.to_bytes(), |row| {
        let Rules { field, rules } = open_rules(keys, row)?;
        Ok(StoredSecret { id, field, rules, bytes: open_bytes(keys, row)? })
    })?
    .ok_or(VaultError::NoSecret { id })
}

/// Opens the rules of one secret.
pub(crate) fn rules(
    connection: &Connection,
    keys: &Keys,
    id: SecretId,
) -> Result<(SecretField, Vec<SinkRule>), VaultError> {
    rows::one(connection, Table::Secrets, &id.to_bytes(), |row| open_rules(keys, row))?
        .map(|found| (found.field, found.rules))
        .ok_or(VaultError::NoSecret { id })
}

/// Opens a secret and its rules, to see that they can be opened.
pub(crate) fn check(keys: &Keys, row: &StoredRow<'_>) -> Result<(), VaultError> {
    open_rules(keys, row)?;
    open_bytes(keys, row).map(drop)
}

fn open_rules(keys: &Keys, row: &StoredRow<'_>) -> Result<Rules, VaultError> {
    let plain = keys
        .open_rules(row.id, row.version, row.wrapped_key, row.rules)
        .map_err(|error| row.damaged(format!("rules: {error}")))?;
    serde_json::from_slice(plain.expose()).map_err(|_| row.damaged("the rules can't be read by this program"))
}

fn open_bytes(keys: &Keys, row: &StoredRow<'_>) -> Result<SecretBytes, VaultError> {
    if row.attribute != keys.epoch() {
        return Err(row.damaged("the epoch is another than the store's"));
    }
    keys.open_secret(row.id, row.version, row.wrapped_key, row.sealed).map_err(|error| row.damaged(error))
}
