//! One write transaction: rows go in and out, and the digests and the MAC follow.
//!
//! Never builds on what it did not check: a bucket's old digest must hold before its first change, or damage would be
//! sealed in with the new MAC.

use rusqlite::{Connection, params};

use crate::VaultError;
use crate::integrity::{self, PerBucket, bucket_of, digest_bucket};
use crate::keys::Keys;
use crate::meta::{Counts, Meta};
use crate::schema::Table;

/// A row to be written; columns that its table lacks are ignored.
pub(crate) struct NewRow<'a> {
    pub(crate) table: Table,
    pub(crate) id: &'a [u8],
    pub(crate) attribute: i64,
    pub(crate) sealed: &'a [u8],
    pub(crate) wrapped_key: &'a [u8],
    pub(crate) rules: &'a [u8],
}

impl<'a> NewRow<'a> {
    /// A row with nothing in it yet.
    pub(crate) fn of(table: Table, id: &'a [u8]) -> Self {
        Self { table, id, attribute: 0, sealed: &[], wrapped_key: &[], rules: &[] }
    }
}

/// A write transaction.
pub(crate) struct Writer<'a> {
    connection: &'a Connection,
    keys: &'a Keys,
    meta: Meta,
    /// Buckets that are known to be as they were written.
    checked: &'a mut PerBucket<bool>,
    touched: PerBucket<bool>,
    changed: bool,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        keys: &'a Keys,
        meta: Meta,
        checked: &'a mut PerBucket<bool>,
    ) -> Self {
        Self { connection, keys, meta, checked, touched: PerBucket::filled(false), changed: false }
    }

    /// Lives as long as the transaction, not only as long as this borrow of the writer.
    pub(crate) fn connection(&self) -> &'a Connection {
        self.connection
    }

    pub(crate) fn keys(&self) -> &'a Keys {
        self.keys
    }

    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The version of the rows that this transaction writes.
    pub(crate) fn version(&self) -> i64 {
        self.meta.revision.saturating_add(1)
    }

    /// Counts this transaction as a change of the tree.
    pub(crate) fn next_generation(&mut self) {
        self.meta.generation = self.meta.generation.saturating_add(1);
        self.changed = true;
    }

    /// Replaces the key slots.
    pub(crate) fn set_slots(&mut self, slot: Vec<u8>, keyring: Option<Vec<u8>>) -> Result<(), VaultError> {
        self.meta.slot = slot;
        self.meta.keyring_slot = keyring;
        self.meta.write_slots(self.connection)?;
        self.changed = true;
        Ok(())
    }

    /// Takes every row out and makes the store that of the writer's keys, which are of another root.
    pub(crate) fn start_epoch(&mut self) -> Result<(), VaultError> {
        for table in Table::ALL {
            self.connection.execute(&format!("DELETE FROM {}", table.name()), [])?;
        }
        self.meta.counts = Counts::default();
        self.meta.buckets = PerBucket::empty_digests();
        // An empty bucket is as it was written.
        *self.checked = PerBucket::filled(true);
        self.touched = PerBucket::filled(true);
        self.meta.epoch = self.keys.epoch();
        self.meta.root_id = self.keys.root_id();
        self.meta.envelope = self.keys.envelope().public().to_bytes();
        self.changed = true;
        Ok(())
    }

    /// Checks the bucket of `id` before its first change, or before something in it is read to be changed.
    pub(crate) fn touch(&mut self, id: &[u8]) -> Result<(), VaultError> {
        check_bucket(self.connection, &self.meta, self.checked, bucket_of(id))
    }

    /// Adds or replaces a row, with the version of this transaction.
    pub(crate) fn put(&mut self, row: &NewRow<'_>) -> Result<(), VaultError> {
        self.begin_change(row.id)?;
        let version = self.version();
        let execute = |sql: &str| -> Result<usize, VaultError> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let NewRow { id, attribute, sealed, wrapped_key, rules, .. } = row;
            Ok(if row.table == Table::Secrets {
                statement.execute(params![id, attribute, version, sealed, wrapped_key, rules])?
            } else {
                statement.execute(params![id, attribute, version, sealed])?
            })
        };
        if execute(row.table.update())? == 0 {
            execute(row.table.insert())?;
            self.meta.counts.add(row.table, 1);
        }
        Ok(())
    }

    /// Deletes a row, if there is one.
    pub(crate) fn delete(&mut self, table: Table, id: &[u8]) -> Result<(), VaultError> {
        self.begin_change(id)?;
        let sql = format!("DELETE FROM {} WHERE id = ?1", table.name());
        if self.connection.prepare_cached(&sql)?.execute(params![id])? > 0 {
            self.meta.counts.add(table, -1);
        }
        Ok(())
    }

    /// Brings digests, counters and the MAC up to date, and returns the new revision; none if there was nothing to write.
    pub(crate) fn finish(mut self) -> Result<Option<i64>, VaultError> {
        if !self.changed {
            return Ok(None);
        }
        let touched: Vec<u8> =
            self.touched.iter().filter_map(|(bucket, touched)| touched.then_some(bucket)).collect();
        for bucket in touched {
            *self.meta.buckets.get_mut(bucket) = digest_bucket(self.connection, bucket)?;
        }
        self.meta.revision = self.version();
        self.meta.update(self.connection, self.keys.mac())?;
        Ok(Some(self.meta.revision))
    }

    fn begin_change(&mut self, id: &[u8]) -> Result<(), VaultError> {
        let bucket = bucket_of(id);
        if !*self.touched.get(bucket) {
            self.touch(id)?;
            *self.touched.get_mut(bucket) = true;
            self.changed = true;
        }
        Ok(())
    }
}

/// Checks that a bucket is as it was written, unless that is known.
pub(crate) fn check_bucket(
    connection: &Connection,
    meta: &Meta,
    checked: &mut PerBucket<bool>,
    bucket: u8,
) -> Result<(), VaultError> {
    if *checked.get(bucket) {
        return Ok(());
    }
    if digest_bucket(connection, bucket)? != *meta.buckets.get(bucket) {
        let what = integrity::describe_fault(connection, bucket, |table| meta.counts.of(table))?;
        return Err(VaultError::damaged(what));
    }
    *checked.get_mut(bucket) = true;
    Ok(())
}
