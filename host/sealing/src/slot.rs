//! The key slot: the root key, wrapped under a passphrase.
//!
//! Never accepts weak parameters, whatever the file says, and never allocates more than [`KdfParameters::CEILING`]
//! allows. The passphrase is taken as the bytes that were typed: no Unicode normalization happens here, so a
//! passphrase typed composed does not open a slot that was made decomposed.
//!
//! ```text
//! version (1) | kdf (1: Argon2id 1.3) | memory KiB (4) | passes (4) | lanes (4) | salt (32)   the header
//! | commitment (32) | sealed root key (73: a record) | checksum (32)
//!
//! stretched   = Argon2id(passphrase, salt, memory, passes, lanes), 32 bytes
//! wrapping key, commitment = HKDF-Expand-SHA-256(stretched, "slot/wrap" | "slot/commitment", header, store id)
//! checksum    = SHA-256("ostler key slot", store id, all before it)
//! ```
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
use zeroize::Zeroizing;

use crate::{
    OpenError, RecordKey, RootKey, SealingError, digest::sha256, kdf::derive_key, kdf::random_bytes,
    lock::LockedKey,
};

const VERSION: u8 = 1;
const ARGON2ID: u8 = 1;
const SALT_BYTES: usize = 32;
const HEADER_BYTES: usize = 2 + 3 * 4 + SALT_BYTES;
const COMMITMENT_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 32;
/// More stack than Argon2 and HKDF use here; wiped after them, since they may leave pieces of the passphrase there.
const WIPED_STACK_BYTES: usize = 64 * 1024;

/// The cost of one guess at a passphrase (Argon2id, RFC 9106).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdfParameters {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl KdfParameters {
    /// What a new store gets: 64 MiB, 3 passes, 1 lane.
    pub const DEFAULT: Self = Self { memory_kib: 65_536, passes: 3, lanes: 1 };
    /// The least that is accepted: 19 MiB, 2 passes, 1 lane (OWASP's minimum).
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// The most that is accepted, so that a forged file can't stall or exhaust the machine: 2 GiB, 64 passes,
    /// 16 lanes.
    pub const CEILING: Self = Self { memory_kib: 2_097_152, passes: 64, lanes: 16 };

    /// Returns what a slot of the store asks for, without opening it.
    ///
    /// # Errors
    /// [`SlotError::Damaged`], [`SlotError::Version`].
    pub fn of_slot(slot: &[u8], store: StoreId) -> Result<Self, SlotError> {
        Parsed::checked(slot, store).map(|parsed| parsed.parameters)
    }

    fn check(self) -> Result<Self, SlotError> {
        let Self { memory_kib, passes, lanes } = self;
        let fails = |beyond: fn(u32, u32) -> bool, bound: Self| {
            beyond(memory_kib, bound.memory_kib) || beyond(passes, bound.passes) || beyond(lanes, bound.lanes)
        };
        if fails(|own, floor| own < floor, Self::FLOOR) {
            Err(SlotError::WeakKdf { memory_kib, passes, lanes })
        } else if fails(|own, ceiling| own > ceiling, Self::CEILING) {
            Err(SlotError::ExcessiveKdf { memory_kib, passes, lanes })
        } else {
            Ok(self)
        }
    }
}

impl Default for KdfParameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A key slot was not made or not opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// The passphrase is not the slot's.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// The parameters are below [`KdfParameters::FLOOR`].
    #[error(
        "the key slot asks for too weak a key derivation: {memory_kib} KiB, {passes} passes, {lanes} lanes, \
         where the least is {} KiB, {} passes, {} lane", KdfParameters::FLOOR.memory_kib, KdfParameters::FLOOR.passes,
         KdfParameters::FLOOR.lanes
    )]
    WeakKdf {
        /// Memory, in KiB.
        memory_kib: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// The parameters are above [`KdfParameters::CEILING`].
    #[error(
        "the key slot asks for too costly a key derivation: {memory_kib} KiB, {passes} passes, {lanes} lanes, \
         where the most is {} KiB, {} passes, {} lanes", KdfParameters::CEILING.memory_kib, KdfParameters::CEILING.passes,
         KdfParameters::CEILING.lanes
    )]
    ExcessiveKdf {
        /// Memory, in KiB.
        memory_kib: u32,
        /// Passes.
        passes: u32,
        /// Lanes.
        lanes: u32,
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

/// Wraps the root key under a passphrase; takes as long as one guess at it.
///
/// # Errors
/// [`SlotError::WeakKdf`] and [`SlotError::ExcessiveKdf`] for parameters that [`open_slot`] would refuse,
/// [`SlotError::OutOfMemory`], [`SlotError::Sealing`].
pub fn seal_slot(
    root: &RootKey,
    passphrase: &SecretBytes,
    parameters: KdfParameters,
    store: StoreId,
) -> Result<Vec<u8>, SlotError> {
    let parameters = parameters.check()?;
    let mut slot = vec![VERSION, ARGON2ID];
    for number in [parameters.memory_kib, parameters.passes, parameters.lanes] {
        slot.extend_from_slice(&number.to_be_bytes());
    }
    let salt = random_bytes::<SALT_BYTES>()?;
    slot.extend_from_slice(&salt);
    let keys = SlotKeys::derive(passphrase, parameters, &salt, &slot, store)?;
    let sealed_root = keys.wrapping.seal(&[&slot, &store.to_bytes()], root.0.bytes())?;
    slot.extend_from_slice(keys.commitment.bytes());
    slot.extend_from_slice(&sealed_root);
    let checksum = checksum(&slot, store);
    slot.extend_from_slice(&checksum);
    Ok(slot)
}

/// Opens a slot of the store; takes as long as its parameters say.
///
/// # Errors
/// [`SlotError::Damaged`], [`SlotError::Version`], [`SlotError::WeakKdf`] and [`SlotError::ExcessiveKdf`] come
/// at once; [`SlotError::WrongPassphrase`] after the key derivation.
pub fn open_slot(slot: &[u8], passphrase: &SecretBytes, store: StoreId) -> Result<RootKey, SlotError> {
    let parsed = Parsed::checked(slot, store)?;
    let parameters = parsed.parameters.check()?;
    let keys = SlotKeys::derive(passphrase, parameters, parsed.salt, parsed.header, store)?;
    if !bool::from(keys.commitment.bytes().ct_eq(parsed.commitment)) {
        return Err(SlotError::WrongPassphrase);
    }
    let opened =
        keys.wrapping.open(&[parsed.header, &store.to_bytes()], parsed.sealed_root).map_err(|error| {
            match error {
                OpenError::Version { found } => SlotError::Version { found },
                OpenError::Damaged | OpenError::TooShort => SlotError::Damaged,
            }
        })?;
    let root: &[u8; 32] = opened.expose().try_into().map_err(|_| SlotError::Damaged)?;
    Ok(RootKey(LockedKey::copy_of(root)))
}

/// The fields of a slot's body.
struct Parsed<'a> {
    header: &'a [u8],
    parameters: KdfParameters,
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
        let ([_, kdf], fields) = header.split_first_chunk()?;
        let (numbers, salt) = fields.split_first_chunk::<12>()?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let [memory_kib, passes, lanes] = numbers else { return None };
        let parameters = KdfParameters {
            memory_kib: u32::from_be_bytes(*memory_kib),
            passes: u32::from_be_bytes(*passes),
            lanes: u32::from_be_bytes(*lanes),
        };
        let salt = salt.try_into().ok()?;
        (*kdf == ARGON2ID).then_some(Self { header, parameters, salt, commitment, sealed_root })
    }
}

/// What a passphrase gives for one slot.
struct SlotKeys {
    wrapping: RecordKey,
    commitment: LockedKey,
}

impl SlotKeys {
    fn derive(
        passphrase: &SecretBytes,
        parameters: KdfParameters,
        salt: &[u8; SALT_BYTES],
        header: &[u8],
        store: StoreId,
    ) -> Result<Self, SlotError> {
        let stretched = stretch(passphrase, parameters, salt);
        zeroize::zeroize_stack::<WIPED_STACK_BYTES>();
        let stretched = stretched?;
        let context: &[&[u8]] = &[header, &store.to_bytes()];
        Ok(Self {
            wrapping: RecordKey::new(derive_key(stretched.bytes(), "slot/wrap", context)),
            commitment: derive_key(stretched.bytes(), "slot/commitment", context),
        })
    }
}

/// Argon2id in memory that is wiped afterwards, which the library leaves to the caller.
///
/// Not inlined, so that its stack can be wiped after it.
#[inline(never)]
fn stretch(
    passphrase: &SecretBytes,
    parameters: KdfParameters,
    salt: &[u8; SALT_BYTES],
) -> Result<LockedKey, SlotError> {
    let KdfParameters { memory_kib, passes, lanes } = parameters;
    let excessive = |_| SlotError::ExcessiveKdf { memory_kib, passes, lanes };
    let out_of_memory = |_| SlotError::OutOfMemory { memory_kib };
    let params = argon2::Params::new(memory_kib, passes, lanes, Some(32)).map_err(excessive)?;
    let mut blocks = Zeroizing::new(Vec::new());
    blocks.try_reserve_exact(params.block_count()).map_err(out_of_memory)?;
    blocks.resize(params.block_count(), argon2::Block::new());
    let mut stretched = LockedKey::zeroed();
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into_with_memory(
            passphrase.expose(),
            salt,
            stretched.bytes_mut(),
            blocks.as_mut_slice(),
        )
        .map_err(excessive)?;
    Ok(stretched)
}

fn checksum(body: &[u8], store: StoreId) -> [u8; CHECKSUM_BYTES] {
    sha256(&[b"ostler key slot", &store.to_bytes(), body])
}
