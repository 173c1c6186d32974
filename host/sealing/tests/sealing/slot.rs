//! The key slot.

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    Factors, KdfParameters, KeyFile, KeyFileError, RandomSecret, RootKey, SlotError, SlotInfo,
    open_random_slot, open_slot, seal_random_slot, seal_slot, sha256,
};

use crate::{each_flip, write_file};

const STORE: StoreId = StoreId::from_bytes([5; 16]);
const CHECKSUM_BYTES: usize = 32;

fn passphrase() -> SecretBytes {
    SecretBytes::from("correct horse battery staple".to_owned())
}

fn slot_of(root: &RootKey) -> Vec<u8> {
    seal_slot(root, (&passphrase()).into(), KdfParameters::FLOOR, STORE).unwrap()
}

fn open(slot: &[u8], passphrase: &SecretBytes) -> Result<RootKey, SlotError> {
    open_slot(slot, passphrase.into(), STORE)
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
    let opened = open(&slot_of(&root), &passphrase()).unwrap();
    assert_eq!(opened.mac_key().tag(&[b"x"]), root.mac_key().tag(&[b"x"]));
}

#[test]
fn a_wrong_passphrase_is_refused() {
    let slot = slot_of(&RootKey::random().unwrap());
    for wrong in
        ["", "correct horse battery stapl", "correct horse battery staple ", "Correct horse battery staple"]
    {
        let refused = open(&slot, &SecretBytes::from(wrong.to_owned())).unwrap_err();
        assert_eq!(refused, SlotError::WrongPassphrase, "{wrong:?}");
    }
}

#[test]
fn a_passphrase_is_taken_as_typed() {
    let root = RootKey::random().unwrap();
    let composed = SecretBytes::from("b\u{e4}r".to_owned());
    let decomposed = SecretBytes::from("ba\u{308}r".to_owned());
    let slot = seal_slot(&root, (&composed).into(), KdfParameters::FLOOR, STORE).unwrap();
    assert!(open(&slot, &composed).is_ok());
    assert_eq!(open(&slot, &decomposed).unwrap_err(), SlotError::WrongPassphrase);
}

#[test]
fn the_same_passphrase_makes_a_new_slot_each_time() {
    let root = RootKey::random().unwrap();
    let (one, two) = (slot_of(&root), slot_of(&root));
    assert_eq!(one[..15], two[..15], "version, kind, key file and parameters");
    assert!(one[15..].iter().zip(&two[15..]).filter(|(one, two)| one == two).count() < 20);
}

#[test]
fn every_flipped_byte_of_a_slot_is_found_before_the_passphrase_is_tried() {
    let slot = slot_of(&RootKey::random().unwrap());
    each_flip(&slot, |place, changed| {
        let refused = open(changed, &passphrase()).unwrap_err();
        let expected = if place == 0 { SlotError::Version { found: 3 } } else { SlotError::Damaged };
        assert_eq!(refused, expected, "byte {place}");
    });
}

#[test]
fn every_flipped_byte_of_a_forged_slot_is_refused() {
    let slot = slot_of(&RootKey::random().unwrap());
    each_flip(body(&slot), |place, changed| {
        if place == 4 {
            // This one is a legal wish for 531 MiB, too much for a test.
            return;
        }
        let refused = open(&with_checksum(changed, STORE), &passphrase()).unwrap_err();
        let expected = match place {
            0 => matches!(refused, SlotError::Version { .. }),
            1 => refused == SlotError::Damaged,
            // The mark of a key file: another wish, or none.
            2 => matches!(refused, SlotError::Damaged | SlotError::KeyFileWanted),
            // Parameters: too much, too little, or another key.
            3..15 => !matches!(refused, SlotError::Damaged | SlotError::Version { .. }),
            // Salt and commitment: another key. Sealed root: the right passphrase, but not what was sealed.
            15..79 => refused == SlotError::WrongPassphrase,
            79 => matches!(refused, SlotError::Version { .. }),
            _ => refused == SlotError::Damaged,
        };
        assert!(expected, "byte {place}: {refused:?}");
    });
}

#[test]
fn a_slot_of_another_store_is_refused() {
    let other = StoreId::from_bytes([6; 16]);
    let slot = slot_of(&RootKey::random().unwrap());
    assert_eq!(open_slot(&slot, (&passphrase()).into(), other).unwrap_err(), SlotError::Damaged);
    let moved = with_checksum(body(&slot), other);
    assert_eq!(open_slot(&moved, (&passphrase()).into(), other).unwrap_err(), SlotError::WrongPassphrase);
}

#[test]
fn a_cut_slot_is_refused_at_every_length() {
    let slot = slot_of(&RootKey::random().unwrap());
    for length in 0..slot.len() {
        assert_eq!(open(&slot[..length], &passphrase()).unwrap_err(), SlotError::Damaged);
    }
    let body = body(&slot);
    // From 79 bytes on, the key derivation runs; three such lengths are proof enough.
    for length in (1..79).chain([79, 100, body.len() - 1]) {
        let refused = open(&with_checksum(&body[..length], STORE), &passphrase()).unwrap_err();
        assert_eq!(refused, SlotError::Damaged, "{length} bytes");
    }
}

fn argon2id(memory_kib: u32, passes: u32, lanes: u32) -> KdfParameters {
    KdfParameters::Argon2id { memory_kib, passes, lanes }
}

#[test]
fn weak_parameters_are_refused_whatever_the_file_says() {
    let root = RootKey::random().unwrap();
    let slot = slot_of(&root);
    for (weak, least) in [
        (argon2id(19_455, 2, 1), KdfParameters::FLOOR),
        (argon2id(19_456, 1, 1), KdfParameters::FLOOR),
        (argon2id(19_456, 2, 0), KdfParameters::FLOOR),
        (argon2id(0, 0, 0), KdfParameters::FLOOR),
        (argon2id(8, 64, 1), KdfParameters::FLOOR),
        (KdfParameters::Pbkdf2 { rounds: 599_999 }, KdfParameters::FIPS_FLOOR),
        (KdfParameters::Pbkdf2 { rounds: 0 }, KdfParameters::FIPS_FLOOR),
    ] {
        let expected = SlotError::WeakKdf { asked: weak, least };
        assert_eq!(seal_slot(&root, (&passphrase()).into(), weak, STORE).unwrap_err(), expected);
        assert_eq!(open(&with_parameters(&slot, weak), &passphrase()).unwrap_err(), expected);
    }
    let same = with_parameters(&slot, KdfParameters::FLOOR);
    assert!(open(&same, &passphrase()).is_ok(), "the forging itself breaks nothing");
}

#[test]
fn excessive_parameters_are_refused_before_memory_is_taken() {
    let root = RootKey::random().unwrap();
    let slot = slot_of(&root);
    for (excessive, most) in [
        (argon2id(2_097_153, 2, 1), KdfParameters::CEILING),
        (argon2id(u32::MAX, 2, 1), KdfParameters::CEILING),
        (argon2id(19_456, 65, 1), KdfParameters::CEILING),
        (argon2id(19_456, 2, 17), KdfParameters::CEILING),
        (KdfParameters::Pbkdf2 { rounds: 100_000_001 }, KdfParameters::FIPS_CEILING),
        (KdfParameters::Pbkdf2 { rounds: u32::MAX }, KdfParameters::FIPS_CEILING),
    ] {
        let expected = SlotError::ExcessiveKdf { asked: excessive, most };
        assert_eq!(seal_slot(&root, (&passphrase()).into(), excessive, STORE).unwrap_err(), expected);
        assert_eq!(open(&with_parameters(&slot, excessive), &passphrase()).unwrap_err(), expected);
    }
}

/// Forges another wish into a slot.
fn with_parameters(slot: &[u8], parameters: KdfParameters) -> Vec<u8> {
    let mut body = body(slot).to_vec();
    let (kind, numbers) = match parameters {
        KdfParameters::Argon2id { memory_kib, passes, lanes } => (1, [memory_kib, passes, lanes]),
        KdfParameters::Pbkdf2 { rounds } => (2, [rounds, 0, 0]),
    };
    body[1] = kind;
    for (index, number) in numbers.into_iter().enumerate() {
        body[3 + 4 * index..7 + 4 * index].copy_from_slice(&number.to_be_bytes());
    }
    with_checksum(&body, STORE)
}

#[test]
fn stronger_parameters_and_more_lanes_work() {
    let root = RootKey::random().unwrap();
    let parameters = argon2id(20_000, 3, 4);
    let slot = seal_slot(&root, (&passphrase()).into(), parameters, STORE).unwrap();
    assert!(open(&slot, &passphrase()).is_ok());
}

#[test]
fn a_slot_of_a_newer_format_says_so() {
    let mut slot = slot_of(&RootKey::random().unwrap());
    slot[0] = 9;
    assert_eq!(open(&slot, &passphrase()).unwrap_err(), SlotError::Version { found: 9 });
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

#[test]
fn a_slot_of_the_fips_profile_opens_and_says_what_it_is() {
    let root = RootKey::random().unwrap();
    let slot = seal_slot(&root, (&passphrase()).into(), KdfParameters::FIPS_FLOOR, STORE).unwrap();
    let opened = open(&slot, &passphrase()).unwrap();
    assert_eq!(opened.mac_key().tag(&[b"x"]), root.mac_key().tag(&[b"x"]));
    assert_eq!(open(&slot, &SecretBytes::from("wrong".to_owned())).unwrap_err(), SlotError::WrongPassphrase);
    let info = SlotInfo::of(&slot, STORE).unwrap();
    assert_eq!(info, SlotInfo { kdf: KdfParameters::FIPS_FLOOR, key_file: false });
    assert_eq!(info.kdf.to_string(), "PBKDF2-HMAC-SHA256, 600000 rounds");
}

#[test]
fn weak_parameters_are_raised_and_strong_ones_stay() {
    assert_eq!(KdfParameters::FLOOR.raised(), KdfParameters::DEFAULT);
    assert_eq!(KdfParameters::FIPS_FLOOR.raised(), KdfParameters::FIPS);
    assert_eq!(argon2id(19_456, 9, 4).raised(), argon2id(65_536, 9, 4));
    for strong in [KdfParameters::DEFAULT, KdfParameters::CEILING, KdfParameters::FIPS_CEILING] {
        assert_eq!(strong.raised(), strong);
    }
}

fn key_file(directory: &tempfile::TempDir, name: &str) -> KeyFile {
    let path = directory.path().join(name);
    KeyFile::create(&path).unwrap();
    KeyFile::read(&path).unwrap()
}

#[test]
fn a_slot_with_a_key_file_opens_with_both_and_does_not_tell_which_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let (own, other) = (key_file(&directory, "own"), key_file(&directory, "other"));
    let (right, wrong) = (passphrase(), SecretBytes::from("wrong".to_owned()));
    let root = RootKey::random().unwrap();
    let with = |passphrase, key_file| Factors { passphrase, key_file };
    let slot = seal_slot(&root, with(&right, Some(&own)), KdfParameters::FLOOR, STORE).unwrap();

    let opened = open_slot(&slot, with(&right, Some(&own)), STORE).unwrap();
    assert_eq!(opened.mac_key().tag(&[b"x"]), root.mac_key().tag(&[b"x"]));
    for (passphrase, key_file) in [(&right, &other), (&wrong, &own), (&wrong, &other)] {
        let refused = open_slot(&slot, with(passphrase, Some(key_file)), STORE).unwrap_err();
        assert_eq!(refused, SlotError::WrongFactors);
    }
    assert_eq!(open(&slot, &right).unwrap_err(), SlotError::KeyFileWanted);
    assert!(SlotInfo::of(&slot, STORE).unwrap().key_file);

    // The mark taken off by a forger: the key file stays in the key.
    let mut forged = body(&slot).to_vec();
    forged[2] = 0;
    assert_eq!(open(&with_checksum(&forged, STORE), &right).unwrap_err(), SlotError::WrongPassphrase);
    // A slot that wants none does not mind one.
    assert!(open_slot(&slot_of(&root), with(&right, Some(&own)), STORE).is_ok());
}

#[test]
fn a_random_secret_opens_its_own_slot_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let file = key_file(&directory, "own");
    let root = RootKey::random().unwrap();
    let (own, other) = (RandomSecret::random().unwrap(), RandomSecret::random().unwrap());
    let slot = seal_random_slot(&root, &own, None, STORE).unwrap();
    let kept = RandomSecret::from_bytes(own.expose()).unwrap();
    let opened = open_random_slot(&slot, &kept, None, STORE).unwrap();
    assert_eq!(opened.mac_key().tag(&[b"x"]), root.mac_key().tag(&[b"x"]));
    assert_eq!(open_random_slot(&slot, &other, None, STORE).unwrap_err(), SlotError::WrongSecret);
    assert!(RandomSecret::from_bytes(&[1; 31]).is_none());

    let slot = seal_random_slot(&root, &own, Some(&file), STORE).unwrap();
    assert!(open_random_slot(&slot, &own, Some(&file), STORE).is_ok());
    assert_eq!(open_random_slot(&slot, &own, None, STORE).unwrap_err(), SlotError::KeyFileWanted);
    assert_eq!(open_random_slot(&slot, &other, Some(&file), STORE).unwrap_err(), SlotError::WrongFactors);

    // Neither kind stands in for the other: a passphrase is never used unstretched.
    assert_eq!(open(&slot, &passphrase()).unwrap_err(), SlotError::Damaged);
    assert_eq!(open_random_slot(&slot_of(&root), &own, None, STORE).unwrap_err(), SlotError::Damaged);
}

#[test]
fn a_key_file_is_32_bytes_to_16_mib_and_never_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    let write = |length: usize| write_file(&path, &vec![7; length]);
    for length in [32, 33, 20_000, 16 * 1024 * 1024] {
        write(length);
        assert!(KeyFile::read(&path).is_ok(), "{length} bytes");
    }
    for length in [0, 1, 31] {
        write(length);
        assert!(matches!(KeyFile::read(&path), Err(KeyFileError::TooShort { .. })), "{length} bytes");
    }
    write(16 * 1024 * 1024 + 1);
    assert!(matches!(KeyFile::read(&path), Err(KeyFileError::TooLarge { .. })));
    assert!(matches!(KeyFile::create(&path), Err(KeyFileError::Io { .. })), "it is there already");
    assert!(matches!(KeyFile::read(directory.path()), Err(KeyFileError::Io { .. })), "a directory");
    assert!(matches!(KeyFile::read(&directory.path().join("none")), Err(KeyFileError::Io { .. })));

    let made = directory.path().join("made");
    KeyFile::create(&made).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&made).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}
