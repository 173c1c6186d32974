//! The device key: what this machine signs and authenticates with while the store is locked.
//!
//! Never in the store and never in a backup of it: a file of its own, readable by its owner only. It signs audit
//! checkpoints, and authenticates the compiled-code cache and the count of failed unlocks.
//!
//! The file is `"OSTLDEV1" | key (32) | the first 16 bytes of SHA-256 of both`. A file that others may read is
//! refused, not mended: whoever could read it may have, and only its owner can decide what that means.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::{MacKey, SealingError, digest::sha256, kdf::derive_key, lock::LockedKey};

const MAGIC: &[u8; 8] = b"OSTLDEV1";
const CHECK_BYTES: usize = 16;
const FILE_BYTES: usize = MAGIC.len() + 32 + CHECK_BYTES;

/// The device key could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum DeviceKeyError {
    /// Others than the owner may read or write the file.
    #[error(
        "other users may use the device key (mode {mode:04o}, expected 0600): 'chmod 600' it if nobody did, or \
         remove it for a new one: {}", path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file belongs to another user.
    #[error("the device key belongs to another user (uid {uid}): {}", path.display())]
    ForeignOwner {
        /// The file.
        path: PathBuf,
        /// The user that owns it.
        uid: u32,
    },
    /// The content is not a device key.
    #[error("the device key is damaged: {}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be read or written.
    #[error("the device key could not be read or written: {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: io::Error,
    },
    /// No key could be made.
    #[error("no device key could be made")]
    Sealing(#[from] SealingError),
}

/// The key of this machine and user.
pub struct DeviceKey {
    mac: MacKey,
    signing_seed: LockedKey,
    public: [u8; 32],
}

impl DeviceKey {
    /// Reads the key, or makes one (and the folders above it, mode 0700) if there is none.
    ///
    /// Of several processes that do so at once, all get the same key.
    ///
    /// # Errors
    /// [`DeviceKeyError`] names the file. A damaged or exposed key is never replaced.
    pub fn load_or_create(path: &Path) -> Result<Self, DeviceKeyError> {
        if let Some(key) = Self::load(path)? {
            return Ok(key);
        }
        create(path)?;
        let gone = || io::Error::new(io::ErrorKind::NotFound, "it was removed while it was made");
        Self::load(path)?.ok_or_else(|| DeviceKeyError::Io { path: path.to_owned(), source: gone() })
    }

    fn load(path: &Path) -> Result<Option<Self>, DeviceKeyError> {
        let failed = |source| DeviceKeyError::Io { path: path.to_owned(), source };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(DeviceKeyError::ForeignOwner { path: path.to_owned(), uid: metadata.uid() });
        }
        let mode = metadata.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(DeviceKeyError::Exposed { path: path.to_owned(), mode });
        }
        // Whoever made it was killed before the other name was gone.
        if metadata.nlink() > 1 {
            fs::remove_file(unfinished(path)).unwrap_or_default();
        }
        let damaged = || DeviceKeyError::Damaged { path: path.to_owned() };
        if metadata.len() != FILE_BYTES as u64 {
            return Err(damaged());
        }
        let mut content = Zeroizing::new([0; FILE_BYTES]);
        file.read_exact(content.as_mut_slice()).map_err(failed)?;
        parse(&content).map(|key| Some(Self::new(&key))).ok_or_else(damaged)
    }

    fn new(key: &LockedKey) -> Self {
        let signing_seed = derive_key(key.bytes(), "device/signature", &[]);
        let public = SigningKey::from_bytes(signing_seed.bytes()).verifying_key().to_bytes();
        Self { mac: MacKey::new(derive_key(key.bytes(), "device/mac", &[])), signing_seed, public }
    }

    /// Returns the MAC of the parts, each preceded by its length.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.mac.tag(parts)
    }

    /// Tells whether `tag` is the MAC of the parts, in constant time.
    #[must_use]
    pub fn verify_mac(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        self.mac.verify(parts, tag)
    }

    /// Signs a message (Ed25519, RFC 8032).
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        SigningKey::from_bytes(self.signing_seed.bytes()).sign(message).to_bytes()
    }

    /// Returns the public key that verifies the signatures; safe to show.
    #[must_use]
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// Returns the Ed25519 seed, for a signer that wants to hold it itself.
    #[must_use]
    pub fn ed25519_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.signing_seed.bytes())
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(..)")
    }
}

/// Tells whether `signature` is one of `message` by the holder of `public` (Ed25519, strict: no key of small order).
#[must_use]
pub fn verify_signature(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(public), Signature::from_slice(signature))
    else {
        return false;
    };
    key.verify_strict(message, &signature).is_ok()
}

fn parse(content: &[u8; FILE_BYTES]) -> Option<LockedKey> {
    let (body, check) = content.split_last_chunk::<CHECK_BYTES>()?;
    let key = body.strip_prefix(MAGIC)?.try_into().ok()?;
    sha256(&[body]).starts_with(check).then(|| LockedKey::copy_of(key))
}

/// Writes a new key beside `path` and links it there, so that the file is whole or absent and the first writer wins.
fn create(path: &Path) -> Result<(), DeviceKeyError> {
    let failed = |source| DeviceKeyError::Io { path: path.to_owned(), source };
    let key = LockedKey::random()?;
    let mut content = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
    content.extend_from_slice(MAGIC);
    content.extend_from_slice(key.bytes());
    let check = sha256(&[&content]);
    content.extend(check.iter().take(CHECK_BYTES));

    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed)?;
    let temporary = unfinished(path);
    let made = (|| {
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(&temporary)?;
        file.lock()?;
        if path.exists() {
            // Another process was first, and may have removed this already.
            return fs::remove_file(&temporary).or_else(|error| match error.kind() {
                io::ErrorKind::NotFound => Ok(()),
                _ => Err(error),
            });
        }
        file.set_len(0)?;
        file.write_all(&content)?;
        file.sync_all()?;
        match fs::hard_link(&temporary, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        fs::remove_file(&temporary)?;
        File::open(folder)?.sync_all()
    })();
    made.map_err(failed)
}

/// What a key is called until it is whole. Of processes that make one at once, the one that has the lock on it writes.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}
