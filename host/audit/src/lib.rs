//! The audit log: what happened, sealed line by line, in a Merkle tree with signed checkpoints.
//!
//! ```text
//! audit/log          one line per leaf: `k BATCH KEY` opens a batch, `e BATCH EVENT` is a sealed event
//! audit/hashes       the tree's stored hashes, 32 bytes each (c2sp.org/tlog-tiles, RFC 6962 hashing)
//! audit/checkpoint   two slots of 1 KiB, written in turn; the valid one of the larger tree is the newest checkpoint
//! audit/checkpoints  the checkpoint of every 256th leaf, one JSON string a line
//! audit/keys         the public keys that sign checkpoints (c2sp.org/signed-note), one a line
//! audit/lock         held while a process appends
//! ```
//!
//! Anybody can verify the log with the public keys alone; reading it takes the store's private envelope key; writing takes
//! none, so that failed sign-ins are written while the store is locked. [`AuditLog::append`] returns only when the line is
//! durable and under a signed checkpoint: whoever gets an error must not act.
//!
//! Never opens a secret, never decides what is worth an event, and never removes a line that was whole.
#![warn(missing_docs)]

mod class;
mod error;
mod event;
mod export;
mod files;
#[doc(hidden)]
pub mod fuzzing;
mod line;
mod log;
mod note;
mod proof;
mod read;
mod tree;
mod verify;

pub use class::{ClassSpec, EventClass, OcsfClass, Severity};
pub use error::{AuditError, AuditFault};
pub use event::{AuditEvent, AuditRecord, Outcome, PluginRef};
pub use export::{ocsf, syslog};
pub use log::AuditLog;
pub use proof::{ProvedGrowth, ProvedLine, check_growth, check_line, prove_growth, prove_line};
pub use read::{ReadFrom, read};
pub use verify::{AuditReport, checkpoint, verify};
