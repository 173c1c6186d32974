//! Sealed streams.

use ostler_sealing::{OpenError, StreamKey};
use proptest::prelude::*;

use crate::each_flip;

const CHUNK_BYTES: usize = 16 * 1024;

fn key() -> StreamKey {
    StreamKey::from_bytes(&[7; 32])
}

#[test]
fn messages_around_the_chunk_size_come_back() {
    for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 3 * CHUNK_BYTES + 5]
    {
        let message: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        let sealed = key().seal(b"context", &message).unwrap();
        assert_eq!(sealed.len(), 56 + length + 16 * (length / CHUNK_BYTES + 1), "{length} bytes");
        assert!(key().open(b"context", &sealed).unwrap() == message, "{length} bytes");
    }
}

#[test]
fn sealing_twice_gives_different_bytes() {
    assert_ne!(key().seal(b"", b"same").unwrap(), key().seal(b"", b"same").unwrap());
}

#[test]
fn another_key_or_context_does_not_open_a_stream() {
    let sealed = key().seal(b"recording 1, segment 2", b"ls -l").unwrap();
    assert_eq!(key().open(b"recording 1, segment 3", &sealed), Err(OpenError::Damaged));
    assert_eq!(key().open(b"", &sealed), Err(OpenError::Damaged));
    assert_eq!(
        StreamKey::random().unwrap().open(b"recording 1, segment 2", &sealed),
        Err(OpenError::Damaged)
    );
    assert!(key().open(b"recording 1, segment 2", &sealed).is_ok());
}

#[test]
fn every_flipped_byte_of_a_stream_is_refused() {
    let sealed = key().seal(b"", b"a message").unwrap();
    each_flip(&sealed, |place, changed| {
        assert_eq!(key().open(b"", changed), Err(OpenError::Damaged), "byte {place}");
    });
}

#[test]
fn a_cut_stream_is_refused_at_every_length() {
    let sealed = key().seal(b"", &vec![1; CHUNK_BYTES + 40]).unwrap();
    let first_chunk_end = 56 + CHUNK_BYTES + 16;
    for length in (0..100).chain(first_chunk_end - 20..sealed.len()) {
        assert!(key().open(b"", &sealed[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(
        key().open(b"", &sealed[..first_chunk_end]),
        Err(OpenError::TooShort),
        "the last chunk is missing"
    );
    assert!(key().open(b"", &[sealed, vec![0]].concat()).is_err());
}

#[test]
fn swapped_chunks_are_refused() {
    let message: Vec<u8> = (0..2 * CHUNK_BYTES).map(|index| (index / CHUNK_BYTES) as u8).collect();
    let sealed = key().seal(b"", &message).unwrap();
    let (header, chunks) = sealed.split_at(56);
    let (first, rest) = chunks.split_at(CHUNK_BYTES + 16);
    let (second, last) = rest.split_at(CHUNK_BYTES + 16);
    assert_eq!(key().open(b"", &[header, second, first, last].concat()), Err(OpenError::Damaged));
    assert!(key().open(b"", &[header, first, second, last].concat()).is_ok());
}

#[test]
fn a_stepped_key_does_not_open_what_was_before() {
    let sealed = key().seal(b"", b"early").unwrap();
    let next = key().ratchet();
    assert_eq!(next.open(b"", &sealed), Err(OpenError::Damaged));
    assert_ne!(*next.to_bytes(), *key().to_bytes());
    assert_ne!(*next.ratchet().to_bytes(), *next.to_bytes());
    assert_eq!(*next.to_bytes(), *key().ratchet().to_bytes(), "steps are the same for all who hold the key");
}

proptest! {
    #[test]
    fn foreign_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(key().open(b"", &bytes).is_err());
    }
}
