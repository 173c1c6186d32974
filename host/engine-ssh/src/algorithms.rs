//! How the protocol is set up: algorithms, window, keepalive.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::SshPlan;
use russh::client::Config;
use russh::keys::Algorithm;
use russh::{Preferred, cipher, compression};

/// How much a server may send before it is read, with a terminal: little, so that Ctrl-C shows soon.
const TERMINAL_WINDOW_BYTES: u32 = 1024 * 1024;
/// The same without one: russh opens the window again at its half, so this carries 8 MiB per round trip.
const COMMAND_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
/// Packets (of 32 KiB at most, from servers that keep to what they were told) that wait to be read.
const WAITING_PACKETS: usize = 32;
/// Keepalives without an answer after which the server is given up.
const UNANSWERED_KEEPALIVES: usize = 3;

/// AES-GCM first: with the processor's help it costs half of what ChaCha20 costs. No CBC, no SHA-1, no compression.
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_256_GCM,
    cipher::CHACHA20_POLY1305,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
];

/// Returns the protocol's set-up for a plan; `known` are the algorithms of the host's known keys.
pub(crate) fn configuration(plan: &SshPlan, known: &[String]) -> Arc<Config> {
    let keepalive = (plan.keepalive_seconds > 0).then(|| Duration::from_secs(plan.keepalive_seconds.into()));
    Arc::new(Config {
        window_size: if plan.terminal { TERMINAL_WINDOW_BYTES } else { COMMAND_WINDOW_BYTES },
        channel_buffer_size: WAITING_PACKETS,
        keepalive_interval: keepalive,
        keepalive_max: UNANSWERED_KEEPALIVES,
        nodelay: true,
        preferred: Preferred {
            key: Cow::Owned(host_key_algorithms(known)),
            cipher: Cow::Borrowed(CIPHERS),
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::DEFAULT
        },
        ..Config::default()
    })
}

/// Returns the algorithms of host keys, those of known keys first. RSA with SHA-1 is not among them.
fn host_key_algorithms(known: &[String]) -> Vec<Algorithm> {
    let mut algorithms: Vec<Algorithm> = Preferred::DEFAULT
        .key
        .iter()
        .filter(|name| **name != Algorithm::Rsa { hash: None })
        .cloned()
        .collect();
    // A stable sort keeps the order of preference within both halves.
    algorithms.sort_by_key(|algorithm| {
        let key_type = match algorithm {
            Algorithm::Rsa { .. } => "ssh-rsa",
            other => other.as_str(),
        };
        !known.iter().any(|name| name == key_type)
    });
    algorithms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithm_of_a_known_key_is_asked_for_first() {
        let names = |known: &[&str]| -> Vec<String> {
            let known: Vec<String> = known.iter().map(|name| (*name).to_owned()).collect();
            host_key_algorithms(&known).iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(&[])[0], "ssh-ed25519");
        assert_eq!(names(&["ssh-rsa"])[..3], ["rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"]);
        assert!(!names(&["ssh-rsa"]).contains(&"ssh-rsa".to_owned()));
    }
}
