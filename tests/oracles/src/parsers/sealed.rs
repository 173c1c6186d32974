//! Sealed bytes of every kind: records, streams, wrapped keys and key slots. What opens is what was sealed.

use std::path::{Path, PathBuf};

use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{
    EnvelopePrivateKey, EnvelopePublicKey, KdfParameters, RecordKey, RootKey, SlotInfo, StreamKey, seal_slot,
    tag_of,
};

use super::Taken;
use crate::Input;

const STORE: StoreId = StoreId::from_bytes([9; 16]);
const CONTEXT: &[&[u8]] = &[b"soak", b"record"];
const INFO: &[u8] = b"soak";
const PLAIN: &[u8] = b"hunter2";

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let passphrase = SecretBytes::new(b"C0rrect horse!".to_vec());
    let envelope = private().public();
    Ok(vec![
        Input::of(record_key().seal(CONTEXT, PLAIN)?),
        Input::of(stream_key().seal(INFO, PLAIN)?),
        Input::of(stream_key().seal(INFO, &[7; 40_000])?),
        Input::of(envelope.wrap(INFO, &[8; 32])?),
        Input::of(seal_slot(&RootKey::random()?, (&passphrase).into(), KdfParameters::FLOOR, STORE)?),
        Input::of(envelope.to_bytes()),
    ])
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let bytes = input.bytes();
    drop((tag_of(bytes), record_key().open_key(CONTEXT, bytes).map(drop)));
    let opened = record_key().open(CONTEXT, bytes).map(|plain| plain.expose().to_vec());
    let opened = opened.or_else(|_| stream_key().open(INFO, bytes));
    let opened = opened.or_else(|_| private().unwrap(INFO, bytes).map(|key| key.to_vec()));
    if let Ok(plain) = opened {
        return Ok(Taken::Proved(plain));
    }
    // The passphrase is not tried: stretching it is all that would take time.
    let slot = SlotInfo::of(bytes, STORE).is_ok();
    let key = EnvelopePublicKey::from_bytes(bytes).is_ok_and(|key| key.wrap(INFO, &[1; 32]).is_ok());
    Ok(if slot || key { Taken::Read } else { Taken::Refused })
}

fn record_key() -> RecordKey {
    RecordKey::from_bytes(&[1; 32])
}

fn stream_key() -> StreamKey {
    StreamKey::from_bytes(&[2; 32])
}

fn private() -> EnvelopePrivateKey {
    EnvelopePrivateKey::from_seed(&[3; 32])
}
