//! Bytes that another implementation made from the formats' documentation (Python, `cryptography` 50: OpenSSL's
//! AES, Argon2id and X25519, its own Cobblestone), with fixed salts and nonces.
//!
//! They prove that the formats are what they are said to be, and that no later change breaks stores on disk.

use std::os::unix::fs::OpenOptionsExt as _;

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    DeviceKey, EnvelopePrivateKey, EnvelopePublicKey, MacKey, OpenError, RecordKey, StreamKey, open_slot,
    tag_of, verify_signature,
};

use crate::hex;

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
    "010100004c000000000200000001000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1fe174",
    "f6ca23149f6fb780c4a0252f6b034649db84515da58eafab9ec29d5d74e701000102030405060708090a0b0c0d0e0f10",
    "1112131415161793a60f50f52e9ca4f12a0715e2efdfbf4ec81d4cfeecf6a5ab6e3b4389f78884dbc1ea424f2065deeb",
    "540de5a00a218b389488d81d0d675d05287e42e6cccb886280d8929c63ab7548caf90317505697",
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
    let store = StoreId::from_bytes(std::array::from_fn(|index| index as u8));
    let root = open_slot(&hex(SLOT), &SecretBytes::from("correct horse bättery".to_owned()), store).unwrap();
    assert_eq!(root.metadata_key().open(&[b"x"], &hex(ROOT_METADATA)).unwrap().expose(), b"metadata");
    assert_eq!(root.epoch_key(7).open(&[b"x"], &hex(ROOT_EPOCH_7)).unwrap().expose(), b"epoch 7");
    assert_eq!(root.epoch_key(8).open(&[b"x"], &hex(ROOT_EPOCH_7)), Err(OpenError::Damaged));
    assert_eq!(root.mac_key().tag(&[b"content"]).to_vec(), hex(ROOT_MAC));
    assert_eq!(root.envelope().public().to_bytes().to_vec(), hex(ROOT_ENVELOPE_PUBLIC));
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
