//! Signatures of publishers: minisign's (jedisct1.github.io/minisign), Ed25519 over BLAKE2b.
//!
//! Verifies; never decides whose keys are trusted.

use std::fmt;

use minisign_verify::{PublicKey, Signature};

/// A key of a publisher that signatures are verified with.
#[derive(Debug, Clone)]
pub struct PublisherKey {
    text: String,
    key: PublicKey,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The text is no public key.
    #[error("this is no public key of a publisher")]
    Key,
    /// The text is no signature.
    #[error("the signature can't be read")]
    Form,
    /// None of the keys made it, or the file is another one.
    #[error("the signature is not of this file, or not by a key of this publisher")]
    Wrong,
}

impl SignatureError {
    /// Returns what to do about it, one clause.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Key => "a public key is the line beginning with 'RW' of the publisher's .pub file",
            Self::Form => "get the .minisig file again",
            Self::Wrong => {
                "get the plugin and its signature again, and compare the key with what the publisher says"
            }
        }
    }
}

impl PublisherKey {
    /// Reads a key: its line, or the file with a comment before it.
    ///
    /// # Errors
    /// [`SignatureError::Key`].
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let is_key = |line: &&str| !line.is_empty() && !line.starts_with("untrusted comment:");
        let line = text.lines().map(str::trim).rfind(is_key).ok_or(SignatureError::Key)?;
        let key = PublicKey::from_base64(line).map_err(|_| SignatureError::Key)?;
        Ok(Self { text: line.to_owned(), key })
    }
}

/// The line of the key.
impl fmt::Display for PublisherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns the key of these that signed a file.
///
/// # Errors
/// [`SignatureError::Form`], [`SignatureError::Wrong`].
pub fn verify_signature<'a>(
    bytes: &[u8],
    signature: &str,
    keys: &'a [PublisherKey],
) -> Result<&'a PublisherKey, SignatureError> {
    let signature = Signature::decode(signature).map_err(|_| SignatureError::Form)?;
    keys.iter().find(|key| key.key.verify(bytes, &signature, false).is_ok()).ok_or(SignatureError::Wrong)
}
