//! Wrapped keys.

use ostler_sealing::{EnvelopePrivateKey, EnvelopePublicKey, OpenError, SealingError};

use crate::each_flip;

fn pair() -> EnvelopePrivateKey {
    EnvelopePrivateKey::from_seed(&[7; 32])
}

#[test]
fn a_wrapped_key_is_unwrapped_by_the_private_key() {
    let public = EnvelopePublicKey::from_bytes(&pair().public().to_bytes()).unwrap();
    let wrapped = public.wrap(b"recording 1", &[42; 32]).unwrap();
    assert_eq!(wrapped.len(), 81);
    assert_eq!(*pair().unwrap(b"recording 1", &wrapped).unwrap(), [42; 32]);
    assert_ne!(wrapped, public.wrap(b"recording 1", &[42; 32]).unwrap());
}

#[test]
fn another_purpose_or_another_private_key_does_not_unwrap() {
    let wrapped = pair().public().wrap(b"recording 1", &[42; 32]).unwrap();
    assert_eq!(pair().unwrap(b"recording 2", &wrapped), Err(OpenError::Damaged));
    assert_eq!(pair().unwrap(b"", &wrapped), Err(OpenError::Damaged));
    let other = EnvelopePrivateKey::from_seed(&[8; 32]);
    assert_eq!(other.unwrap(b"recording 1", &wrapped), Err(OpenError::Damaged));
}

#[test]
fn every_flipped_byte_of_a_wrapped_key_is_refused() {
    let wrapped = pair().public().wrap(b"", &[42; 32]).unwrap();
    each_flip(&wrapped, |place, changed| {
        let refused = pair().unwrap(b"", changed).unwrap_err();
        let expected = if place == 0 { OpenError::Version { found: 0 } } else { OpenError::Damaged };
        assert_eq!(refused, expected, "byte {place}");
    });
}

#[test]
fn a_cut_wrapped_key_is_refused_at_every_length() {
    let wrapped = pair().public().wrap(b"", &[42; 32]).unwrap();
    for length in 0..wrapped.len() {
        assert!(pair().unwrap(b"", &wrapped[..length]).is_err(), "{length} bytes");
    }
    assert!(pair().unwrap(b"", &[wrapped, vec![0]].concat()).is_err());
}

#[test]
fn what_is_no_public_key_is_refused() {
    for length in [0, 31, 33, 64] {
        assert_eq!(
            EnvelopePublicKey::from_bytes(&vec![1; length]),
            Err(SealingError::BadPublicKey),
            "{length} bytes"
        );
    }
    let small_order = EnvelopePublicKey::from_bytes(&[0; 32]).unwrap();
    assert_eq!(small_order.wrap(b"", &[42; 32]), Err(SealingError::BadPublicKey));
}
