//! The key slot.

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{KdfParameters, RootKey, SlotError, open_slot, seal_slot, sha256};

use crate::each_flip;

const STORE: StoreId = StoreId::from_bytes([5; 16]);
const CHECKSUM_BYTES: usize = 32;

fn passphrase() -> SecretBytes {
    SecretBytes::from("correct horse battery staple".to_owned())
}

fn slot_of(root: &RootKey) -> Vec<u8> {
    seal_slot(root, &passphrase(), KdfParameters::FLOOR, STORE).unwrap()
}

/// Makes the checksum right again, as whoever forges a slot would.
fn with_checksum(body: &[u8], store: StoreId) -> Vec<u8> {
    [body, &sha256(&[b"ostler key slot", &store.to_bytes(), body])].concat()
}

fn body(slot: &[u8]) -> &[u8] {
    &slot[..slot.len() - CHECKSUM_BYTES]
}

#[test]
fn a_slot_gives_its_root_key_back() {
    let root = RootKey::random().unwrap();
    let opened = open_slot(&slot_of(&root), &passphrase(), STORE).unwrap();
    assert_eq!(opened.mac_key().tag(&[b"x"]), root.mac_key().tag(&[b"x"]));
}

#[test]
fn a_wrong_passphrase_is_refused() {
    let slot = slot_of(&RootKey::random().unwrap());
    for wrong in
        ["", "correct horse battery stapl", "correct horse battery staple ", "Correct horse battery staple"]
    {
        let refused = open_slot(&slot, &SecretBytes::from(wrong.to_owned()), STORE).unwrap_err();
        assert_eq!(refused, SlotError::WrongPassphrase, "{wrong:?}");
    }
}

#[test]
fn a_passphrase_is_taken_as_typed() {
    let root = RootKey::random().unwrap();
    let composed = SecretBytes::from("b\u{e4}r".to_owned());
    let decomposed = SecretBytes::from("ba\u{308}r".to_owned());
    let slot = seal_slot(&root, &composed, KdfParameters::FLOOR, STORE).unwrap();
    assert!(open_slot(&slot, &composed, STORE).is_ok());
    assert_eq!(open_slot(&slot, &decomposed, STORE).unwrap_err(), SlotError::WrongPassphrase);
}

#[test]
fn the_same_passphrase_makes_a_new_slot_each_time() {
    let root = RootKey::random().unwrap();
    let (one, two) = (slot_of(&root), slot_of(&root));
    assert_eq!(one[..14], two[..14], "version, derivation and parameters");
    assert!(one[14..].iter().zip(&two[14..]).filter(|(one, two)| one == two).count() < 20);
}

#[test]
fn every_flipped_byte_of_a_slot_is_found_before_the_passphrase_is_tried() {
    let slot = slot_of(&RootKey::random().unwrap());
    each_flip(&slot, |place, changed| {
        let refused = open_slot(changed, &passphrase(), STORE).unwrap_err();
        let expected = if place == 0 { SlotError::Version { found: 0 } } else { SlotError::Damaged };
        assert_eq!(refused, expected, "byte {place}");
    });
}

#[test]
fn every_flipped_byte_of_a_forged_slot_is_refused() {
    let slot = slot_of(&RootKey::random().unwrap());
    each_flip(body(&slot), |place, changed| {
        if place == 3 {
            // This one is a legal wish for 531 MiB, too much for a test.
            return;
        }
        let refused = open_slot(&with_checksum(changed, STORE), &passphrase(), STORE).unwrap_err();
        let expected = match place {
            0 => matches!(refused, SlotError::Version { .. }),
            1 => refused == SlotError::Damaged,
            // Parameters: too much, too little, or another key.
            2..14 => !matches!(refused, SlotError::Damaged | SlotError::Version { .. }),
            // Salt and commitment: another key. Sealed root: the right passphrase, but not what was sealed.
            14..78 => refused == SlotError::WrongPassphrase,
            78 => matches!(refused, SlotError::Version { .. }),
            _ => refused == SlotError::Damaged,
        };
        assert!(expected, "byte {place}: {refused:?}");
    });
}

#[test]
fn a_slot_of_another_store_is_refused() {
    let other = StoreId::from_bytes([6; 16]);
    let slot = slot_of(&RootKey::random().unwrap());
    assert_eq!(open_slot(&slot, &passphrase(), other).unwrap_err(), SlotError::Damaged);
    let moved = with_checksum(body(&slot), other);
    assert_eq!(open_slot(&moved, &passphrase(), other).unwrap_err(), SlotError::WrongPassphrase);
}

#[test]
fn a_cut_slot_is_refused_at_every_length() {
    let slot = slot_of(&RootKey::random().unwrap());
    for length in 0..slot.len() {
        assert_eq!(open_slot(&slot[..length], &passphrase(), STORE).unwrap_err(), SlotError::Damaged);
    }
    let body = body(&slot);
    // From 78 bytes on, the key derivation runs; three such lengths are proof enough.
    for length in (1..78).chain([78, 100, body.len() - 1]) {
        let refused = open_slot(&with_checksum(&body[..length], STORE), &passphrase(), STORE).unwrap_err();
        assert_eq!(refused, SlotError::Damaged, "{length} bytes");
    }
}

#[test]
fn weak_parameters_are_refused_whatever_the_file_says() {
    let KdfParameters { memory_kib, passes, lanes } = KdfParameters::FLOOR;
    let root = RootKey::random().unwrap();
    let slot = slot_of(&root);
    for weak in [
        KdfParameters { memory_kib: memory_kib - 1, passes, lanes },
        KdfParameters { memory_kib, passes: passes - 1, lanes },
        KdfParameters { memory_kib, passes, lanes: 0 },
        KdfParameters { memory_kib: 0, passes: 0, lanes: 0 },
        KdfParameters { memory_kib: 8, passes: 64, lanes },
    ] {
        let KdfParameters { memory_kib, passes, lanes } = weak;
        let expected = SlotError::WeakKdf { memory_kib, passes, lanes };
        assert_eq!(seal_slot(&root, &passphrase(), weak, STORE).unwrap_err(), expected);
        assert_eq!(open_slot(&with_parameters(&slot, weak), &passphrase(), STORE).unwrap_err(), expected);
    }
    let same = with_parameters(&slot, KdfParameters::FLOOR);
    assert!(open_slot(&same, &passphrase(), STORE).is_ok(), "the forging itself breaks nothing");
}

#[test]
fn excessive_parameters_are_refused_before_memory_is_taken() {
    let KdfParameters { memory_kib, passes, lanes } = KdfParameters::CEILING;
    let root = RootKey::random().unwrap();
    let slot = slot_of(&root);
    for excessive in [
        KdfParameters { memory_kib: memory_kib + 1, passes: 2, lanes: 1 },
        KdfParameters { memory_kib: u32::MAX, passes: 2, lanes: 1 },
        KdfParameters { memory_kib: 19_456, passes: passes + 1, lanes: 1 },
        KdfParameters { memory_kib: 19_456, passes: 2, lanes: lanes + 1 },
    ] {
        let KdfParameters { memory_kib, passes, lanes } = excessive;
        let expected = SlotError::ExcessiveKdf { memory_kib, passes, lanes };
        assert_eq!(seal_slot(&root, &passphrase(), excessive, STORE).unwrap_err(), expected);
        assert_eq!(
            open_slot(&with_parameters(&slot, excessive), &passphrase(), STORE).unwrap_err(),
            expected
        );
    }
}

fn with_parameters(slot: &[u8], parameters: KdfParameters) -> Vec<u8> {
    let mut body = body(slot).to_vec();
    for (index, number) in
        [parameters.memory_kib, parameters.passes, parameters.lanes].into_iter().enumerate()
    {
        body[2 + 4 * index..6 + 4 * index].copy_from_slice(&number.to_be_bytes());
    }
    with_checksum(&body, STORE)
}

#[test]
fn stronger_parameters_and_more_lanes_work() {
    let root = RootKey::random().unwrap();
    let parameters = KdfParameters { memory_kib: 20_000, passes: 3, lanes: 4 };
    let slot = seal_slot(&root, &passphrase(), parameters, STORE).unwrap();
    assert!(open_slot(&slot, &passphrase(), STORE).is_ok());
}

#[test]
fn a_slot_of_a_newer_format_says_so() {
    let mut slot = slot_of(&RootKey::random().unwrap());
    slot[0] = 2;
    assert_eq!(open_slot(&slot, &passphrase(), STORE).unwrap_err(), SlotError::Version { found: 2 });
}

#[test]
fn the_keys_of_the_tree_are_independent() {
    let root = RootKey::random().unwrap();
    let sealed = root.metadata_key().seal(&[], b"x").unwrap();
    assert!(root.metadata_key().open(&[], &sealed).is_ok());
    for other in [root.epoch_key(0), root.epoch_key(1), root.metadata_key().derive("root/metadata", &[])] {
        assert!(other.open(&[], &sealed).is_err());
    }
    assert_ne!(root.envelope().public(), RootKey::random().unwrap().envelope().public());
}
