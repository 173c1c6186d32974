//! NIST's vectors of AES-256-GCM (CAVP), run through the very functions that records and streams use.
//!
//! Where the files come from, and what of them is kept, says `tests/vectors/README.md`.

use std::collections::HashMap;
use std::io::Read as _;

use crate::{OpenError, aead::Gcm};

const DECRYPT: &[u8] = include_bytes!("../tests/vectors/gcmDecrypt256.rsp.gz");
const ENCRYPT: &[u8] = include_bytes!("../tests/vectors/gcmEncryptExtIV256.rsp.gz");

/// One vector: its fields by name. What must not open has none of `PT`.
struct Vector(HashMap<String, Vec<u8>>);

impl Vector {
    fn get(&self, field: &str) -> &[u8] {
        &self.0[field]
    }

    fn cipher(&self) -> Gcm {
        Gcm::new(self.get("Key").try_into().unwrap())
    }

    fn nonce(&self) -> &[u8; 12] {
        self.get("IV").try_into().unwrap()
    }

    /// Seals, and returns the ciphertext and the whole tag.
    fn seal(&self, plain: &[u8]) -> (Vec<u8>, [u8; 16]) {
        let mut buffer = plain.to_vec();
        let tag = self.cipher().seal(self.nonce(), self.get("AAD"), &mut buffer).unwrap();
        (buffer, tag)
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn read(file: &[u8]) -> Vec<Vector> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let fields = |vector: &str| {
        let lines = vector.lines().take_while(|line| !line.starts_with('['));
        let pairs = lines.filter_map(|line| line.split_once(" ="));
        Vector(pairs.map(|(name, value)| (name.to_owned(), hex(value.trim()))).collect())
    };
    // What stands before the first vector is the head of the file.
    text.split("Count =").skip(1).map(|vector| fields(vector.split_once('\n').unwrap().1)).collect()
}

#[test]
fn nist_aes_256_gcm_seals() {
    let vectors = read(ENCRYPT);
    for vector in &vectors {
        let (sealed, tag) = vector.seal(vector.get("PT"));
        assert_eq!(sealed, vector.get("CT"));
        // Shorter tags are the beginning of the whole one (SP 800-38D, 7.1).
        assert!(tag.starts_with(vector.get("Tag")));
    }
    assert_eq!(vectors.len(), 2625, "7 lengths of tags, 25 of texts, 15 each");
}

#[test]
fn nist_aes_256_gcm_opens_what_is_authentic_and_nothing_else() {
    let (mut opened, mut refused, mut whole_tags) = (0, 0, 0);
    for vector in read(DECRYPT) {
        let must_open = vector.0.contains_key("PT");
        // Counter mode: sealing the ciphertext gives the plaintext, authentic or not.
        let (plain, _) = vector.seal(vector.get("CT"));
        let (again, tag) = vector.seal(&plain);
        assert_eq!(again, vector.get("CT"));
        assert_eq!(tag.starts_with(vector.get("Tag")), must_open);
        if must_open {
            opened += 1;
            assert_eq!(plain, vector.get("PT"));
        } else {
            refused += 1;
        }
        // Shorter tags are never accepted by this program, so only whole ones can be opened by it.
        if let Ok(tag) = vector.get("Tag").try_into() {
            whole_tags += 1;
            let mut buffer = vector.get("CT").to_vec();
            let result = vector.cipher().open(vector.nonce(), vector.get("AAD"), &mut buffer, tag);
            assert_eq!(result, if must_open { Ok(()) } else { Err(OpenError::Damaged) });
            assert_eq!(buffer == plain, must_open || plain.is_empty());
        }
    }
    assert_eq!((opened, refused, whole_tags), (1308, 1317, 375));
}
