//! Bytes that another implementation made from the formats' documentation (Python, `cryptography` 50: OpenSSL's
//! AES, Argon2id and X25519, its own Cobblestone), with fixed salts and nonces.
//!
//! They prove that the formats are what they are said to be, and that no later change breaks stores on disk.

use std::os::unix::fs::OpenOptionsExt as _;

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    DeviceKey, EnvelopePrivateKey, EnvelopePublicKey, Factors, KeyFile, MacKey, OpenError, RandomSecret,
    RecordKey, StreamKey, open_random_slot, open_slot, tag_of, verify_signature,
};

use crate::{hex, write_file};

const RECORD: &str =
    "01000102030405060708090a0b0c0d0e0f10111213141516170931c6d9a54b5aa995fed1688fba6956787bae2f3678";
const DERIVED_RECORD: &str = concat!(
    "01000102030405060708090a0b0c0d0e0f101112131415161718a84103ec522d1a2dc57c4ed147a0ab7a8401fa29930a",
    "ed",
);
const MAC: &str = "878c4c5f641939dba6f95a0a704e2d7fc798b4909defe51c48423f28611fce7a";
const STREAM: &str = concat!(
    "550c8045b7548997060d974cff9b8e4a492799326d2c172f76b78ce11694293f448a338728a996d75f2ba2770603213f",
    "05c30285d156ae30b8d4664e7803227ffebd9b2fc244accf737ce5da8f8fa4c46b39e8066d",
);
const RATCHETED_STREAM: &str = concat!(
    "fa609be9b12649501c4caaf408d3cf2e492905e82c9121d51a89ff9aa5b70000d57998087940edca75ee05d62f269ebb",
    "ce0f47f8a7fe531f86f0ad3572e117e4d5fec98d779757499ec437c5b018684f67ab980ba43f",
);
const ENVELOPE_PUBLIC: &str = "4833f7a7e0a5231a731d015505b21ef356acb639d21d5bb1a422b0c9d1263c07";
const WRAPPED: &str = concat!(
    "011324ea277b3e85e10f8ee02a932ed2b9cc798133e4a85a5a5635ffa54c9fa93a9ca382f70df81b5377aa728e613045",
    "01314af1a47eb86ca228c73d18aff1f817d164111849d70eed3d8e85e6eb2efc7c",
);
const SLOT: &str = concat!(
    "02010000004c000000000200000001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f71",
    "c5b8903ee5f70b847d938489bfe096f27e051079c7446f7cc877870495e6ab01000102030405060708090a0b0c0d0e0f",
    "1011121314151617b6366b6b0f627e37777634604ef5f56880366a68602455bbb8517c8617651d68214e5d45314789ee",
    "3b308a95bc366184f2a043b8bedc416342927c8de4e4a24f865c76bafca736ae29831719eb087e9f",
);
const SLOT_WITH_KEY_FILE: &str = concat!(
    "02010100004c000000000200000001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f45",
    "e6a928424be1fedb9618eeed7e03f73d7378c1e184d6134ebbb7a462003cf001000102030405060708090a0b0c0d0e0f",
    "1011121314151617f6ddb1562f1210fd9acbdc0b25aabe60add6b76c2943dc35ac27957619bd9966cb7e8dbf05211633",
    "3e9df1630b1aa8fa16407f6e9e139f944827cf0ba663cb3c361518aa3ee68e7f06de6d298b79b19a",
);
const SLOT_FIPS: &str = concat!(
    "020200000927c00000000000000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f83",
    "f40ea0968fa3dfed62c40a41803a480312f772a285fdec67e8cfab8683af5401000102030405060708090a0b0c0d0e0f",
    "1011121314151617a49bdd83fe704cb691c6aada1efd2f853cdde4ca38a7223f208c0dfdd058ed6ff71261c9710485ff",
    "ec07f1343d9779aa358f3a816d6d7f1b152c5a1e4a25d40c8bd1423108aa5d04c53b0fd5dc7e9183",
);
const SLOT_RANDOM: &str = concat!(
    "020301000000000000000000000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2b",
    "401edc649be52ab92943dea66236236097621bbef562be51e2855bf2cc93a901000102030405060708090a0b0c0d0e0f",
    "101112131415161778e4ce82a22a452e120a6bc1ee11fc82c4c40cd4e9a3e3e678bdfb43ab0b30679986cca4f1455154",
    "7f23ed0ad0ba005f4b60f243c1cd0074b52424aaf6fecaeab141e80ae2dd7cd603bd498ef34b69f8",
);
const ROOT_METADATA: &str = concat!(
    "01000102030405060708090a0b0c0d0e0f1011121314151617bc045cfcf876493525bcd9a44a0b2a5df12afcd0146fe4",
    "9b",
);
const ROOT_EPOCH_7: &str =
    "01000102030405060708090a0b0c0d0e0f10111213141516175a9dea2424560cef7eec666a18ff8b76d93aa2ae752536";
const ROOT_MAC: &str = "79fbd7e7b4857d8ca74cda81cf8f68feeae6cf104f71c8e932dfa8c3703ea319";
const ROOT_ENVELOPE_PUBLIC: &str = "f21085c80b29dad55a86e4dd42538dd520b033b31da440833d37947d5918db53";
const DEVICE_FILE: &str = concat!(
    "4f53544c44455631000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fd867b884983c588c",
    "5da4fe0ef2fb88ca",
);
const DEVICE_MAC: &str = "7f712860fd385a0a3deb92642ba78d3b3ec5eaeaad78ff49545121e625847dff";
const DEVICE_PUBLIC: &str = "f6eb7fb78a009578109f572581924453f4d4c99d517ad0e130aa9998a68ca08c";
const DEVICE_SIGNATURE: &str = concat!(
    "427a718dcf25bc9df322d2a88d5ad573622a69abc9b28c8ca5a0bf247b211345c5996cf2c9f5b6a766ada3041e92dfac",
    "6b6e7a3f7a42d58aed67df87ac8f1408",
);

/// The 32 bytes that count up from `first`.
fn counting(first: u8) -> [u8; 32] {
    std::array::from_fn(|index| first + index as u8)
}

#[test]
fn a_record_made_elsewhere_opens() {
    let key = RecordKey::from_bytes(&counting(100));
    let opened = key.open(&[b"vault", b"", b"entry"], &hex(RECORD)).unwrap();
    assert_eq!(opened.expose(), b"a name");
    assert_eq!(tag_of(&hex(RECORD)).as_slice(), &hex(RECORD)[hex(RECORD).len() - 16..]);
}

#[test]
fn a_record_under_a_key_derived_elsewhere_opens() {
    let key = RecordKey::from_bytes(&counting(100)).derive("secret", &[b"one", b""]);
    assert_eq!(key.open(&[b"ctx"], &hex(DERIVED_RECORD)).unwrap().expose(), b"a secret");
}

#[test]
fn a_mac_made_elsewhere_verifies() {
    let key = MacKey::from_bytes(&counting(1));
    assert_eq!(key.tag(&[b"ab", b"", b"c"]).to_vec(), hex(MAC));
    assert!(key.verify(&[b"ab", b"", b"c"], &key.tag(&[b"ab", b"", b"c"])));
}

#[test]
fn a_stream_made_elsewhere_opens() {
    let key = StreamKey::from_bytes(&counting(100));
    assert_eq!(key.open(b"recording 7", &hex(STREAM)).unwrap(), b"short message");
    assert_eq!(key.ratchet().open(b"next", &hex(RATCHETED_STREAM)).unwrap(), b"after one step");
}

#[test]
fn a_key_wrapped_elsewhere_unwraps() {
    let key = EnvelopePrivateKey::from_seed(&counting(200));
    assert_eq!(key.public().to_bytes().to_vec(), hex(ENVELOPE_PUBLIC));
    assert_eq!(EnvelopePublicKey::from_bytes(&hex(ENVELOPE_PUBLIC)).unwrap(), key.public());
    assert_eq!(*key.unwrap(b"recording 7", &hex(WRAPPED)).unwrap(), counting(100));
    assert_eq!(key.unwrap(b"recording 8", &hex(WRAPPED)), Err(OpenError::Damaged));
}

#[test]
fn a_slot_made_elsewhere_opens_and_its_key_tree_is_the_same() {
    let passphrase = SecretBytes::from("correct horse bättery".to_owned());
    let root = open_slot(&hex(SLOT), (&passphrase).into(), store()).unwrap();
    assert_eq!(root.metadata_key().open(&[b"x"], &hex(ROOT_METADATA)).unwrap().expose(), b"metadata");
    assert_eq!(root.epoch_key(7).open(&[b"x"], &hex(ROOT_EPOCH_7)).unwrap().expose(), b"epoch 7");
    assert_eq!(root.epoch_key(8).open(&[b"x"], &hex(ROOT_EPOCH_7)), Err(OpenError::Damaged));
    assert_eq!(root.mac_key().tag(&[b"content"]).to_vec(), hex(ROOT_MAC));
    assert_eq!(root.envelope().public().to_bytes().to_vec(), hex(ROOT_ENVELOPE_PUBLIC));
}

#[test]
fn slots_of_every_kind_made_elsewhere_open_to_the_same_root() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key");
    write_file(&path, &(0..64).collect::<Vec<u8>>());
    let key_file = KeyFile::read(&path).unwrap();
    let passphrase = SecretBytes::from("correct horse bättery".to_owned());
    let both = Factors { passphrase: &passphrase, key_file: Some(&key_file) };
    let kept = RandomSecret::from_bytes(&counting(50)).unwrap();
    for root in [
        open_slot(&hex(SLOT_WITH_KEY_FILE), both, store()),
        open_slot(&hex(SLOT_FIPS), (&passphrase).into(), store()),
        open_random_slot(&hex(SLOT_RANDOM), &kept, Some(&key_file), store()),
    ] {
        assert_eq!(root.unwrap().mac_key().tag(&[b"content"]).to_vec(), hex(ROOT_MAC));
    }
}

fn store() -> StoreId {
    StoreId::from_bytes(std::array::from_fn(|index| index as u8))
}

#[test]
fn a_device_key_made_elsewhere_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("device.key");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, &hex(DEVICE_FILE)).unwrap();
    let key = DeviceKey::load_or_create(&path).unwrap();
    assert_eq!(key.mac(&[b"cache", b"entry"]).to_vec(), hex(DEVICE_MAC));
    assert_eq!(key.public_key().to_vec(), hex(DEVICE_PUBLIC));
    assert_eq!(key.sign(b"checkpoint").to_vec(), hex(DEVICE_SIGNATURE));
    assert!(verify_signature(&key.public_key(), b"checkpoint", &hex(DEVICE_SIGNATURE)));
}
