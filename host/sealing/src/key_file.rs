//! The key file: a second factor beside the passphrase, any file that the owner has and an attacker has not.
//!
//! Never keeps the file's content: what is kept is its SHA-256, which is what enters the key slot. Never writes over a
//! file. A change of one byte makes another key file, so a document that a program rewrites is a bad choice.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::{SealingError, digest::Sha256Stream, kdf::random_bytes, lock::LockedKey};

/// The smallest key file, in bytes: what is shorter can't hold 256 random bits.
const LEAST_BYTES: u64 = 32;
/// The largest key file, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;
/// The random bytes of a key file that is made here; written as two hexadecimal digits each, so that it can be printed.
const MADE_BYTES: usize = 32;
const PIECE_BYTES: usize = 8 * 1024;

/// A key file could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Fewer bytes than a key has.
    #[error("the key file is too short: {LEAST_BYTES} bytes are the least: {}", .path.display())]
    TooShort {
        /// The file.
        path: PathBuf,
    },
    /// More bytes than are read.
    #[error("the key file is too large: {} MiB are the most: {}", MOST_BYTES / (1024 * 1024), .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("the key file: {source}: {}", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// No random bytes.
    #[error(transparent)]
    Sealing(#[from] SealingError),
}

/// What a key file gives to a key slot.
pub struct KeyFile(LockedKey);

impl KeyFile {
    /// Reads a key file of 32 bytes to 16 MiB.
    ///
    /// # Errors
    /// [`KeyFileError`] names the file.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let mut content = file.take(MOST_BYTES + 1);
        let mut piece = Zeroizing::new([0; PIECE_BYTES]);
        let (mut hash, mut length) = (Sha256Stream::new(), 0);
        loop {
            let read = match content.read(piece.as_mut_slice()) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            hash.update(piece.get(..read).unwrap_or_default());
            length += read as u64;
        }
        if length < LEAST_BYTES {
            return Err(KeyFileError::TooShort { path: path.to_owned() });
        }
        if length > MOST_BYTES {
            return Err(KeyFileError::TooLarge { path: path.to_owned() });
        }
        Ok(Self(LockedKey::copy_of(&Zeroizing::new(hash.finish()))))
    }

    /// Makes a new key file of random bytes, readable by its owner only.
    ///
    /// # Errors
    /// [`KeyFileError::Io`] also where there is a file already, which stays as it is.
    pub fn create(path: &Path) -> Result<(), KeyFileError> {
        let random = Zeroizing::new(random_bytes::<MADE_BYTES>()?);
        let mut text = Zeroizing::new(Vec::with_capacity(2 * MADE_BYTES + 1));
        for byte in random.iter() {
            // Into the buffer itself, so that no other copy is made.
            write!(text, "{byte:02x}")
                .map_err(|source| KeyFileError::Io { path: path.to_owned(), source })?;
        }
        text.push(b'\n');
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            let written = file.write_all(&text).and_then(|()| file.sync_all());
            if written.is_err() {
                // Half a key file would be taken for a whole one.
                fs::remove_file(path)?;
            }
            written
        };
        write().map_err(|source| KeyFileError::Io { path: path.to_owned(), source })
    }

    /// Tells whether both have the same content.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.bytes().ct_eq(other.0.bytes()).into()
    }

    pub(crate) fn digest(&self) -> &[u8; 32] {
        self.0.bytes()
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyFile(..)")
    }
}
