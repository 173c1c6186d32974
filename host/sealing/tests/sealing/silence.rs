//! Nothing that is printed or reported shows a key.

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    DeviceKey, EnvelopePrivateKey, KdfParameters, MacKey, RecordKey, RootKey, Sha256Stream, StreamKey,
    open_slot, seal_slot,
};

#[test]
fn debug_output_shows_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let mut hash = Sha256Stream::new();
    hash.update(b"secret");
    for (shown, expected) in [
        (format!("{:?}", RecordKey::from_bytes(&[65; 32])), "RecordKey(..)"),
        (format!("{:#?}", StreamKey::from_bytes(&[65; 32])), "StreamKey(..)"),
        (format!("{:?}", MacKey::from_bytes(&[65; 32])), "MacKey(..)"),
        (format!("{:?}", RootKey::random().unwrap()), "RootKey(..)"),
        (format!("{:?}", EnvelopePrivateKey::from_seed(&[65; 32])), "EnvelopePrivateKey(..)"),
        (format!("{:?}", DeviceKey::load_or_create(&folder.path().join("key")).unwrap()), "DeviceKey(..)"),
        (format!("{hash:?}"), "Sha256Stream(..)"),
    ] {
        assert_eq!(shown, expected);
    }
}

#[test]
fn errors_do_not_repeat_a_passphrase() {
    let store = StoreId::random();
    let right = SecretBytes::from("correct horse".to_owned());
    let slot = seal_slot(&RootKey::random().unwrap(), (&right).into(), KdfParameters::FLOOR, store).unwrap();
    let refused = open_slot(&slot, (&SecretBytes::from("hunter2".to_owned())).into(), store).unwrap_err();
    assert_eq!(refused.to_string(), "the passphrase is wrong");
    assert_eq!(format!("{refused:?}"), "WrongPassphrase");
}

#[test]
fn keys_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<RecordKey>();
    shared::<StreamKey>();
    shared::<MacKey>();
    shared::<RootKey>();
    shared::<EnvelopePrivateKey>();
    shared::<DeviceKey>();
}
