//! Signed checkpoints: the size of the log, its root hash and its length in bytes, under an Ed25519 signature
//! (c2sp.org/tlog-checkpoint, c2sp.org/signed-note).
//!
//! The private key stays in `sealing`; this module only puts signatures into notes and checks them.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ostler_core::{StoreId, Timestamp};
use ostler_sealing::{DeviceKey, verify_signature};
use signed_note::{Note, Signature, VerificationError, Verifier, Verifiers, key_id};
use tlog_tiles::{Checkpoint, Hash};

use crate::error::{AuditError, AuditFault};
use crate::files::{KEYS, read_file};

/// The algorithm byte of Ed25519 in a signed note's key.
const ED25519: u8 = 1;
/// The extension lines of a checkpoint.
const LENGTH: &str = "log-bytes ";
const TIME: &str = "time ";

/// What a checkpoint says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// Leaves in the tree.
    pub(crate) size: u64,
    /// The root hash.
    pub(crate) root: Hash,
    /// The length of the log in bytes.
    pub(crate) log_bytes: u64,
    /// When it was signed, as the machine's clock had it.
    pub(crate) time: Timestamp,
}

/// Returns the name that a store's checkpoints carry.
pub(crate) fn origin(store: StoreId) -> String {
    format!("ostler-audit/{store}")
}

/// The public keys that may sign a store's checkpoints.
pub(crate) struct Keys(Vec<PublicKey>);

struct PublicKey {
    name: String,
    id: u32,
    key: [u8; 32],
}

impl Verifier for PublicKey {
    fn name(&self) -> &str {
        &self.name
    }
    fn key_id(&self) -> u32 {
        self.id
    }
    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        verify_signature(&self.key, message, signature)
    }
}

impl Verifiers for Keys {
    fn verifier(&self, name: &str, id: u32) -> Result<&dyn Verifier, VerificationError> {
        let found = self.0.iter().find(|key| key.name == name && key.id == id);
        found
            .map(|key| key as &dyn Verifier)
            .ok_or_else(|| VerificationError::UnknownKey { name: name.to_owned(), id })
    }
}

impl Keys {
    /// Reads the file of keys.
    pub(crate) fn read(directory: &Path) -> Result<Self, AuditError> {
        let text = String::from_utf8(read_file(directory, KEYS)?);
        let text = text.map_err(|_| AuditFault::new(KEYS, None, "it is not text"))?;
        Self::parse(&text).map_err(|reason| AuditFault::new(KEYS, None, reason).into())
    }

    /// Parses the file of keys.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        text.lines().map(parse_key).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the line of a device's key.
    pub(crate) fn line(store: StoreId, device: &DeviceKey) -> String {
        let (name, key) = (origin(store), encoded(&device.public_key()));
        format!("{name}+{:08x}+{}\n", key_id(&name, &key), STANDARD.encode(key))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Checks a note's signature and returns what it says. The origin is that of the key that signed it.
    pub(crate) fn open(&self, note: &str) -> Result<(String, Head), &'static str> {
        let note = Note::from_bytes(note.as_bytes()).map_err(|_| "it is no signed note")?;
        note.verify(self).map_err(|_| "its signature is not of a known key")?;
        let checkpoint = Checkpoint::from_bytes(note.text()).map_err(|_| "it is no checkpoint")?;
        let extension = |name| checkpoint.extension().lines().find_map(|line| line.strip_prefix(name));
        let log_bytes = extension(LENGTH)
            .and_then(|number| number.parse().ok())
            .ok_or("it does not say how long the log is")?;
        // The first checkpoints had no time.
        let time = Timestamp(extension(TIME).and_then(|micros| micros.parse().ok()).unwrap_or_default());
        let head = Head { size: checkpoint.size(), root: *checkpoint.hash(), log_bytes, time };
        Ok((checkpoint.origin().to_owned(), head))
    }
}

/// Signs a checkpoint.
pub(crate) fn sign(store: StoreId, device: &DeviceKey, head: &Head) -> String {
    let name = origin(store);
    // The text of a checkpoint: origin, size, root hash, extension lines.
    let text =
        format!("{name}\n{}\n{}\n{LENGTH}{}\n{TIME}{}\n", head.size, head.root, head.log_bytes, head.time.0);
    let id = key_id(&name, &encoded(&device.public_key()));
    let signature = [id.to_be_bytes().as_slice(), &device.sign(text.as_bytes())].concat();
    format!("{text}\n\u{2014} {name} {}\n", STANDARD.encode(signature))
}

fn parse_key(line: &str) -> Result<PublicKey, &'static str> {
    let mut parts = line.splitn(3, '+');
    let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("it is no verifier key");
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| "it is no verifier key")?;
    let (algorithm, key) = bytes.split_first().ok_or("it is no verifier key")?;
    let key: [u8; 32] = key.try_into().map_err(|_| "it is no verifier key")?;
    let id = u32::from_str_radix(id, 16).map_err(|_| "it is no verifier key")?;
    if *algorithm != ED25519
        || id != key_id(name, &bytes)
        || Signature::new(name.to_owned(), id, Vec::new()).is_err()
    {
        return Err("its key id is not of its key");
    }
    Ok(PublicKey { name: name.to_owned(), id, key })
}

fn encoded(public: &[u8; 32]) -> Vec<u8> {
    [&[ED25519], public.as_slice()].concat()
}
