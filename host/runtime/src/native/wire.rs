//! What host and child say to each other: frames of a length (four bytes, the lowest first) and so many bytes.
//!
//! The order is fixed: [`Start`] and the library from the host, [`Ready`] from the child, one request from the host, one answer from the
//! child. Both ends are the same program, so a version that differs is a program that was replaced meanwhile.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The version of this protocol.
pub(crate) const PROTOCOL: u32 = 1;

/// The first frame: how to shut the child in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) protocol: u32,
    /// Files and folders that may be read.
    pub(crate) read: Vec<PathBuf>,
    /// Files and folders that may be read and written.
    pub(crate) write: Vec<PathBuf>,
    /// Whether it is shut in: always, but in a test that proves that it is.
    pub(crate) confined: bool,
    /// Bytes of memory that the child may map.
    pub(crate) memory_bytes: u64,
}

/// The child's first frame.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ready {
    /// The library is loaded.
    Loaded { protocol: u32 },
    /// It is not, or the child could not be shut in.
    Unfit(String),
}

/// Writes a frame.
pub(crate) fn write(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)?;
    to.flush()
}

/// Reads a frame of at most so many bytes.
pub(crate) fn read(from: &mut impl Read, most: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = checked(length, most)?;
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// Returns the length of a frame, if it is within the limit.
pub(crate) fn checked(length: [u8; 4], most: usize) -> io::Result<usize> {
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > most {
        Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is too long"))
    } else {
        Ok(length)
    }
}
