//! Reading rows of the sealed tables as they stand, before anything is opened.
//!
//! Never trusts a row's shape: an id of the wrong length or a version that no program wrote is damage.

use rusqlite::{Connection, Row, Statement, params};

use crate::VaultError;
use crate::schema::Table;

/// A row as the database holds it; columns that its table lacks are zero or empty.
pub(crate) struct StoredRow<'a> {
    /// Where it stands.
    pub(crate) table: Table,
    /// Its id.
    pub(crate) id: &'a [u8],
    /// The kind of a record, the epoch of a secret.
    pub(crate) attribute: i64,
    /// The store's revision that wrote it.
    pub(crate) version: i64,
    /// The sealed content.
    pub(crate) sealed: &'a [u8],
    /// A secret's own key, wrapped.
    pub(crate) wrapped_key: &'a [u8],
    /// A secret's sealed rules.
    pub(crate) rules: &'a [u8],
}

impl<'a> StoredRow<'a> {
    fn read(table: Table, row: &'a Row<'_>) -> Result<Self, VaultError> {
        let blob = |column: usize| -> Result<&'a [u8], VaultError> {
            row.get_ref(column)?.as_blob_or_null().map(Option::unwrap_or_default).map_err(|_| {
                VaultError::damaged(format!("table {}: a value has the wrong type", table.name()))
            })
        };
        let found = Self {
            table,
            id: blob(0)?,
            attribute: row.get(1)?,
            version: row.get(2)?,
            sealed: blob(3)?,
            wrapped_key: blob(4)?,
            rules: blob(5)?,
        };
        if found.id.len() != table.id_bytes() {
            return Err(found.damaged("the id has the wrong length"));
        }
        Ok(found)
    }

    /// An error that names this row.
    pub(crate) fn damaged(&self, what: impl std::fmt::Display) -> VaultError {
        VaultError::damaged(format!("table {}, id {}: {what}", self.table.name(), hex(self.id)))
    }
}

/// A row that outlives its statement.
pub(crate) struct OwnedRow {
    table: Table,
    id: Vec<u8>,
    attribute: i64,
    version: i64,
    sealed: Vec<u8>,
    wrapped_key: Vec<u8>,
    rules: Vec<u8>,
}

impl OwnedRow {
    pub(crate) fn of(row: &StoredRow<'_>) -> Self {
        Self {
            table: row.table,
            id: row.id.to_vec(),
            attribute: row.attribute,
            version: row.version,
            sealed: row.sealed.to_vec(),
            wrapped_key: row.wrapped_key.to_vec(),
            rules: row.rules.to_vec(),
        }
    }

    pub(crate) fn borrowed(&self) -> StoredRow<'_> {
        StoredRow {
            table: self.table,
            id: &self.id,
            attribute: self.attribute,
            version: self.version,
            sealed: &self.sealed,
            wrapped_key: &self.wrapped_key,
            rules: &self.rules,
        }
    }
}

/// Calls `take` with every row of the table whose id begins with `prefix`, in the order of ids.
pub(crate) fn each(
    connection: &Connection,
    table: Table,
    prefix: &[u8],
    mut take: impl FnMut(&StoredRow<'_>) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let mut run = |statement: &mut Statement<'_>, range: &[&[u8]]| -> Result<(), VaultError> {
        let mut rows = statement.query(rusqlite::params_from_iter(range))?;
        while let Some(row) = rows.next()? {
            take(&StoredRow::read(table, row)?)?;
        }
        Ok(())
    };
    if prefix.is_empty() {
        let sql = format!("{} ORDER BY id", table.select());
        with_statement(connection, &sql, |statement| run(statement, &[]))
    } else {
        let sql = format!("{} WHERE id >= ?1 AND id < ?2 ORDER BY id", table.select());
        // Longer than any id, so that it stands behind all ids with the prefix.
        let mut end = prefix.to_vec();
        end.resize(33, 0xFF);
        with_statement(connection, &sql, |statement| run(statement, &[prefix, &end]))
    }
}

/// Calls `take` with the row of this id, if there is one.
pub(crate) fn one<T>(
    connection: &Connection,
    table: Table,
    id: &[u8],
    take: impl FnOnce(&StoredRow<'_>) -> Result<T, VaultError>,
) -> Result<Option<T>, VaultError> {
    let sql = format!("{} WHERE id = ?1", table.select());
    with_statement(connection, &sql, |statement| {
        let mut rows = statement.query(params![id])?;
        rows.next()?.map(|row| take(&StoredRow::read(table, row)?)).transpose()
    })
}

/// Returns how many rows the table has, by counting them.
pub(crate) fn count(connection: &Connection, table: Table) -> Result<i64, VaultError> {
    let sql = format!("SELECT count(*) FROM {}", table.name());
    Ok(connection.query_row(&sql, [], |row| row.get(0))?)
}

fn with_statement<T>(
    connection: &Connection,
    sql: &str,
    run: impl FnOnce(&mut Statement<'_>) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    run(&mut *connection.prepare_cached(sql)?)
}

/// Writes bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
