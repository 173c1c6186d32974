//! OpenSSH's known_hosts format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"): read, looked up, and written line by line.
//!
//! Any bytes can be read; lines that make no sense, and those of certificate authorities, which are not supported, are
//! left out. This module opens no file.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use ostler_core::HostKey;
use sha1::Sha1;

/// The port that a name without one stands for.
const DEFAULT_PORT: u16 = 22;

/// What known_hosts files say.
#[derive(Debug, Clone, Default)]
pub struct KnownHosts {
    lines: Vec<Line>,
}

/// What they say about one host and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The key is this host's.
    Known,
    /// The host has another key of the same algorithm: a new key, or an attack.
    Changed {
        /// The line with the other key, counted from 1.
        line: usize,
    },
    /// Nothing is said about a key of this algorithm; [`KnownHosts::algorithms`] tells about others.
    Unknown,
    /// The key was revoked: it must not be accepted, whatever other lines say.
    Revoked,
}

#[derive(Debug, Clone)]
struct Line {
    number: usize,
    revoked: bool,
    names: Names,
    algorithm: String,
    key: Vec<u8>,
}

#[derive(Clone)]
enum Names {
    Patterns(Vec<Pattern>),
    Hashed { salt: Vec<u8>, hash: Vec<u8> },
}

#[derive(Debug, Clone)]
struct Pattern {
    negated: bool,
    text: String,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Patterns(patterns) => f.debug_list().entries(patterns).finish(),
            Self::Hashed { .. } => f.write_str("Hashed(..)"),
        }
    }
}

impl KnownHosts {
    /// Reads a file's bytes. Never fails: what can't be understood is left out.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let lines = bytes.split(|byte| *byte == b'\n').enumerate();
        let lines = lines
            .filter_map(|(index, line)| Line::parse(index.saturating_add(1), &String::from_utf8_lossy(line)));
        Self { lines: lines.collect() }
    }

    /// Tells what is known about a host's key.
    #[must_use]
    pub fn lookup(&self, host: &str, port: u16, key: &HostKey) -> Match {
        let Some(bytes) = key_bytes(key) else { return Match::Unknown };
        let name = name_of(host, port);
        let mut found = Match::Unknown;
        for line in self.lines.iter().filter(|line| line.names.cover(&name)) {
            let same = line.key == bytes;
            if same && line.revoked {
                return Match::Revoked;
            } else if line.revoked {
                // Another key's end says nothing about this one.
            } else if same {
                found = Match::Known;
            } else if found == Match::Unknown && line.algorithm == key.algorithm {
                found = Match::Changed { line: line.number };
            }
        }
        found
    }

    /// Returns the algorithms of the keys that are known for a host, in the order of their lines.
    #[must_use]
    pub fn algorithms(&self, host: &str, port: u16) -> Vec<String> {
        let name = name_of(host, port);
        let mut algorithms: Vec<String> = Vec::new();
        for line in self.lines.iter().filter(|line| !line.revoked && line.names.cover(&name)) {
            if !algorithms.contains(&line.algorithm) {
                algorithms.push(line.algorithm.clone());
            }
        }
        algorithms
    }
}

/// Returns the line that OpenSSH would write for a host's key, without a line end.
#[must_use]
pub fn line(host: &str, port: u16, key: &HostKey) -> String {
    format!("{} {}", name_of(host, port), key.openssh)
}

impl Line {
    fn parse(number: usize, line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let mut first = words.next()?;
        let mut revoked = false;
        if first.starts_with('@') {
            if first != "@revoked" {
                return None;
            }
            revoked = true;
            first = words.next()?;
        }
        if first.starts_with('#') {
            return None;
        }
        let names = Names::parse(first)?;
        let (algorithm, base64) = (words.next()?, words.next()?);
        let key = STANDARD.decode(base64).ok()?;
        Some(Self { number, revoked, names, algorithm: algorithm.to_owned(), key })
    }
}

impl Names {
    fn parse(word: &str) -> Option<Self> {
        if let Some(rest) = word.strip_prefix("|1|") {
            let (salt, hash) = rest.split_once('|')?;
            return Some(Self::Hashed {
                salt: STANDARD.decode(salt).ok()?,
                hash: STANDARD.decode(hash).ok()?,
            });
        }
        let patterns = word.split(',').filter(|text| !text.is_empty()).map(|text| {
            let bare = text.strip_prefix('!');
            Pattern { negated: bare.is_some(), text: bare.unwrap_or(text).to_ascii_lowercase() }
        });
        Some(Self::Patterns(patterns.collect()))
    }

    fn cover(&self, name: &str) -> bool {
        match self {
            Self::Patterns(patterns) => {
                let mut fitting = patterns.iter().filter(|pattern| fits(&pattern.text, name)).peekable();
                fitting.peek().is_some() && fitting.all(|pattern| !pattern.negated)
            }
            Self::Hashed { salt, hash } => {
                // HMAC takes a key of any length, so this does not fail.
                let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else { return false };
                mac.update(name.as_bytes());
                mac.verify_slice(hash).is_ok()
            }
        }
    }
}

/// Returns the name that known_hosts files use for a host and port.
fn name_of(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == DEFAULT_PORT { host } else { format!("[{host}]:{port}") }
}

fn key_bytes(key: &HostKey) -> Option<Vec<u8>> {
    STANDARD.decode(key.openssh.split_ascii_whitespace().nth(1)?).ok()
}

/// Tells whether a text fits a pattern with `*` and `?`, in at most pattern times text steps.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and what it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(place) {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(wanted) if wanted == byte || *wanted == b'?' => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((stand, swallowed)) = star else { return false };
                star = Some((stand, swallowed + 1));
                at = stand + 1;
                place = swallowed + 1;
            }
        }
    }
    pattern.iter().skip(at).all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIA6rWI3G1sz07DnfFlrouTcysQlj2P+jpNSOEWD9OJ3X";

    fn key(base64: &str) -> HostKey {
        HostKey {
            algorithm: "ssh-ed25519".to_owned(),
            openssh: format!("ssh-ed25519 {base64}"),
            fingerprint: String::new(),
        }
    }

    fn check(file: &str, host: &str, port: u16) -> Match {
        KnownHosts::parse(file.as_bytes()).lookup(host, port, &key(KEY))
    }

    #[test]
    fn a_plain_line_knows_its_hosts_on_port_22_only() {
        let file = format!("# comment\r\n\nDB.example,10.0.0.1 ssh-ed25519 {KEY} a comment\n");
        assert_eq!(check(&file, "db.Example", 22), Match::Known);
        assert_eq!(check(&file, "10.0.0.1", 22), Match::Known);
        assert_eq!(check(&file, "db.example", 2222), Match::Unknown);
        assert_eq!(check(&file, "example", 22), Match::Unknown);
    }

    #[test]
    fn a_line_with_a_port_knows_that_port_only() {
        let file = format!("[db.example]:2222 ssh-ed25519 {KEY}");
        assert_eq!(check(&file, "db.example", 2222), Match::Known);
        assert_eq!(check(&file, "db.example", 22), Match::Unknown);
    }

    #[test]
    fn a_line_that_is_written_is_known() {
        for port in [22, 2222] {
            assert_eq!(check(&line("Db.example", port, &key(KEY)), "db.example", port), Match::Known);
        }
    }

    #[test]
    fn hashed_names_are_found() {
        // Written by `ssh-keygen -H`: secret.example, and [secret.example]:2222.
        let file = include_str!("../tests/data/known_hosts.hashed");
        assert_eq!(check(file, "secret.example", 22), Match::Known);
        assert_eq!(check(file, "Secret.Example", 2222), Match::Known);
        assert_eq!(check(file, "secret.example", 2223), Match::Unknown);
        assert_eq!(check(file, "other.example", 22), Match::Unknown);
    }

    #[test]
    fn another_key_of_the_same_algorithm_is_a_change_and_names_its_line() {
        let file = format!("x ssh-ed25519 {KEY}\ndb ssh-ed25519 {OTHER}\n");
        assert_eq!(check(&file, "db", 22), Match::Changed { line: 2 });
        let both = format!("{file}db ssh-ed25519 {KEY}\n");
        assert_eq!(check(&both, "db", 22), Match::Known);
    }

    #[test]
    fn a_key_of_another_algorithm_is_unknown_but_its_algorithm_is_told() {
        let known = KnownHosts::parse(b"db ssh-rsa AAAA\ndb ecdsa-sha2-nistp256 AAAA\ndb ssh-rsa AAAB");
        assert_eq!(known.lookup("db", 22, &key(KEY)), Match::Unknown);
        assert_eq!(known.algorithms("db", 22), ["ssh-rsa", "ecdsa-sha2-nistp256"]);
        assert!(known.algorithms("other", 22).is_empty());
    }

    #[test]
    fn a_revoked_key_is_refused_whatever_else_is_said() {
        let file = format!("db ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 {KEY}\n");
        assert_eq!(check(&file, "db", 22), Match::Revoked);
        let other = format!("db ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 {OTHER}\n");
        assert_eq!(check(&other, "db", 22), Match::Known);
        assert_eq!(check(&format!("@revoked * ssh-ed25519 {OTHER}"), "db", 22), Match::Unknown);
    }

    #[test]
    fn a_certificate_authority_vouches_for_nobody() {
        assert_eq!(check(&format!("@cert-authority * ssh-ed25519 {KEY}"), "db", 22), Match::Unknown);
    }

    #[test]
    fn patterns_fit_and_exceptions_hold() {
        let file = format!("*.example,!bad.example,web? ssh-ed25519 {KEY}");
        assert_eq!(check(&file, "db.example", 22), Match::Known);
        assert_eq!(check(&file, "web1", 22), Match::Known);
        assert_eq!(check(&file, "web12", 22), Match::Unknown);
        assert_eq!(check(&file, "bad.example", 22), Match::Unknown);
        assert!(fits("a*b*c", "a__b__b_c"));
        assert!(!fits("a*b*c", "a__b__b_d"));
        assert!(!fits(&"*a".repeat(100), &"a".repeat(99)));
    }

    #[test]
    fn any_bytes_can_be_read() {
        let junk: [&[u8]; 6] = [
            b"",
            b"\xff\xfe\x00",
            b"|1|",
            b"|1|x|y ssh-rsa AAAA",
            b"@revoked",
            b"a b !!!\n@x y z\n,, c AAAA",
        ];
        for bytes in junk {
            assert_eq!(KnownHosts::parse(bytes).lookup("db", 22, &key(KEY)), Match::Unknown);
        }
        let broken = HostKey { openssh: "ssh-ed25519".to_owned(), ..key(KEY) };
        assert_eq!(KnownHosts::parse(b"* ssh-ed25519 AAAA").lookup("db", 22, &broken), Match::Unknown);
    }
}
