//! The one row that holds the store together: who it is, how often it changed, and the MAC over all of it.
//!
//! Never believed before its MAC is checked.

use ostler_core::{StoreId, Timestamp};
use ostler_sealing::MacKey;
use rusqlite::{Connection, params};

use crate::VaultError;
use crate::integrity::{Digest, PerBucket};
use crate::schema::{FORMAT, Table};

/// The content of the tables `meta` and `key_slots`.
#[derive(Clone)]
pub(crate) struct Meta {
    pub(crate) store: StoreId,
    pub(crate) created: Timestamp,
    /// The public key that recordings and audit events are sealed for.
    pub(crate) envelope: [u8; 32],
    /// Counts transactions that changed folders, connections, secrets or known hosts.
    pub(crate) generation: i64,
    /// Counts all transactions that changed anything sealed; a row's version is the revision that wrote it.
    pub(crate) revision: i64,
    /// How many rows each table has.
    pub(crate) counts: Counts,
    /// The digest of each bucket of rows.
    pub(crate) buckets: PerBucket<Digest>,
    /// The passphrase's key slot.
    pub(crate) slot: Vec<u8>,
    /// The MAC over all of the above.
    root: [u8; 32],
}

/// How many rows each table has, so that a missing row's table can be named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    records: i64,
    secrets: i64,
    plugin_values: i64,
    documents: i64,
}

impl Counts {
    pub(crate) fn of(&self, table: Table) -> i64 {
        match table {
            Table::Records => self.records,
            Table::Secrets => self.secrets,
            Table::PluginValues => self.plugin_values,
            Table::Documents => self.documents,
        }
    }

    pub(crate) fn add(&mut self, table: Table, difference: i64) {
        let count = match table {
            Table::Records => &mut self.records,
            Table::Secrets => &mut self.secrets,
            Table::PluginValues => &mut self.plugin_values,
            Table::Documents => &mut self.documents,
        };
        *count = count.saturating_add(difference);
    }
}

impl Meta {
    /// Describes an empty store.
    pub(crate) fn new(store: StoreId, created: Timestamp, envelope: [u8; 32], slot: Vec<u8>) -> Self {
        Self {
            store,
            created,
            envelope,
            generation: 0,
            revision: 0,
            counts: Counts::default(),
            buckets: PerBucket::empty_digests(),
            slot,
            root: [0; 32],
        }
    }

    /// Reads the row, and starts the transaction's view of the database if nothing was read before.
    pub(crate) fn read(connection: &Connection) -> Result<Self, VaultError> {
        let slot: Vec<u8> =
            connection.prepare_cached("SELECT slot FROM key_slots")?.query_row([], |row| row.get(0))?;
        let mut statement = connection.prepare_cached(
            "SELECT store, created, envelope, generation, revision, records, secrets, plugin_values, \
             documents, root, buckets FROM meta",
        )?;
        let mut rows = statement.query([])?;
        let row = rows.next()?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(Self {
            store: StoreId::from_bytes(row.get(0)?),
            created: Timestamp(row.get(1)?),
            envelope: row.get(2)?,
            generation: row.get(3)?,
            revision: row.get(4)?,
            counts: Counts {
                records: row.get(5)?,
                secrets: row.get(6)?,
                plugin_values: row.get(7)?,
                documents: row.get(8)?,
            },
            root: row.get(9)?,
            buckets: row
                .get_ref(10)?
                .as_blob()
                .ok()
                .and_then(PerBucket::from_bytes)
                .ok_or_else(|| VaultError::damaged("table meta: the digests have the wrong length"))?,
            slot,
        })
    }

    /// Writes the row for the first time.
    pub(crate) fn insert(&mut self, connection: &Connection, key: &MacKey) -> Result<(), VaultError> {
        connection.execute("INSERT INTO key_slots (id, slot) VALUES (1, ?1)", params![self.slot])?;
        self.root = self.tag(key);
        connection.execute(
            "INSERT INTO meta (id, store, created, envelope, generation, revision, records, secrets, \
             plugin_values, documents, root, buckets) VALUES (1, ?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, ?6, ?7)",
            params![
                self.store.to_bytes(),
                self.created.0,
                self.envelope,
                self.generation,
                self.revision,
                self.root,
                self.buckets.to_bytes()
            ],
        )?;
        Ok(())
    }

    /// Writes what changes over the store's life, with a new MAC.
    pub(crate) fn update(&mut self, connection: &Connection, key: &MacKey) -> Result<(), VaultError> {
        self.root = self.tag(key);
        connection
            .prepare_cached(
                "UPDATE meta SET generation = ?1, revision = ?2, records = ?3, secrets = ?4, \
                 plugin_values = ?5, documents = ?6, root = ?7, buckets = ?8",
            )?
            .execute(params![
                self.generation,
                self.revision,
                self.counts.records,
                self.counts.secrets,
                self.counts.plugin_values,
                self.counts.documents,
                self.root,
                self.buckets.to_bytes()
            ])?;
        Ok(())
    }

    /// Checks the MAC.
    pub(crate) fn verify(&self, key: &MacKey) -> Result<(), VaultError> {
        self.with_parts(|parts| key.verify(parts, &self.root)).then_some(()).ok_or_else(|| {
            VaultError::damaged(
                "tables meta and key_slots: the store's header, key slot, counts or digests were changed or are \
                 older than the rest",
            )
        })
    }

    fn tag(&self, key: &MacKey) -> [u8; 32] {
        self.with_parts(|parts| key.tag(parts))
    }

    fn with_parts<T>(&self, use_parts: impl FnOnce(&[&[u8]]) -> T) -> T {
        use_parts(&[
            b"ostler store root",
            &FORMAT.to_be_bytes(),
            &self.store.to_bytes(),
            &self.created.0.to_be_bytes(),
            &self.envelope,
            &self.slot,
            &self.generation.to_be_bytes(),
            &self.revision.to_be_bytes(),
            &self.counts.records.to_be_bytes(),
            &self.counts.secrets.to_be_bytes(),
            &self.counts.plugin_values.to_be_bytes(),
            &self.counts.documents.to_be_bytes(),
            &self.buckets.to_bytes(),
        ])
    }
}
