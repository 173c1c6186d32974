//! What can go wrong when bytes are sealed or opened.
//!
//! Never says which byte was wrong or what was expected: an attacker learns only that it did not open.

/// Bytes could not be sealed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SealingError {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes")]
    NoRandomness,
    /// The message is longer than the cipher takes (64 GiB for a record, 4 PiB for a stream).
    #[error("the message is too long to be sealed")]
    TooLong,
    /// The bytes are not a usable public key.
    #[error("not an envelope public key: expected 32 bytes that are a point of X25519")]
    BadPublicKey,
}

/// Sealed bytes could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The authentication failed: changed bytes, another key or another context.
    #[error("the sealed data is damaged or belongs elsewhere")]
    Damaged,
    /// The bytes are shorter than any sealed message.
    #[error("the sealed data is cut short")]
    TooShort,
    /// The format version is unknown to this program.
    #[error("the sealed data has format version {found}, which this program does not know")]
    Version {
        /// The version found.
        found: u8,
    },
}
