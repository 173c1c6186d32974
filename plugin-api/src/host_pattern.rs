//! Patterns of hosts, as rules name them.
//!
//! Compares text and literal addresses. Never resolves a name: a rule against an address does not hold for a name that
//! leads there.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// The text is not a pattern of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a pattern of hosts: expected a name or address, with '*' for any characters")]
pub struct HostPatternError(String);

/// A host name or address; `*` stands for any characters, also none. Case does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostPattern(String);

impl HostPattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// Refuses an empty one, and characters that no host has.
    pub fn new(pattern: &str) -> Result<Self, HostPatternError> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || "/@\\[]\"'".contains(c);
        if pattern.is_empty() || pattern.len() > 255 || pattern.chars().any(odd) {
            return Err(HostPatternError(pattern.to_owned()));
        }
        Ok(Self(canonical(pattern)))
    }

    /// Returns the pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a host name or address is one of these.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        wildcard_matches(&self.0, &canonical(host))
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;
    fn try_from(pattern: String) -> Result<Self, HostPatternError> {
        Self::new(&pattern)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.0
    }
}

/// Tells whether a text is one of a pattern's, in which `*` stands for any characters, also none.
#[must_use]
pub fn wildcard_matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    // Each part at its earliest place leaves the most for those behind it.
    for part in parts {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Writes a host so that equal ones are equal text: an address in its shortest form, an IPv4 address in IPv6 form as
/// IPv4, a name in lower case without the dot at its end.
fn canonical(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let known = HostPattern::new(pattern).unwrap();
        for host in matching {
            assert!(known.matches(host), "{pattern} should match {host}");
        }
        for host in others {
            assert!(!known.matches(host), "{pattern} should not match {host}");
        }
    }

    #[test]
    fn a_plain_pattern_is_that_host_in_any_spelling() {
        check(
            "db.example",
            &["db.example", "DB.Example", "db.example."],
            &["db.example.org", "xdb.example", ""],
        );
        check("10.0.0.1", &["10.0.0.1", "::ffff:10.0.0.1"], &["10.0.0.11", "10.0.0"]);
        check("::1", &["::1", "0:0:0:0:0:0:0:1"], &["::11", "127.0.0.1"]);
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        check("*.example", &["a.example", "a.b.example", ".example"], &["example", "a.example.org"]);
        check("10.0.*", &["10.0.0.1"], &["10.1.0.1"]);
        check("a*b*c", &["abc", "aXbYc", "abbc"], &["ab", "acb", "xabc"]);
        check("ab*ba", &["abba", "abXba"], &["aba"]);
        check("*", &["anything", ""], &[]);
    }

    #[test]
    fn what_can_not_be_a_pattern_is_refused() {
        for pattern in ["", "a b", "user@host", "[::1]", "http://x"] {
            assert!(HostPattern::new(pattern).is_err(), "{pattern}");
        }
    }
}
