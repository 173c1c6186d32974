//! A publisher's signature (`.minisig`) of a file, and the text of public keys. An input's files are the signed file, the signature and a
//! key; the key that a signature is verified with is always the publisher's.
//!
//! What verifies is the file that was signed, with its trusted comment; a key that is read comes back as it was written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ostler_registry::{PublisherKey, verify_signature};

use super::Taken;
use crate::Input;

/// Made with minisign 0.11; nobody has the secret key any more.
const KEY: &str = "RWTP9nVfESQsBk2zecPENbJYZaTOQStMy0AHyDS0gLkk8G0m5HuKuQTN";
const SIGNATURE: &str = "untrusted comment: signature from minisign secret key
RUTP9nVfESQsBiDGV8zHeZFkE96ToOf+T1MJ2m1HtVfXLGwJ3KcmYG98n9GRGWsPwkJbMmOV5i/iklL6c/LThgfcUXUllKxa/gY=
trusted comment: acme.hosts 1.0.0
UGuYPjFAl6V1d1ad9ApRbNJLqOLOd0rRbDL2O1ygP5kxJ6Nh5yT0CeT1IWkaCSAfqo1INo+4frA1BPcABXdEBA==
";
const FILE: &[u8] = b"the file\n";
const TRUSTED: &str = "acme.hosts 1.0.0";

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let with_key = |key: String| Input {
        files: vec![
            ("file".to_owned(), FILE.to_vec()),
            ("key".to_owned(), key.into_bytes()),
            ("signature".to_owned(), SIGNATURE.as_bytes().to_vec()),
        ],
    };
    Ok(vec![
        with_key(KEY.to_owned()),
        with_key(format!("untrusted comment: minisign public key 62C24115F75F6CF\n{KEY}\n")),
    ])
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let text = |name| std::str::from_utf8(input.file(name).unwrap_or_default()).unwrap_or_default();
    if let Ok(key) = PublisherKey::parse(text("key")) {
        let again = PublisherKey::parse(&key.to_string()).context("a key that was read can't be read")?;
        ensure!(again.to_string() == key.to_string(), "a key comes back as another one");
    }
    let keys = [PublisherKey::parse(KEY)?];
    let (file, signature) = (input.file("file").unwrap_or_default(), text("signature"));
    match verify_signature(file, signature, &keys) {
        Ok(_) => {
            ensure!(signature.contains(TRUSTED), "another trusted comment verifies");
            Ok(Taken::Proved(file.to_vec()))
        }
        Err(error) => {
            drop(error.to_string());
            Ok(Taken::Refused)
        }
    }
}
