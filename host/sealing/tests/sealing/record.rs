//! Sealed records.

use ostler_sealing::{OpenError, RecordKey, tag_of};
use proptest::prelude::*;

use crate::each_flip;

fn key() -> RecordKey {
    RecordKey::from_bytes(&[7; 32])
}

#[test]
fn a_record_opens_under_its_key_and_context() {
    let sealed = key().seal(&[b"vault", b"entry"], b"hunter2").unwrap();
    assert_eq!(sealed.len(), b"hunter2".len() + 41);
    assert_eq!(key().open(&[b"vault", b"entry"], &sealed).unwrap().expose(), b"hunter2");
}

#[test]
fn a_record_does_not_show_its_plaintext() {
    let sealed = key().seal(&[], b"a long enough secret").unwrap();
    assert!(!sealed.windows(6).any(|window| window == b"secret"));
}

#[test]
fn sealing_twice_gives_different_bytes() {
    let sealed = || key().seal(&[], b"same").unwrap();
    assert_ne!(sealed(), sealed());
    assert_ne!(tag_of(&sealed()), tag_of(&sealed()));
}

#[test]
fn another_context_does_not_open_a_record() {
    let sealed = key().seal(&[b"vault", b"entry"], b"hunter2").unwrap();
    let others: [&[&[u8]]; 8] = [
        &[],
        &[b"vault"],
        &[b"entry", b"vault"],
        &[b"vaulte", b"ntry"],
        &[b"vaultentry"],
        &[b"vault", b"entry", b""],
        &[b"", b"vault", b"entry"],
        &[b"vault", b"entrz"],
    ];
    for other in others {
        assert_eq!(key().open(other, &sealed), Err(OpenError::Damaged), "{other:?}");
    }
}

#[test]
fn swapped_records_do_not_open() {
    let (one, two): (&[&[u8]], &[&[u8]]) = (&[b"entry 1"], &[b"entry 2"]);
    let sealed_one = key().seal(one, b"first").unwrap();
    let sealed_two = key().seal(two, b"second").unwrap();
    assert_eq!(key().open(one, &sealed_two), Err(OpenError::Damaged));
    assert_eq!(key().open(two, &sealed_one), Err(OpenError::Damaged));
    assert!(key().open(one, &sealed_one).is_ok() && key().open(two, &sealed_two).is_ok());
}

#[test]
fn another_key_does_not_open_a_record() {
    let sealed = key().seal(&[], b"hunter2").unwrap();
    assert_eq!(RecordKey::random().unwrap().open(&[], &sealed), Err(OpenError::Damaged));
    assert_eq!(key().derive("x", &[]).open(&[], &sealed), Err(OpenError::Damaged));
}

#[test]
fn every_flipped_byte_of_a_record_is_refused() {
    let sealed = key().seal(&[b"context"], b"hunter2").unwrap();
    each_flip(&sealed, |place, changed| {
        let refused = key().open(&[b"context"], changed).unwrap_err();
        let expected = if place == 0 { OpenError::Version { found: 0 } } else { OpenError::Damaged };
        assert_eq!(refused, expected, "byte {place}");
    });
}

#[test]
fn a_cut_record_is_refused_at_every_length() {
    let sealed = key().seal(&[], b"hunter2").unwrap();
    for length in 0..sealed.len() {
        let expected = if length < 41 { OpenError::TooShort } else { OpenError::Damaged };
        assert_eq!(key().open(&[], &sealed[..length]), Err(expected), "{length} bytes");
    }
    assert_eq!(key().open(&[], &[sealed, vec![0]].concat()), Err(OpenError::Damaged));
}

#[test]
fn a_record_of_a_newer_format_says_so() {
    let mut sealed = key().seal(&[], b"hunter2").unwrap();
    sealed[0] = 9;
    assert_eq!(key().open(&[], &sealed), Err(OpenError::Version { found: 9 }));
}

#[test]
fn derived_keys_differ_by_label_and_by_context() {
    let parent = key();
    let derived = [
        parent.derive("a", &[]),
        parent.derive("b", &[]),
        parent.derive("a", &[b""]),
        parent.derive("a", &[b"b"]),
    ];
    for (index, one) in derived.iter().enumerate() {
        let sealed = one.seal(&[], b"x").unwrap();
        for (other_index, other) in derived.iter().enumerate() {
            assert_eq!(other.open(&[], &sealed).is_ok(), index == other_index);
        }
    }
    assert!(parent.derive("a", &[b"b"]).open(&[], &derived[3].seal(&[], b"x").unwrap()).is_ok());
}

#[test]
fn a_sealed_key_opens_as_the_same_key() {
    let inner = RecordKey::random().unwrap();
    let sealed_key = key().seal_key(&[b"dek"], &inner).unwrap();
    let sealed = inner.seal(&[], b"hunter2").unwrap();
    let opened = key().open_key(&[b"dek"], &sealed_key).unwrap();
    assert_eq!(opened.open(&[], &sealed).unwrap().expose(), b"hunter2");
    assert_eq!(key().open_key(&[b"other"], &sealed_key).unwrap_err(), OpenError::Damaged);
    let no_key = key().seal(&[b"dek"], b"31 bytes are not a key of AES..").unwrap();
    assert_eq!(key().open_key(&[b"dek"], &no_key).unwrap_err(), OpenError::Damaged);
}

#[test]
fn the_tag_of_a_short_slice_is_what_there_is() {
    assert_eq!(tag_of(&[]), [0; 16]);
    assert_eq!(tag_of(&[1, 2]), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]);
    assert_eq!(tag_of(&(0..20).collect::<Vec<u8>>()), std::array::from_fn(|index| index as u8 + 4));
}

proptest! {
    #[test]
    fn any_record_comes_back(context in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..4),
                             plaintext in prop::collection::vec(any::<u8>(), 0..600)) {
        let context: Vec<&[u8]> = context.iter().map(Vec::as_slice).collect();
        let sealed = key().seal(&context, &plaintext).unwrap();
        let opened = key().open(&context, &sealed).unwrap();
        prop_assert_eq!(opened.expose(), plaintext.as_slice());
    }

    #[test]
    fn foreign_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(key().open(&[], &bytes).is_err());
    }
}
