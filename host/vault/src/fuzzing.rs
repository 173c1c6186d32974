//! A door for the oracles of `tests/oracles`: takes the plaintext of a row as if it had been sealed, which nobody
//! without the keys can bring about.
//!
//! Never used by a program: it opens no store.

use ostler_core::{Connection, Folder, SecretBytes, StoreId};
use ostler_sealing::RootKey;

use crate::keys::Keys;
use crate::rows::StoredRow;
use crate::schema::Table;
use crate::{KnownHost, VaultError, records, secrets, sides};

/// The epoch of the keys.
const EPOCH: i64 = 1;

/// What a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A folder.
    Folder,
    /// A connection.
    Connection,
    /// The known keys of a host.
    KnownHosts,
    /// Where a secret may go.
    Rules,
    /// A plugin's value.
    PluginValue,
    /// A document of the host.
    Document,
}

/// Keys of no store.
pub struct Rows(Keys);

impl Rows {
    /// Makes keys.
    ///
    /// # Errors
    /// Fails where the system gives no random bytes.
    pub fn new() -> Result<Self, VaultError> {
        Ok(Self(Keys::new(StoreId::from_bytes([9; 16]), EPOCH, &RootKey::random()?)))
    }

    /// Seals a plaintext, and checks the row as a store does.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] where the plaintext is none of this content.
    pub fn take(&self, content: Content, plain: &[u8]) -> Result<(), VaultError> {
        let keys = &self.0;
        let (table, attribute, place) = match content {
            Content::Folder => (Table::Records, 1, "record folder"),
            Content::Connection => (Table::Records, 2, "record connection"),
            Content::KnownHosts => (Table::Records, 3, "record known hosts"),
            Content::Rules => (Table::Secrets, EPOCH, ""),
            Content::PluginValue => (Table::PluginValues, 0, "plugin value"),
            Content::Document => (Table::Documents, 0, "document"),
        };
        let id = self.id(content, plain);
        let id = id.get(..table.id_bytes()).unwrap_or_default();
        if content == Content::Rules {
            let parts = keys.seal_secret(id, 1, plain, &SecretBytes::new(b"secret".to_vec()))?;
            let (wrapped_key, rules) = (parts.wrapped_key.as_slice(), parts.rules.as_slice());
            let row = row(table, id, &parts.sealed);
            return secrets::check(keys, &StoredRow { attribute, wrapped_key, rules, ..row });
        }
        let sealed = keys.seal(place, id, 1, plain)?;
        let row = StoredRow { attribute, ..row(table, id, &sealed) };
        if table == Table::Records { records::check(keys, &row) } else { sides::check(keys, &row) }
    }

    /// The id that belongs to a content; any other where it can't be read.
    fn id(&self, content: Content, plain: &[u8]) -> Vec<u8> {
        let id = match content {
            Content::Folder => {
                serde_json::from_slice(plain).ok().map(|folder: Folder| folder.id.to_bytes().to_vec())
            }
            Content::Connection => {
                serde_json::from_slice(plain).ok().map(|found: Connection| found.id.to_bytes().to_vec())
            }
            Content::KnownHosts => serde_json::from_slice(plain)
                .ok()
                .and_then(|known: Vec<KnownHost>| known.into_iter().next())
                .map(|first| records::known_hosts_id(&self.0, &first.host, first.port).to_vec()),
            Content::Rules => None,
            Content::PluginValue | Content::Document => {
                let table = if content == Content::Document { Table::Documents } else { Table::PluginValues };
                sides::understand(&self.0, &row(table, &[], &[]), plain)
                    .ok()
                    .map(|(side, _)| side.id().to_vec())
            }
        };
        id.unwrap_or_else(|| vec![0; 32])
    }
}

fn row<'a>(table: Table, id: &'a [u8], sealed: &'a [u8]) -> StoredRow<'a> {
    StoredRow { table, id, attribute: 0, version: 1, sealed, wrapped_key: &[], rules: &[] }
}
