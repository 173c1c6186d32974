//! The rule for a store's passphrase (feature CM-01).
//!
//! Says what is missing, never repeats what was typed.

use serde::{Deserialize, Serialize};

const SHORTEST: usize = 8;

/// What a passphrase lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PassphraseFault {
    /// Fewer than eight characters.
    #[error("it has fewer than 8 characters")]
    TooShort,
    /// No upper-case letter.
    #[error("it has no upper-case letter")]
    NoUpperCase,
    /// No lower-case letter.
    #[error("it has no lower-case letter")]
    NoLowerCase,
    /// No digit.
    #[error("it has no digit")]
    NoDigit,
    /// No character that is neither a letter nor a digit.
    #[error("it has no symbol")]
    NoSymbol,
}

/// Returns everything that the passphrase lacks; nothing means that it may be used.
#[must_use]
pub fn check_passphrase(passphrase: &str) -> Vec<PassphraseFault> {
    let has = |test: fn(char) -> bool| passphrase.chars().any(test);
    [
        (passphrase.chars().count() < SHORTEST, PassphraseFault::TooShort),
        (!has(char::is_uppercase), PassphraseFault::NoUpperCase),
        (!has(char::is_lowercase), PassphraseFault::NoLowerCase),
        (!has(char::is_numeric), PassphraseFault::NoDigit),
        (!has(|c| !c.is_alphanumeric()), PassphraseFault::NoSymbol),
    ]
    .into_iter()
    .filter_map(|(missing, fault)| missing.then_some(fault))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_passphrase_has_no_fault() {
        assert_eq!(check_passphrase("Str0ng!pass"), []);
        assert_eq!(check_passphrase("Пароль-1x"), []);
    }

    #[test]
    fn each_missing_class_is_named() {
        assert_eq!(check_passphrase("Sh0rt!"), [PassphraseFault::TooShort]);
        assert_eq!(check_passphrase("n0 upper case"), [PassphraseFault::NoUpperCase]);
        assert_eq!(check_passphrase("N0 LOWER CASE"), [PassphraseFault::NoLowerCase]);
        assert_eq!(check_passphrase("No digits here"), [PassphraseFault::NoDigit]);
        assert_eq!(check_passphrase("N0symbolshere"), [PassphraseFault::NoSymbol]);
        assert_eq!(check_passphrase("").len(), 5);
    }
}
