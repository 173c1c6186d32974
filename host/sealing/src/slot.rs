//! The key slot: the root key, wrapped under a passphrase, or under a random secret that another program keeps.
//!
//! Never accepts weak parameters, whatever the file says, and never allocates more than [`KdfParameters::CEILING`]
//! allows. The passphrase is taken as the bytes that were typed: no Unicode normalization happens here, so a
//! passphrase typed composed does not open a slot that was made decomposed.
//!
//! ```text
//! version (1) | kind (1) | key file (1: 0 or 1) | three numbers (12) | salt (32)              the header
//! | commitment (32) | sealed root key (73: a record) | checksum (32)
//!
//! kind 1: stretched = Argon2id 1.3(passphrase, salt; numbers: memory in KiB, passes, lanes), 32 bytes
//! kind 2: stretched = PBKDF2-HMAC-SHA-256(passphrase, salt; numbers: rounds, 0, 0), 32 bytes
//! kind 3: stretched = the random secret of 32 bytes; numbers: 0, 0, 0
//! with a key file: stretched = HKDF-Expand-SHA-256(stretched, "slot/key file", SHA-256 of the file)
//! wrapping key, commitment = HKDF-Expand-SHA-256(stretched, "slot/wrap" | "slot/commitment", header, store id)
//! checksum    = SHA-256("ostler key slot", store id, all before it)
//! ```
//!
//! The key file enters after the key derivation, as the message of an HMAC whose key is the stretched passphrase, so that
//! neither helps without the other.
//!
//! AES-GCM does not commit to its key: one ciphertext can be made to open under many passphrases at once, which
//! makes guessing cheap where an attacker can plant a slot and watch (partitioning oracles, Len et al. 2021).
//! So the slot stores a second output of the key derivation, compared in constant time before anything is
//! opened: SHA-256 being collision resistant, it fits one passphrase, one header and one store only.
//!
//! The checksum is no secret and no protection against an attacker; it tells a damaged slot (or one of another
//! store) from a wrong passphrase without asking for one.

use ostler_core::{SecretBytes, StoreId};
use subtle::ConstantTimeEq as _;

use crate::{
    KdfParameters, KeyFile, OpenError, RecordKey, RootKey, SealingError, digest::sha256, kdf::derive_key,
    kdf::random_bytes, lock::LockedKey,
};

const VERSION: u8 = 2;
const ARGON2ID: u8 = 1;
const PBKDF2: u8 = 2;
const RANDOM: u8 = 3;
const SALT_BYTES: usize = 32;
const HEADER_BYTES: usize = 3 + 3 * 4 + SALT_BYTES;
const COMMITMENT_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 32;

/// A key slot was not made or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The passphrase is not the slot's.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The passphrase or the key file is not the slot's; nobody can tell which.
    #[error("the passphrase or the key file is wrong")]
    WrongFactors,
    /// The slot wants a key file, and none was given; nothing was tried.
    #[error("the key slot wants the key file beside the passphrase")]
    KeyFileWanted,
    /// The random secret is not the slot's.
    #[error("the kept secret does not fit the key slot")]
    WrongSecret,
    /// The parameters are below the floor of their kind.
    #[error("the key slot asks for too weak a key derivation: {asked}, where the least is {least}")]
    WeakKdf {
        /// What it asks for.
        asked: KdfParameters,
        /// What is accepted.
        least: KdfParameters,
    },
    /// The parameters are above the ceiling of their kind.
    #[error("the key slot asks for too costly a key derivation: {asked}, where the most is {most}")]
    ExcessiveKdf {
        /// What it asks for.
        asked: KdfParameters,
        /// What is accepted.
        most: KdfParameters,
    },
    /// The bytes are not a slot of this store.
    #[error("the key slot is damaged or belongs to another store")]
    Damaged,
    /// The format version is unknown to this program.
    #[error("the key slot has format version {found}, which this program does not know")]
    Version {
        /// The version found.
        found: u8,
    },
    /// The memory that the parameters ask for is not to be had.
    #[error("{memory_kib} KiB of memory for the key derivation are not to be had")]
    OutOfMemory {
        /// Memory, in KiB.
        memory_kib: u32,
    },
    /// The root key could not be sealed.
    #[error("the root key could not be sealed")]
    Sealing(#[from] SealingError),
}

/// What a person has to open a slot with.
#[derive(Debug, Clone, Copy)]
pub struct Factors<'a> {
    /// The passphrase.
    pub passphrase: &'a SecretBytes,
    /// The key file; a slot that wants none does not look at it.
    pub key_file: Option<&'a KeyFile>,
}

impl<'a> From<&'a SecretBytes> for Factors<'a> {
    fn from(passphrase: &'a SecretBytes) -> Self {
        Self { passphrase, key_file: None }
    }
}

/// What a passphrase's slot asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotInfo {
    /// How the passphrase is stretched.
    pub kdf: KdfParameters,
    /// Whether a key file is wanted beside it.
    pub key_file: bool,
}

impl SlotInfo {
    /// Returns what a passphrase's slot of the store asks for, without opening it.
    ///
    /// # Errors
    /// [`SlotError::Damaged`], [`SlotError::Version`].
    pub fn of(slot: &[u8], store: StoreId) -> Result<Self, SlotError> {
        let parsed = Parsed::checked(slot, store)?;
        match parsed.kind {
            Kind::Passphrase(kdf) => Ok(Self { kdf, key_file: parsed.key_file }),
            Kind::Random => Err(SlotError::Damaged),
        }
    }
}

/// A random secret that opens a slot, for another program to keep.
pub struct RandomSecret(LockedKey);

impl RandomSecret {
    /// Makes a secret.
    ///
    /// # Errors
    /// [`SealingError::NoRandomness`] if the system gives none.
    pub fn random() -> Result<Self, SealingError> {
        LockedKey::random().map(Self)
    }

    /// Takes a secret from what was kept; none if it has another length than 32 bytes.
    #[must_use]
    pub fn from_bytes(kept: &[u8]) -> Option<Self> {
        kept.try_into().ok().map(|bytes| Self(LockedKey::copy_of(bytes)))
    }

    /// Shows the bytes, to be kept.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.bytes()
    }
}

impl std::fmt::Debug for RandomSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RandomSecret(..)")
    }
}

/// Wraps the root key under a passphrase, and a key file if there is one; takes as long as one guess at it.
///
/// # Errors
/// [`SlotError::WeakKdf`] and [`SlotError::ExcessiveKdf`] for parameters that [`open_slot`] would refuse,
/// [`SlotError::OutOfMemory`], [`SlotError::Sealing`].
pub fn seal_slot(
    root: &RootKey,
    factors: Factors<'_>,
    kdf: KdfParameters,
    store: StoreId,
) -> Result<Vec<u8>, SlotError> {
    let kdf = kdf.check()?;
    seal(root, Kind::Passphrase(kdf), factors.key_file, store, |salt| kdf.stretch(factors.passphrase, salt))
}

/// Opens a passphrase's slot of the store; takes as long as its parameters say.
///
/// # Errors
/// [`SlotError::Damaged`], [`SlotError::Version`], [`SlotError::WeakKdf`], [`SlotError::ExcessiveKdf`] and
/// [`SlotError::KeyFileWanted`] come at once; [`SlotError::WrongPassphrase`] and [`SlotError::WrongFactors`] after the key
/// derivation.
pub fn open_slot(slot: &[u8], factors: Factors<'_>, store: StoreId) -> Result<RootKey, SlotError> {
    let parsed = Parsed::checked(slot, store)?;
    let Kind::Passphrase(kdf) = parsed.kind else { return Err(SlotError::Damaged) };
    let kdf = kdf.check()?;
    let key_file = parsed.key_file_of(factors.key_file)?;
    let wrong = if parsed.key_file { SlotError::WrongFactors } else { SlotError::WrongPassphrase };
    let stretched = kdf.stretch(factors.passphrase, parsed.salt)?;
    parsed.open(&stretched, key_file, store, wrong)
}

/// Wraps the root key under a random secret, and a key file if there is one.
///
/// # Errors
/// [`SlotError::Sealing`].
pub fn seal_random_slot(
    root: &RootKey,
    secret: &RandomSecret,
    key_file: Option<&KeyFile>,
    store: StoreId,
) -> Result<Vec<u8>, SlotError> {
    seal(root, Kind::Random, key_file, store, |_| Ok(LockedKey::copy_of(secret.expose())))
}

/// Opens a slot that a random secret was made for.
///
/// # Errors
/// [`SlotError::Damaged`], [`SlotError::Version`], [`SlotError::KeyFileWanted`]; [`SlotError::WrongSecret`], or
/// [`SlotError::WrongFactors`] where a key file is wanted.
pub fn open_random_slot(
    slot: &[u8],
    secret: &RandomSecret,
    key_file: Option<&KeyFile>,
    store: StoreId,
) -> Result<RootKey, SlotError> {
    let parsed = Parsed::checked(slot, store)?;
    let Kind::Random = parsed.kind else { return Err(SlotError::Damaged) };
    let key_file = parsed.key_file_of(key_file)?;
    let wrong = if parsed.key_file { SlotError::WrongFactors } else { SlotError::WrongSecret };
    parsed.open(&LockedKey::copy_of(secret.expose()), key_file, store, wrong)
}

/// What opens a slot.
#[derive(Clone, Copy)]
enum Kind {
    Passphrase(KdfParameters),
    Random,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Passphrase(KdfParameters::Argon2id { .. }) => ARGON2ID,
            Self::Passphrase(KdfParameters::Pbkdf2 { .. }) => PBKDF2,
            Self::Random => RANDOM,
        }
    }

    fn numbers(self) -> [u32; 3] {
        match self {
            Self::Passphrase(kdf) => kdf.numbers(),
            Self::Random => [0; 3],
        }
    }

    fn read(code: u8, numbers: [u32; 3]) -> Option<Self> {
        match (code, numbers) {
            (ARGON2ID, [memory_kib, passes, lanes]) => {
                Some(Self::Passphrase(KdfParameters::Argon2id { memory_kib, passes, lanes }))
            }
            (PBKDF2, [rounds, 0, 0]) => Some(Self::Passphrase(KdfParameters::Pbkdf2 { rounds })),
            (RANDOM, [0, 0, 0]) => Some(Self::Random),
            _ => None,
        }
    }
}

fn seal(
    root: &RootKey,
    kind: Kind,
    key_file: Option<&KeyFile>,
    store: StoreId,
    stretch: impl FnOnce(&[u8]) -> Result<LockedKey, SlotError>,
) -> Result<Vec<u8>, SlotError> {
    let mut slot = vec![VERSION, kind.code(), u8::from(key_file.is_some())];
    for number in kind.numbers() {
        slot.extend_from_slice(&number.to_be_bytes());
    }
    let salt = random_bytes::<SALT_BYTES>()?;
    slot.extend_from_slice(&salt);
    let keys = SlotKeys::derive(&stretch(&salt)?, key_file, &slot, store);
    let sealed_root = keys.wrapping.seal(&[&slot, &store.to_bytes()], root.0.bytes())?;
    slot.extend_from_slice(keys.commitment.bytes());
    slot.extend_from_slice(&sealed_root);
    let checksum = checksum(&slot, store);
    slot.extend_from_slice(&checksum);
    Ok(slot)
}

/// The fields of a slot's body.
struct Parsed<'a> {
    header: &'a [u8],
    kind: Kind,
    key_file: bool,
    salt: &'a [u8; SALT_BYTES],
    commitment: &'a [u8; COMMITMENT_BYTES],
    sealed_root: &'a [u8],
}

impl<'a> Parsed<'a> {
    /// Takes a slot apart once its version and its checksum are right.
    fn checked(slot: &'a [u8], store: StoreId) -> Result<Self, SlotError> {
        let version = *slot.first().ok_or(SlotError::Damaged)?;
        if version != VERSION {
            return Err(SlotError::Version { found: version });
        }
        let (body, found) = slot.split_last_chunk::<CHECKSUM_BYTES>().ok_or(SlotError::Damaged)?;
        if checksum(body, store) != *found {
            return Err(SlotError::Damaged);
        }
        Self::read(body).ok_or(SlotError::Damaged)
    }

    fn read(body: &'a [u8]) -> Option<Self> {
        let (header, rest) = body.split_at_checked(HEADER_BYTES)?;
        let (commitment, sealed_root) = rest.split_first_chunk()?;
        let ([_, kind, key_file], fields) = header.split_first_chunk()?;
        let (numbers, salt) = fields.split_first_chunk::<12>()?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let [first, second, third] = numbers else { return None };
        let kind = Kind::read(*kind, [first, second, third].map(|number| u32::from_be_bytes(*number)))?;
        let key_file = match key_file {
            0 => false,
            1 => true,
            _ => return None,
        };
        Some(Self { header, kind, key_file, salt: salt.try_into().ok()?, commitment, sealed_root })
    }

    /// Returns the key file where the slot wants one, and none where it does not.
    fn key_file_of<'b>(&self, given: Option<&'b KeyFile>) -> Result<Option<&'b KeyFile>, SlotError> {
        match (self.key_file, given) {
            (false, _) => Ok(None),
            (true, None) => Err(SlotError::KeyFileWanted),
            (true, given) => Ok(given),
        }
    }

    fn open(
        &self,
        stretched: &LockedKey,
        key_file: Option<&KeyFile>,
        store: StoreId,
        wrong: SlotError,
    ) -> Result<RootKey, SlotError> {
        let keys = SlotKeys::derive(stretched, key_file, self.header, store);
        if !bool::from(keys.commitment.bytes().ct_eq(self.commitment)) {
            return Err(wrong);
        }
        let opened =
            keys.wrapping.open(&[self.header, &store.to_bytes()], self.sealed_root).map_err(|error| {
                match error {
                    OpenError::Version { found } => SlotError::Version { found },
                    OpenError::Damaged | OpenError::TooShort => SlotError::Damaged,
                }
            })?;
        let root: &[u8; 32] = opened.expose().try_into().map_err(|_| SlotError::Damaged)?;
        Ok(RootKey(LockedKey::copy_of(root)))
    }
}

/// What the factors give for one slot.
struct SlotKeys {
    wrapping: RecordKey,
    commitment: LockedKey,
}

impl SlotKeys {
    fn derive(stretched: &LockedKey, key_file: Option<&KeyFile>, header: &[u8], store: StoreId) -> Self {
        let both = key_file.map(|file| derive_key(stretched.bytes(), "slot/key file", &[file.digest()]));
        let stretched = both.as_ref().unwrap_or(stretched).bytes();
        let context: &[&[u8]] = &[header, &store.to_bytes()];
        Self {
            wrapping: RecordKey::new(derive_key(stretched, "slot/wrap", context)),
            commitment: derive_key(stretched, "slot/commitment", context),
        }
    }
}

fn checksum(body: &[u8], store: StoreId) -> [u8; CHECKSUM_BYTES] {
    sha256(&[b"ostler key slot", &store.to_bytes(), body])
}
