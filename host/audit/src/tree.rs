//! The Merkle tree over the log's lines: where its stored hashes come from.
//!
//! Hashing is `tlog_tiles`' business (RFC 6962); this module only keeps the hashes in a file or in memory.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use tlog_tiles::{Error, HASH_SIZE, Hash, HashReader, stored_hash_index, stored_hashes};

/// Stored hashes in a file, with those on top that are not written yet.
pub(crate) struct FileHashes<'a> {
    pub(crate) file: &'a File,
    /// The index of the first of `pending`.
    pub(crate) pending_from: u64,
    pub(crate) pending: Vec<Hash>,
}

impl FileHashes<'_> {
    /// Adds a line to the tree of `size` leaves.
    pub(crate) fn add(&mut self, size: u64, line: &[u8]) -> Result<(), Error> {
        let new = stored_hashes(size, line, self)?;
        self.pending.extend(new);
        Ok(())
    }

    /// Writes what is pending.
    pub(crate) fn flush(&mut self) -> std::io::Result<()> {
        let bytes: Vec<u8> = self.pending.iter().flat_map(|hash| hash.0).collect();
        self.file.write_all_at(&bytes, offset(self.pending_from))?;
        self.pending_from += u64::try_from(self.pending.len()).unwrap_or(u64::MAX);
        self.pending.clear();
        Ok(())
    }
}

/// Where the hashes of a tree of `size` leaves end.
pub(crate) fn end_of(size: u64) -> u64 {
    stored_hash_index(0, size)
}

fn offset(index: u64) -> u64 {
    index.saturating_mul(u64::try_from(HASH_SIZE).unwrap_or(u64::MAX))
}

impl HashReader for FileHashes<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes
            .iter()
            .map(|index| {
                if let Some(pending) = index.checked_sub(self.pending_from) {
                    return in_memory(&self.pending, pending);
                }
                let mut hash = [0; HASH_SIZE];
                self.file.read_exact_at(&mut hash, offset(*index)).map_err(|_| Error::IndexesNotInTree)?;
                Ok(Hash(hash))
            })
            .collect()
    }
}

/// Stored hashes in memory.
#[derive(Default)]
pub(crate) struct MemoryHashes(pub(crate) Vec<Hash>);

impl HashReader for MemoryHashes {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        indexes.iter().map(|index| in_memory(&self.0, *index)).collect()
    }
}

fn in_memory(hashes: &[Hash], index: u64) -> Result<Hash, Error> {
    let index = usize::try_from(index).map_err(|_| Error::IndexesNotInTree)?;
    hashes.get(index).copied().ok_or(Error::IndexesNotInTree)
}
