//! Answers to challenges: a secret proves itself without going over the wire.
//!
//! DES is broken as a cipher; it stands here because VNC servers ask for it, and nothing else may use it. Never keeps a secret.

use des::Des;
use des::cipher::{Array, BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use ostler_core::{ChallengeAlgorithm, SecretBytes};
use sha2::Sha256;
use zeroize::Zeroizing;

/// Answers a challenge with the secret as the key; none where the challenge has a length that the algorithm does not take.
#[must_use]
pub fn answer_challenge(
    secret: &SecretBytes,
    algorithm: ChallengeAlgorithm,
    challenge: &[u8],
) -> Option<Vec<u8>> {
    if !algorithm.takes(challenge.len()) {
        return None;
    }
    match algorithm {
        ChallengeAlgorithm::VncDes => Some(vnc_des(secret.expose(), challenge)),
        ChallengeAlgorithm::HmacSha256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose()).ok()?;
            mac.update(challenge);
            Some(mac.finalize().into_bytes().to_vec())
        }
    }
}

/// RFC 6143, section 7.2.2: the first eight bytes of the password, each with its bits in reverse, are the key; both blocks of
/// the challenge are encrypted by themselves.
fn vnc_des(password: &[u8], challenge: &[u8]) -> Vec<u8> {
    let mut key = Zeroizing::new([0; 8]);
    for (byte, from) in key.iter_mut().zip(password) {
        *byte = from.reverse_bits();
    }
    let cipher = Des::new(&Array::from(*key));
    let mut answer = challenge.to_vec();
    for block in answer.chunks_exact_mut(8) {
        if let Ok(block) = <&mut Array<u8, _>>::try_from(block) {
            cipher.encrypt_block(block);
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn vnc_answers_as_des_does_with_the_mirrored_key() {
        // FIPS 46-3's worked example (key 133457799bbcdff1, block 0123456789abcdef), the key mirrored for VNC.
        let key: Vec<u8> = [0x13_u8, 0x34, 0x57, 0x79, 0x9b, 0xbc, 0xdf, 0xf1]
            .iter()
            .map(|byte| byte.reverse_bits())
            .collect();
        let block = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        let answer =
            answer_challenge(&SecretBytes::new(key), ChallengeAlgorithm::VncDes, &[block, block].concat());
        assert_eq!(hex(&answer.unwrap()), "85e813540f0ab40585e813540f0ab405");
    }

    #[test]
    fn only_the_first_eight_bytes_of_a_password_count_for_vnc() {
        let answer = |password: &str| {
            answer_challenge(&SecretBytes::from(password.to_owned()), ChallengeAlgorithm::VncDes, &[7; 16])
        };
        assert_eq!(answer("12345678"), answer("12345678-and-more"));
        assert_ne!(answer("1234567"), answer("12345678"));
        assert!(answer("").is_some());
    }

    #[test]
    fn hmac_answers_as_rfc_4231_says() {
        let answer = answer_challenge(
            &SecretBytes::from("Jefe".to_owned()),
            ChallengeAlgorithm::HmacSha256,
            b"what do ya want for nothing?",
        );
        assert_eq!(hex(&answer.unwrap()), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_challenge_of_another_length_is_not_answered() {
        let secret = SecretBytes::from("x".to_owned());
        for length in [0, 8, 15, 17] {
            assert_eq!(answer_challenge(&secret, ChallengeAlgorithm::VncDes, &vec![0; length]), None);
        }
        assert_eq!(answer_challenge(&secret, ChallengeAlgorithm::HmacSha256, &[]), None);
    }
}
