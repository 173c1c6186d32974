//! Key slots: the bytes before the checksum, which anybody can compute.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    Factors, KdfParameters, RandomSecret, RootKey, SlotError, SlotInfo, open_random_slot, open_slot,
    seal_random_slot, seal_slot, sha256,
};

use super::Taken;
use crate::Input;

const STORE: StoreId = StoreId::from_bytes([9; 16]);
const CHECKSUM_BYTES: usize = 32;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let (root, passphrase) = (RootKey::random()?, passphrase());
    let slots = [
        seal_slot(&root, Factors::from(&passphrase), KdfParameters::FLOOR, STORE)?,
        seal_random_slot(&root, &RandomSecret::random()?, None, STORE)?,
    ];
    Ok(slots.iter().map(|slot| Input::of(without_checksum(slot))).collect())
}

/// Never stretches a passphrase: what asks for too much or too little is refused before.
pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let body = input.bytes();
    let slot = [body, &sha256(&[b"ostler key slot", &STORE.to_bytes(), body])].concat();
    let kept = RandomSecret::random()?;
    ensure!(open_random_slot(&slot, &kept, None, STORE).is_err(), "a slot opened with another secret");
    let info = match SlotInfo::of(&slot, STORE) {
        Ok(info) => info,
        Err(error) => {
            drop(error.to_string());
            // That of a kept secret says nothing of itself.
            let random = matches!(open_random_slot(&slot, &kept, None, STORE), Err(SlotError::WrongSecret));
            return Ok(if random { Taken::Read } else { Taken::Refused });
        }
    };
    drop(format!("{info:?} {}", info.kdf));
    // One that is in bounds would be stretched, which takes its time and is not what is looked at here.
    if !in_bounds(info.kdf) {
        let opened = open_slot(&slot, Factors::from(&passphrase()), STORE);
        let refused = matches!(opened, Err(SlotError::WeakKdf { .. } | SlotError::ExcessiveKdf { .. }));
        ensure!(refused, "{:?} is not refused", info.kdf);
    }
    Ok(Taken::Read)
}

fn in_bounds(kdf: KdfParameters) -> bool {
    let (least, most) = match kdf {
        KdfParameters::Argon2id { .. } => (KdfParameters::FLOOR, KdfParameters::CEILING),
        KdfParameters::Pbkdf2 { .. } => (KdfParameters::FIPS_FLOOR, KdfParameters::FIPS_CEILING),
    };
    let within = numbers(least).into_iter().zip(numbers(most)).map(|(least, most)| least..=most);
    numbers(kdf).iter().zip(within).all(|(own, within)| within.contains(own))
}

fn numbers(kdf: KdfParameters) -> [u32; 3] {
    match kdf {
        KdfParameters::Argon2id { memory_kib, passes, lanes } => [memory_kib, passes, lanes],
        KdfParameters::Pbkdf2 { rounds } => [rounds, 0, 0],
    }
}

fn passphrase() -> SecretBytes {
    SecretBytes::new(b"C0rrect horse!".to_vec())
}

fn without_checksum(slot: &[u8]) -> &[u8] {
    slot.get(..slot.len().saturating_sub(CHECKSUM_BYTES)).unwrap_or_default()
}
