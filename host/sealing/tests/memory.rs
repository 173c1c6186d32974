//! Searches this process's own memory for what should be gone from it.
//!
//! One test, since another thread's secrets would be found as well.
#![cfg(target_os = "linux")]

use std::{
    fs::{self, File},
    os::unix::fs::FileExt as _,
};

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{KdfParameters, RecordKey, RootKey, StreamKey, open_slot, random_bytes, seal_slot};

/// What is searched for, kept in another form, so that the search does not find itself.
#[cfg(test)]
struct Wanted(Vec<u8>);

#[cfg(test)]
impl Wanted {
    fn masked(bytes: &[u8]) -> Self {
        Self(bytes.iter().map(|byte| byte ^ 0x5a).collect())
    }

    /// Counts the copies in all writable memory.
    fn count(&self) -> usize {
        let memory = File::open("/proc/self/mem").unwrap();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let mut piece = vec![0; 64 * 1024];
        let mut found = 0;
        for line in
            maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|bits| bits.starts_with("rw")))
        {
            let (start, end) = line.split(' ').next().unwrap().split_once('-').unwrap();
            let mut place = u64::from_str_radix(start, 16).unwrap();
            let end = u64::from_str_radix(end, 16).unwrap();
            while place < end {
                let length = piece.len().min((end - place) as usize);
                if memory.read_exact_at(&mut piece[..length], place).is_err() {
                    break;
                }
                let same = |window: &[u8]| window.iter().zip(&self.0).all(|(one, two)| one ^ 0x5a == *two);
                found += piece[..length].windows(self.0.len()).filter(|window| same(window)).count();
                // The next piece starts early enough to see what lies across the border.
                place += if place + (length as u64) < end {
                    (length - self.0.len()) as u64
                } else {
                    length as u64
                };
                piece.fill(0);
            }
        }
        found
    }
}

#[cfg(test)]
fn passphrase(random: &mut [u8; 24]) -> SecretBytes {
    *random = random_bytes().unwrap();
    SecretBytes::new(random.iter().map(|byte| b'a' + byte % 26).collect())
}

#[test]
fn neither_a_passphrase_nor_a_dropped_key_is_left_in_memory() {
    let store = StoreId::random();

    let secret = passphrase(&mut [0; 24]);
    let wanted = Wanted::masked(secret.expose());
    assert!(wanted.count() >= 1, "the search finds what is there");
    let slot = seal_slot(&RootKey::random().unwrap(), (&secret).into(), KdfParameters::FLOOR, store).unwrap();
    let root = open_slot(&slot, (&secret).into(), store).unwrap();
    drop(secret);
    assert_eq!(wanted.count(), 0, "the passphrase");
    drop(root);

    let mut bytes = random_bytes::<32>().unwrap();
    let wanted = Wanted::masked(&bytes);
    let (record, stream) = (RecordKey::from_bytes(&bytes), StreamKey::from_bytes(&bytes));
    zeroize::Zeroize::zeroize(&mut bytes);
    assert!(wanted.count() >= 2, "the search finds keys in use");
    let sealed = record.seal(&[], b"x").unwrap();
    record.open(&[], &sealed).unwrap();
    let sealed = stream.seal(b"", b"x").unwrap();
    stream.open(b"", &sealed).unwrap();
    drop((record.derive("a", &[]), stream.ratchet()));
    drop((record, stream));
    assert_eq!(wanted.count(), 0, "the keys");
}
