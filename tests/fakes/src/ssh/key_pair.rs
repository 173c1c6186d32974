//! Key pairs made on the spot, so that no test needs a key file.

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};

/// The kind of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeKey {
    /// Ed25519.
    Ed25519,
    /// ECDSA on the curve P-256.
    EcdsaP256,
    /// RSA.
    Rsa,
}

/// A key pair in the forms that files have.
#[derive(Clone)]
pub struct FakeKeyPair {
    private: PrivateKey,
}

impl FakeKeyPair {
    /// Makes a new pair.
    ///
    /// # Errors
    /// Fails where the library can't make such a key.
    pub fn generate(kind: FakeKey) -> anyhow::Result<Self> {
        let algorithm = match kind {
            FakeKey::Ed25519 => Algorithm::Ed25519,
            FakeKey::EcdsaP256 => Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            FakeKey::Rsa => Algorithm::Rsa { hash: None },
        };
        Ok(Self { private: PrivateKey::random(&mut safe_rng(), algorithm)? })
    }

    /// Returns the private key in OpenSSH's form, encrypted where a passphrase is given.
    ///
    /// # Errors
    /// Fails where the library can't encode it.
    pub fn private_openssh(&self, passphrase: Option<&str>) -> anyhow::Result<String> {
        let key = match passphrase {
            Some(passphrase) => self.private.encrypt(&mut safe_rng(), passphrase)?,
            None => self.private.clone(),
        };
        Ok(key.to_openssh(LineEnding::LF)?.to_string())
    }

    /// Returns the private key as PKCS#8 in PEM, encrypted where a passphrase is given.
    ///
    /// # Errors
    /// Fails where the library can't encode it.
    pub fn private_pkcs8(&self, passphrase: Option<&str>) -> anyhow::Result<String> {
        let mut pem = Vec::new();
        match passphrase {
            Some(passphrase) => russh::keys::encode_pkcs8_pem_encrypted(
                &self.private,
                passphrase.as_bytes(),
                PKCS8_ROUNDS,
                &mut pem,
            )?,
            None => russh::keys::encode_pkcs8_pem(&self.private, &mut pem)?,
        }
        Ok(String::from_utf8(pem)?)
    }

    /// Returns the public key as one line: algorithm and base64, no comment.
    ///
    /// # Errors
    /// Fails where the library can't encode it.
    pub fn public_openssh(&self) -> anyhow::Result<String> {
        Ok(self.private.public_key().to_openssh()?.trim_end().to_owned())
    }
}

/// Few, because these keys guard nothing.
const PKCS8_ROUNDS: u32 = 1000;
