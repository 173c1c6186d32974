//! What one guess at a passphrase costs: the key derivations that a slot may ask for, and their bounds.
//!
//! Never accepts less than the floor, whatever a file says, and never more than the ceiling, so that a forged file can't
//! stall or exhaust the machine.

use std::fmt;

use ostler_core::SecretBytes;
use zeroize::Zeroizing;

use crate::{SlotError, lock::LockedKey};

/// More stack than a key derivation uses here; wiped after it, since it may leave pieces of the passphrase there.
const WIPED_STACK_BYTES: usize = 64 * 1024;

/// How a passphrase is stretched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KdfParameters {
    /// Argon2id, version 1.3 (RFC 9106).
    Argon2id {
        /// Memory, in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// PBKDF2 with HMAC-SHA-256 (NIST SP 800-132), for those who may use approved functions only. It costs an attacker
    /// time but no memory: Argon2id is the better choice wherever there is one.
    Pbkdf2 {
        /// Rounds.
        rounds: u32,
    },
}

impl KdfParameters {
    /// What a new store gets: Argon2id with 64 MiB, 3 passes, 1 lane.
    pub const DEFAULT: Self = Self::Argon2id { memory_kib: 65_536, passes: 3, lanes: 1 };
    /// What a new store of the FIPS profile gets: PBKDF2 with 1,000,000 rounds.
    pub const FIPS: Self = Self::Pbkdf2 { rounds: 1_000_000 };
    /// The least that is accepted of Argon2id: 19 MiB, 2 passes, 1 lane (OWASP's minimum).
    pub const FLOOR: Self = Self::Argon2id { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// The most that is accepted of Argon2id: 2 GiB, 64 passes, 16 lanes.
    pub const CEILING: Self = Self::Argon2id { memory_kib: 2_097_152, passes: 64, lanes: 16 };
    /// The least that is accepted of PBKDF2: 600,000 rounds (OWASP's minimum for HMAC-SHA-256; NIST SP 800-132 asks for
    /// as many as the user can bear).
    pub const FIPS_FLOOR: Self = Self::Pbkdf2 { rounds: 600_000 };
    /// The most that is accepted of PBKDF2: 100,000,000 rounds.
    pub const FIPS_CEILING: Self = Self::Pbkdf2 { rounds: 100_000_000 };

    /// Tells whether only approved functions (FIPS 140) are used.
    #[must_use]
    pub fn is_fips(self) -> bool {
        matches!(self, Self::Pbkdf2 { .. })
    }

    /// Returns parameters of the same kind that are nowhere weaker than these nor than what a new store gets; these
    /// themselves, if they are strong enough.
    #[must_use]
    pub fn raised(self) -> Self {
        let least = if self.is_fips() { Self::FIPS } else { Self::DEFAULT };
        let mut numbers = self.numbers();
        numbers.iter_mut().zip(least.numbers()).for_each(|(own, least)| *own = (*own).max(least));
        let [first, second, third] = numbers;
        match self {
            Self::Argon2id { .. } => Self::Argon2id { memory_kib: first, passes: second, lanes: third },
            Self::Pbkdf2 { .. } => Self::Pbkdf2 { rounds: first },
        }
    }

    /// Refuses what is below the floor or above the ceiling.
    pub(crate) fn check(self) -> Result<Self, SlotError> {
        let (floor, ceiling) = match self {
            Self::Argon2id { .. } => (Self::FLOOR, Self::CEILING),
            Self::Pbkdf2 { .. } => (Self::FIPS_FLOOR, Self::FIPS_CEILING),
        };
        let (own, least, most) = (self.numbers(), floor.numbers(), ceiling.numbers());
        if own.iter().zip(least).any(|(own, least)| *own < least) {
            Err(SlotError::WeakKdf { asked: self, least: floor })
        } else if own.iter().zip(most).any(|(own, most)| *own > most) {
            Err(SlotError::ExcessiveKdf { asked: self, most: ceiling })
        } else {
            Ok(self)
        }
    }

    /// The three numbers that stand in a slot.
    pub(crate) fn numbers(self) -> [u32; 3] {
        match self {
            Self::Argon2id { memory_kib, passes, lanes } => [memory_kib, passes, lanes],
            Self::Pbkdf2 { rounds } => [rounds, 0, 0],
        }
    }

    /// Stretches a passphrase, and wipes what the work left on the stack.
    pub(crate) fn stretch(self, passphrase: &SecretBytes, salt: &[u8]) -> Result<LockedKey, SlotError> {
        let stretched = self.stretch_on_stack(passphrase, salt);
        zeroize::zeroize_stack::<WIPED_STACK_BYTES>();
        stretched
    }

    /// Not inlined, so that its stack can be wiped after it.
    #[inline(never)]
    fn stretch_on_stack(self, passphrase: &SecretBytes, salt: &[u8]) -> Result<LockedKey, SlotError> {
        let mut stretched = LockedKey::zeroed();
        match self {
            Self::Argon2id { memory_kib, passes, lanes } => {
                let excessive = |_| SlotError::ExcessiveKdf { asked: self, most: Self::CEILING };
                let out_of_memory = |_| SlotError::OutOfMemory { memory_kib };
                let params = argon2::Params::new(memory_kib, passes, lanes, Some(32)).map_err(excessive)?;
                // Memory that is wiped afterwards, which the library leaves to the caller.
                let mut blocks = Zeroizing::new(Vec::new());
                blocks.try_reserve_exact(params.block_count()).map_err(out_of_memory)?;
                blocks.resize(params.block_count(), argon2::Block::new());
                argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
                    .hash_password_into_with_memory(
                        passphrase.expose(),
                        salt,
                        stretched.bytes_mut(),
                        blocks.as_mut_slice(),
                    )
                    .map_err(excessive)?;
            }
            Self::Pbkdf2 { rounds } => {
                pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase.expose(), salt, rounds, stretched.bytes_mut());
            }
        }
        Ok(stretched)
    }
}

impl Default for KdfParameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for KdfParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Argon2id { memory_kib, passes, lanes } if memory_kib.is_multiple_of(1024) => {
                write!(f, "Argon2id, {} MiB, {passes} passes, {lanes} lane(s)", memory_kib / 1024)
            }
            Self::Argon2id { memory_kib, passes, lanes } => {
                write!(f, "Argon2id, {memory_kib} KiB, {passes} passes, {lanes} lane(s)")
            }
            Self::Pbkdf2 { rounds } => write!(f, "PBKDF2-HMAC-SHA256, {rounds} rounds"),
        }
    }
}
