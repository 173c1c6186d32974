//! Keys, sealed records and sealed streams of an Ostler store.
//!
//! The only crate that names a cipher: whoever keeps bytes (the vault, the recordings, the audit log) hands them in
//! with their context, and gets sealed bytes back. Never does I/O beyond the device key's and the key file, never keeps a
//! passphrase, never prints a key, never tells why something did not open beyond damaged, too short, or of
//! a version it does not know.
//!
//! # The key tree
//!
//! ```text
//! passphrase, as typed                                    random secret, in the desktop's keyring
//!   | Argon2id (64 MiB, 3 passes; never less than         |                             cost.rs
//!   | 19 MiB, 2 passes), or PBKDF2 (FIPS profile)         |
//!   |<- SHA-256 of the key file, if there is one        ->|                             key_file.rs
//!   |                                                     | (a slot of its own)         slot.rs
//!   |-> commitment, stored in the slot
//!   `-> wrapping key --seals--> root key (random, one per store and epoch)
//!                                 | HKDF-Expand-SHA-256                                 root.rs
//!                                 |-> metadata key     records: names, hosts, notes, known hosts
//!                                 |-> MAC key          HMAC-SHA-256 over the store's content
//!                                 |-> epoch key n      records: one random key per secret
//!                                 |                      `-> key of a secret: its one record
//!                                 `-> envelope pair    HPKE; the public half lies in the clear
//!                                                        `-> stream keys: recordings, audit log (ratcheted)
//! device key (random, one per machine and user, in a 0600 file outside of the store)    device.rs
//!   |-> Ed25519 key            audit checkpoints
//!   `-> MAC key                compiled-code cache, failed unlocks
//! ```
//!
//! A change of passphrase seals the root key anew, and nothing else changes.
//!
//! # Which key meets which nonce
//!
//! AES-256-GCM breaks when a nonce repeats under a key, and 96 random bits may do so after 2^32 messages. So no
//! long-lived key ever meets a random 96-bit nonce:
//!
//! | keys | cipher | nonce | why it can't repeat |
//! |---|---|---|---|
//! | metadata, epoch and secret keys, the slot's wrapping key | XAES-256-GCM | 192 bits, random | 2^80 records before a chance of 2^-32 |
//! | stream keys | Cobblestone-256 | derived per message, XOR chunk number | key and nonce come from a random 192-bit salt; chunks are counted |
//! | envelopes | HPKE, AES-256-GCM | sequence number 0 | each wrapping has a fresh ephemeral key, used once |
//!
//! Neither GCM nor XAES commits to its key. Where that matters, because a person chose what the key is made of
//! (the slot), or because bytes come from where others can write (streams), a commitment is stored and
//! compared before anything is decrypted. Record keys are random or derived from random ones, never from a
//! passphrase.
//!
//! # Context
//!
//! Whatever is sealed is bound to its context: what it is, of which store and entry, in which version. The parts
//! are encoded each after its length, so `["ab", "c"]` is not `["a", "bc"]`. Two sealed values can thus not be
//! swapped, as long as the caller gives each place a context of its own. Labels of derived keys work the same
//! way.
//!
//! # Limits
//!
//! - A record takes up to 64 GiB and a stream 4 PiB by their standards; both work in memory here, so the caller's
//!   limit is lower.
//! - Deleting a value, or putting an older sealing of the same value back, is not seen here: the vault's MAC and
//!   generation, and the recording's chain, are for that.
//! - Keys at rest in memory are on locked pages and wiped on drop. While a cipher works, its key schedule is on the
//!   stack, wiped afterwards by the libraries as well as a compiler lets them; nothing helps against root, or
//!   against a debugger of the same user before [`harden_process`] was called.
//! - [`sha256`] is the plain hash of the concatenated parts, for digests that others compute too. The MACs delimit
//!   their parts.
//! - `xaes-256-gcm` and this crate's Cobblestone had no outside audit. Both pass the published vectors (the C2SP
//!   specification's, Wycheproof's), and formats made by another implementation open here (`tests/sealing/outside.rs`).
#![warn(missing_docs)]

mod aead;
mod challenge;
mod cost;
mod device;
mod digest;
mod envelope;
mod error;
mod kdf;
mod key_file;
mod lock;
mod mac;
mod memory;
#[cfg(test)]
mod nist_vectors;
#[cfg(test)]
mod primitive_vectors;
mod record;
mod root;
mod slot;
mod stream;
#[cfg(test)]
mod vectors;

pub use challenge::answer_challenge;
pub use cost::KdfParameters;
pub use device::{DeviceKey, DeviceKeyError, verify_signature};
pub use digest::{Sha256Stream, sha256};
pub use envelope::{EnvelopePrivateKey, EnvelopePublicKey};
pub use error::{OpenError, SealingError};
pub use kdf::random_bytes;
pub use key_file::{KeyFile, KeyFileError};
pub use lock::KeyMemory;
pub use mac::MacKey;
pub use memory::{HardenError, harden_process};
pub use record::{RecordKey, tag_of};
pub use root::RootKey;
pub use slot::{
    Factors, RandomSecret, SlotError, SlotInfo, open_random_slot, open_slot, seal_random_slot, seal_slot,
};
pub use stream::StreamKey;
