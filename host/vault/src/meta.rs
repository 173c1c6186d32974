//! The one row that holds the store together: who it is, how often it changed, and the MAC over all of it.
//!
//! Never believed before its MAC is checked.

use ostler_core::{StoreId, Timestamp};
use ostler_sealing::MacKey;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::VaultError;
use crate::integrity::{Digest, PerBucket};
use crate::keys::Keys;
use crate::schema::{FORMAT, Table};

/// The row of the passphrase's key slot.
const PASSPHRASE_SLOT: i64 = 1;
/// The row of the keyring's key slot.
const KEYRING_SLOT: i64 = 2;

/// The content of the tables `meta` and `key_slots`.
#[derive(Clone)]
pub(crate) struct Meta {
    pub(crate) store: StoreId,
    pub(crate) created: Timestamp,
    /// Counts the root keys that the store had; from 1.
    pub(crate) epoch: i64,
    /// Names the root key that all is sealed under.
    pub(crate) root_id: [u8; 16],
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
    /// The keyring's key slot, if there is one.
    pub(crate) keyring_slot: Option<Vec<u8>>,
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
    pub(crate) fn new(created: Timestamp, keys: &Keys, slot: Vec<u8>) -> Self {
        Self {
            store: keys.store(),
            created,
            epoch: keys.epoch(),
            root_id: keys.root_id(),
            envelope: keys.envelope().public().to_bytes(),
            generation: 0,
            revision: 0,
            counts: Counts::default(),
            buckets: PerBucket::empty_digests(),
            slot,
            keyring_slot: None,
            root: [0; 32],
        }
    }

    /// Reads the row, and starts the transaction's view of the database if nothing was read before.
    pub(crate) fn read(connection: &Connection) -> Result<Self, VaultError> {
        let mut slots = connection.prepare_cached("SELECT slot FROM key_slots WHERE id = ?1")?;
        let slot: Vec<u8> = slots.query_row([PASSPHRASE_SLOT], |row| row.get(0))?;
        let keyring_slot = slots.query_row([KEYRING_SLOT], |row| row.get(0)).optional()?;
        let mut statement = connection.prepare_cached(
            "SELECT store, created, envelope, generation, revision, records, secrets, plugin_values, \
             documents, root, buckets, epoch, root_id FROM meta",
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
            epoch: row.get(11)?,
            root_id: row.get(12)?,
            slot,
            keyring_slot,
        })
    }

    /// Writes the row for the first time.
    pub(crate) fn insert(&mut self, connection: &Connection, key: &MacKey) -> Result<(), VaultError> {
        connection.execute(
            "INSERT INTO meta (id, store, created, epoch, root_id, envelope, generation, revision, records, \
             secrets, plugin_values, documents, root, buckets) \
             VALUES (1, ?1, ?2, 0, x'', x'', 0, 0, 0, 0, 0, 0, x'', x'')",
            params![self.store.to_bytes(), self.created.0],
        )?;
        self.write_slots(connection)?;
        self.update(connection, key)
    }

    /// Writes the key slots; what the MAC says of them follows with [`Meta::update`].
    pub(crate) fn write_slots(&self, connection: &Connection) -> Result<(), VaultError> {
        connection.execute("DELETE FROM key_slots", [])?;
        let slots = [(PASSPHRASE_SLOT, Some(&self.slot)), (KEYRING_SLOT, self.keyring_slot.as_ref())];
        for (id, slot) in slots.into_iter().filter_map(|(id, slot)| slot.map(|slot| (id, slot))) {
            connection.execute("INSERT INTO key_slots (id, slot) VALUES (?1, ?2)", params![id, slot])?;
        }
        Ok(())
    }

    /// Writes what changes over the store's life, with a new MAC.
    pub(crate) fn update(&mut self, connection: &Connection, key: &MacKey) -> Result<(), VaultError> {
        self.root = self.tag(key);
        connection
            .prepare_cached(
                "UPDATE meta SET generation = ?1, revision = ?2, records = ?3, secrets = ?4, \
                 plugin_values = ?5, documents = ?6, root = ?7, buckets = ?8, epoch = ?9, root_id = ?10, \
                 envelope = ?11",
            )?
            .execute(params![
                self.generation,
                self.revision,
                self.counts.records,
                self.counts.secrets,
                self.counts.plugin_values,
                self.counts.documents,
                self.root,
                self.buckets.to_bytes(),
                self.epoch,
                self.root_id,
                self.envelope
            ])?;
        Ok(())
    }

    /// Returns the revision for the outside; a negative one, which no program writes, is 0.
    pub(crate) fn revision(&self) -> u64 {
        u64::try_from(self.revision).unwrap_or_default()
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
            &self.epoch.to_be_bytes(),
            &self.root_id,
            &self.envelope,
            &self.slot,
            self.keyring_slot.as_deref().unwrap_or_default(),
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
