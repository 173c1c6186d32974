//! The Merkle tree over the log's lines: where its stored hashes come from.
//!
//! Hashing is `tlog_tiles`' business (RFC 6962); this module only keeps the hashes in a file, or what of them is needed in memory.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use tlog_tiles::{
    Error, HASH_SIZE, Hash, HashReader, split_stored_hash_index, stored_hash_index, stored_hashes, tree_hash,
};

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

/// The tree's right edge: the newest hash of each level, which is all that adding a line and the root need.
#[derive(Default)]
pub(crate) struct Edge {
    size: u64,
    /// The number of each level's newest hash, and the hash.
    newest: Vec<(u64, Hash)>,
}

impl Edge {
    /// Adds a line, and returns the hashes that are stored for it.
    pub(crate) fn add(&mut self, line: &[u8]) -> Result<Vec<Hash>, Error> {
        let new = stored_hashes(self.size, line, self)?;
        for (level, hash) in (0_u32..).zip(&new) {
            let number = self.size.checked_shr(level).unwrap_or(0);
            match self.newest.get_mut(usize::try_from(level).unwrap_or(usize::MAX)) {
                Some(newest) => *newest = (number, *hash),
                None => self.newest.push((number, *hash)),
            }
        }
        self.size += 1;
        Ok(new)
    }

    /// Returns how many lines were added.
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the root hash.
    pub(crate) fn root(&self) -> Result<Hash, Error> {
        tree_hash(self.size, self)
    }
}

impl HashReader for Edge {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, Error> {
        let read = |index: &u64| {
            let (level, number) = split_stored_hash_index(*index);
            let newest = self.newest.get(usize::from(level)).filter(|(newest, _)| *newest == number);
            newest.map(|(_, hash)| *hash).ok_or(Error::IndexesNotInTree)
        };
        indexes.iter().map(read).collect()
    }
}

fn in_memory(hashes: &[Hash], index: u64) -> Result<Hash, Error> {
    let index = usize::try_from(index).map_err(|_| Error::IndexesNotInTree)?;
    hashes.get(index).copied().ok_or(Error::IndexesNotInTree)
}
