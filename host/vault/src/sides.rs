//! Plugins' values and the host's documents: named blobs whose names are sealed with them.
//!
//! The ids in the clear are keyed hashes of the names. Values of one plugin stand together, so that they can be
//! listed; how many plugins keep values, and how many values each, can be seen in a stolen file, their names not.

use ostler_core::SecretBytes;
use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::VaultError;
use crate::keys::Keys;
use crate::rows::{self, StoredRow};
use crate::schema::Table;
use crate::write::{NewRow, Writer};

/// Names a value: its table, its id, and the name that is sealed with it.
pub(crate) struct Side {
    table: Table,
    id: [u8; 32],
    /// Several names, each after its length.
    name: Vec<u8>,
}

const PLACE_OF_PLUGIN_VALUES: &str = "plugin value";
const PLACE_OF_DOCUMENTS: &str = "document";

/// How many bytes of a plugin value's id stand for the plugin.
const OWNER_BYTES: usize = 16;

impl Side {
    /// The value that a plugin keeps under a key.
    pub(crate) fn plugin_value(keys: &Keys, plugin: &str, key: &str) -> Self {
        let mut id = keys.name_id("plugin value", &[plugin.as_bytes(), key.as_bytes()]);
        id.iter_mut().zip(owner(keys, plugin)).for_each(|(to, from)| *to = from);
        Self { table: Table::PluginValues, id, name: encode(&[plugin, key]) }
    }

    /// A document of the host.
    pub(crate) fn document(keys: &Keys, name: &str) -> Self {
        Self {
            table: Table::Documents,
            id: keys.name_id("document", &[name.as_bytes()]),
            name: encode(&[name]),
        }
    }

    /// The vault's own document: the envelope keys of earlier epochs, 32 bytes each, the newest first.
    pub(crate) fn retired_envelopes(keys: &Keys) -> Self {
        Self::document(keys, "vault.retired-envelopes")
    }

    pub(crate) fn id(&self) -> &[u8] {
        &self.id
    }

    /// Reads the value.
    pub(crate) fn read(
        &self,
        connection: &Connection,
        keys: &Keys,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        rows::one(connection, self.table, &self.id, |row| {
            let plain = open(keys, row)?;
            let value = plain.expose().strip_prefix(self.name.as_slice());
            value
                .map(|value| Zeroizing::new(value.to_vec()))
                .ok_or_else(|| row.damaged("the name is another"))
        })
    }

    /// Sets the value, or deletes it.
    pub(crate) fn write(&self, writer: &mut Writer<'_>, value: Option<&[u8]>) -> Result<(), VaultError> {
        let Some(value) = value else {
            return writer.delete(self.table, &self.id);
        };
        let mut plain = Zeroizing::new(Vec::with_capacity(self.name.len() + value.len()));
        plain.extend_from_slice(&self.name);
        plain.extend_from_slice(value);
        let sealed = writer.keys().seal(place(self.table), &self.id, writer.version(), &plain)?;
        writer.put(&NewRow { sealed: &sealed, ..NewRow::of(self.table, &self.id) })
    }
}

/// Returns the bucket-deciding beginning of the ids of a plugin's values.
pub(crate) fn owner(keys: &Keys, plugin: &str) -> [u8; OWNER_BYTES] {
    let [owner @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        keys.name_id("plugin", &[plugin.as_bytes()]);
    owner
}

/// Returns the keys that a plugin keeps values under, with the values' sizes in bytes, ordered by key.
pub(crate) fn plugin_keys(
    connection: &Connection,
    keys: &Keys,
    plugin: &str,
) -> Result<Vec<(String, u64)>, VaultError> {
    let mut found = Vec::new();
    rows::each(connection, Table::PluginValues, &owner(keys, plugin), |row| {
        let plain = open(keys, row)?;
        let Some((names, value)) = decode(plain.expose(), 2) else {
            return Err(row.damaged("the content can't be read by this program"));
        };
        let [_, key] = names.as_slice() else {
            return Err(row.damaged("the content can't be read by this program"));
        };
        found.push((key.clone(), value.len() as u64));
        Ok(())
    })?;
    found.sort();
    Ok(found)
}

/// Opens a value and compares its name with its id, to see that it can be opened.
pub(crate) fn check(keys: &Keys, row: &StoredRow<'_>) -> Result<(), VaultError> {
    let plain = open(keys, row)?;
    let (side, _) = understand(keys, row, plain.expose())?;
    if row.id == side.id { Ok(()) } else { Err(row.damaged("the content belongs to another id")) }
}

/// Opens a value under the keys that it was sealed with, and seals it anew under the writer's, where its id is another.
pub(crate) fn reseal(writer: &mut Writer<'_>, old: &Keys, row: &StoredRow<'_>) -> Result<(), VaultError> {
    let plain = open(old, row)?;
    let (side, value) = understand(writer.keys(), row, plain.expose())?;
    side.write(writer, Some(value))
}

/// Takes an opened value apart: what it is under the given keys, and its bytes.
pub(crate) fn understand<'a>(
    keys: &Keys,
    row: &StoredRow<'_>,
    plain: &'a [u8],
) -> Result<(Side, &'a [u8]), VaultError> {
    let unreadable = || row.damaged("the content can't be read by this program");
    let names = if row.table == Table::PluginValues { 2 } else { 1 };
    let (names, value) = decode(plain, names).ok_or_else(unreadable)?;
    match names.as_slice() {
        [plugin, key] => Ok((Side::plugin_value(keys, plugin, key), value)),
        [name] => Ok((Side::document(keys, name), value)),
        _ => Err(unreadable()),
    }
}

fn place(table: Table) -> &'static str {
    if table == Table::PluginValues { PLACE_OF_PLUGIN_VALUES } else { PLACE_OF_DOCUMENTS }
}

fn open(keys: &Keys, row: &StoredRow<'_>) -> Result<SecretBytes, VaultError> {
    keys.open(place(row.table), row.id, row.version, row.sealed).map_err(|error| row.damaged(error))
}

fn encode(names: &[&str]) -> Vec<u8> {
    let mut encoded = Vec::new();
    for name in names {
        encoded.extend_from_slice(&(name.len() as u64).to_be_bytes());
        encoded.extend_from_slice(name.as_bytes());
    }
    encoded
}

/// Takes the names off the front; what is left is the value.
fn decode(mut plain: &[u8], names: usize) -> Option<(Vec<String>, &[u8])> {
    let mut found = Vec::with_capacity(names);
    for _ in 0..names {
        let (length, rest) = plain.split_first_chunk::<8>()?;
        let (name, rest) = rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        found.push(String::from_utf8(name.to_vec()).ok()?);
        plain = rest;
    }
    Some((found, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_off_the_value_as_they_went_on() {
        let mut plain = encode(&["plugin", ""]);
        plain.extend_from_slice(b"value");
        assert_eq!(decode(&plain, 2), Some((vec!["plugin".to_owned(), String::new()], &b"value"[..])));
        assert_eq!(decode(&plain[..7], 1), None);
        assert_eq!(decode(&[0xFF; 20], 1), None);
    }
}
