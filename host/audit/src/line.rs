//! One line of the log: a batch key wrapped for the store, or an event sealed under it.
//!
//! Parsing is total: any bytes give a line or the reason why not.

use std::str;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ostler_core::{SecretBytes, StoreId};
use ostler_sealing::{EnvelopePrivateKey, EnvelopePublicKey, RecordKey, SealingError, random_bytes};
use zeroize::Zeroizing;

/// The longest line that is written or read, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;

/// The random name of a batch.
pub(crate) type BatchId = [u8; 8];

/// A key that one process seals its events with, and the line that opens the batch.
pub(crate) struct Batch {
    id: BatchId,
    key: RecordKey,
    line: String,
}

impl Batch {
    /// Makes a batch whose key the store's private envelope key can unwrap.
    pub(crate) fn new(store: StoreId, envelope: &EnvelopePublicKey) -> Result<Self, SealingError> {
        let id = random_bytes::<8>()?;
        let bytes = Zeroizing::new(random_bytes::<32>()?);
        let wrapped = envelope.wrap(&info(store, &id), &bytes)?;
        let line = format!("k {} {}\n", hex(&id), STANDARD.encode(wrapped));
        Ok(Self { id, key: RecordKey::from_bytes(&bytes), line })
    }

    /// Returns the line that opens the batch.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Seals an event for the line of this number.
    pub(crate) fn seal(&self, store: StoreId, sequence: u64, event: &[u8]) -> Result<String, SealingError> {
        let sealed = self.key.seal(&context(&store.to_bytes(), &self.id, &sequence.to_be_bytes()), event)?;
        Ok(format!("e {} {}\n", hex(&self.id), STANDARD.encode(sealed)))
    }
}

/// A parsed line.
pub(crate) enum Line {
    /// A wrapped batch key.
    Key { batch: BatchId, wrapped: Vec<u8> },
    /// A sealed event.
    Event { batch: BatchId, sealed: Vec<u8> },
}

impl Line {
    /// Parses a line without its line break.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = str::from_utf8(bytes).map_err(|_| "it is not text")?;
        let mut words = text.split(' ');
        let (Some(kind), Some(batch), Some(payload), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err("it has not three words");
        };
        let batch = unhex(batch).ok_or("its batch is not 16 hexadecimal digits")?;
        let payload = STANDARD.decode(payload).map_err(|_| "it is not base64")?;
        match kind {
            "k" => Ok(Self::Key { batch, wrapped: payload }),
            "e" => Ok(Self::Event { batch, sealed: payload }),
            _ => Err("its kind is unknown"),
        }
    }
}

/// Opens a batch key.
pub(crate) fn unwrap(
    store: StoreId,
    batch: &BatchId,
    wrapped: &[u8],
    private: &EnvelopePrivateKey,
) -> Option<RecordKey> {
    let key = private.unwrap(&info(store, batch), wrapped).ok()?;
    Some(RecordKey::from_bytes(&key))
}

/// Opens an event.
pub(crate) fn open(
    store: StoreId,
    batch: &BatchId,
    sequence: u64,
    sealed: &[u8],
    key: &RecordKey,
) -> Option<SecretBytes> {
    key.open(&context(&store.to_bytes(), batch, &sequence.to_be_bytes()), sealed).ok()
}

fn info(store: StoreId, batch: &BatchId) -> Vec<u8> {
    [b"ostler audit batch 1".as_slice(), &store.to_bytes(), batch].concat()
}

fn context<'a>(store: &'a [u8], batch: &'a [u8], sequence: &'a [u8]) -> [&'a [u8]; 4] {
    [b"ostler audit event 1", store, batch, sequence]
}

fn hex(id: &BatchId) -> String {
    format!("{:016x}", u64::from_be_bytes(*id))
}

fn unhex(text: &str) -> Option<BatchId> {
    let lower =
        text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    lower.then(|| u64::from_str_radix(text, 16).ok().map(u64::to_be_bytes))?
}
