//! What the store's MAC covers: 256 digests, one for each first byte of an id.
//!
//! A bucket's digest is the SHA-256 over its rows, table by table and ordered by id: all that stands in the clear
//! and the authentication tags of all that is sealed. So a row that was deleted, added, swapped or set back to an
//! older sealing is found without opening anything, and a change of one row costs reading one bucket.

use ostler_sealing::{Sha256Stream, tag_of};
use rusqlite::Connection;

use crate::VaultError;
use crate::rows::{self, StoredRow};
use crate::schema::Table;

/// The digest of one bucket.
pub(crate) type Digest = [u8; 32];

const BUCKETS: usize = 256;

/// One value for each bucket.
#[derive(Debug, Clone)]
pub(crate) struct PerBucket<T>(Box<[T; BUCKETS]>);

#[expect(clippy::indexing_slicing, reason = "a u8 is always below 256")]
impl<T> PerBucket<T> {
    pub(crate) fn get(&self, bucket: u8) -> &T {
        &self.0[usize::from(bucket)]
    }

    pub(crate) fn get_mut(&mut self, bucket: u8) -> &mut T {
        &mut self.0[usize::from(bucket)]
    }
}

impl<T> PerBucket<T> {
    pub(crate) fn filled(value: T) -> Self
    where
        T: Copy,
    {
        Self(Box::new([value; BUCKETS]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &T)> {
        (0..=u8::MAX).zip(self.0.iter())
    }
}

impl PerBucket<Digest> {
    /// The digests of a store without rows.
    pub(crate) fn empty_digests() -> Self {
        Self::filled(Sha256Stream::new().finish())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (digests, rest) = bytes.as_chunks::<32>();
        let digests: Box<[Digest; BUCKETS]> = Box::new(digests.try_into().ok()?);
        rest.is_empty().then_some(Self(digests))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.concat()
    }
}

/// Returns the bucket of an id.
pub(crate) fn bucket_of(id: &[u8]) -> u8 {
    id.first().copied().unwrap_or_default()
}

/// Takes rows and gives the digests of all buckets.
pub(crate) struct Digester(PerBucket<Sha256Stream>);

impl Digester {
    pub(crate) fn new() -> Self {
        Self(PerBucket(Box::new(std::array::from_fn(|_| Sha256Stream::new()))))
    }

    /// Takes a row. Rows of a bucket come table by table in the order of [`Table::ALL`], and ordered by id.
    pub(crate) fn take(&mut self, row: &StoredRow<'_>) {
        digest_row(self.0.get_mut(bucket_of(row.id)), row);
    }

    pub(crate) fn finish(self) -> PerBucket<Digest> {
        PerBucket(Box::new(self.0.0.map(Sha256Stream::finish)))
    }
}

/// Works out the digest of one bucket.
pub(crate) fn digest_bucket(connection: &Connection, bucket: u8) -> Result<Digest, VaultError> {
    let mut stream = Sha256Stream::new();
    for table in Table::ALL {
        rows::each(connection, table, &[bucket], |row| {
            digest_row(&mut stream, row);
            Ok(())
        })?;
    }
    Ok(stream.finish())
}

/// Says, as closely as it can be told, what is wrong in a bucket whose digest is not the one that was written.
pub(crate) fn describe_fault(
    connection: &Connection,
    bucket: u8,
    written: impl Fn(Table) -> i64,
) -> Result<String, VaultError> {
    let mut missing = Vec::new();
    let mut present = Vec::new();
    for table in Table::ALL {
        let (found, written) = (rows::count(connection, table)?, written(table));
        if found != written {
            missing.push(format!(
                "table {} has {found} rows where {written} were written, a row with an id that begins with \
                 {bucket:02x} is missing or was added",
                table.name()
            ));
        }
        rows::each(connection, table, &[bucket], |row| {
            present.push(format!("table {}, id {}", table.name(), rows::hex(row.id)));
            Ok(())
        })?;
    }
    if !missing.is_empty() {
        return Ok(missing.join("; "));
    }
    let more = present.len().saturating_sub(NAMED_ROWS);
    present.truncate(NAMED_ROWS);
    let more = if more > 0 { format!(" or {more} more") } else { String::new() };
    Ok(format!(
        "a row with an id that begins with {bucket:02x} is not the one that was written last ({}{more})",
        present.join(" or ")
    ))
}

/// How many rows an error names where it can't tell which one it is.
const NAMED_ROWS: usize = 8;

fn digest_row(stream: &mut Sha256Stream, row: &StoredRow<'_>) {
    stream.update(&[row.table.code()]);
    // All ids of a table have one length, so the parts need no lengths of their own.
    stream.update(row.id);
    stream.update(&row.attribute.to_be_bytes());
    stream.update(&row.version.to_be_bytes());
    for sealed in [row.sealed, row.wrapped_key, row.rules] {
        stream.update(&tag_of(sealed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_survive_their_bytes_and_another_length_is_refused() {
        let mut digests = PerBucket::empty_digests();
        *digests.get_mut(255) = [7; 32];
        let read = PerBucket::from_bytes(&digests.to_bytes()).unwrap();
        assert_eq!((read.get(255), read.get(0)), (&[7; 32], digests.get(0)));
        assert!(PerBucket::from_bytes(&[0; 32 * 255]).is_none());
        assert!(PerBucket::from_bytes(&[0; 32 * 256 + 1]).is_none());
    }

    #[test]
    fn every_part_of_a_row_is_in_its_digest() {
        let digest = |change: fn(&mut StoredRow<'static>)| {
            let mut row = StoredRow {
                table: Table::Secrets,
                id: &[1; 16],
                attribute: 1,
                version: 1,
                sealed: &[1; 20],
                wrapped_key: &[2; 20],
                rules: &[3; 20],
            };
            change(&mut row);
            let mut stream = Sha256Stream::new();
            digest_row(&mut stream, &row);
            stream.finish()
        };
        let changes: [fn(&mut StoredRow<'static>); 8] = [
            |_| {},
            |row| row.table = Table::Records,
            |row| row.id = &[2; 16],
            |row| row.attribute = 2,
            |row| row.version = 2,
            |row| row.sealed = &[9; 20],
            |row| row.wrapped_key = &[9; 20],
            |row| row.rules = &[9; 20],
        ];
        let mut digests: Vec<Digest> = changes.map(digest).to_vec();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 8);
    }
}
