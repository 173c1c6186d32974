//! Proofs that somebody can check who has neither the store nor its log: that a line stands in the log, and that the log
//! only grew since a checkpoint.
//!
//! Formats are those of other transparency logs: c2sp.org/tlog-proof, with the sealed line as its extra data, and the body of
//! a request to a witness (c2sp.org/tlog-witness). Checking needs the log's public key and nothing secret; what the line
//! says stays sealed. Never proves what it has not checked itself.

use std::fs::File;
use std::path::Path;
use std::str::Lines;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog_tiles::{EMPTY_HASH, Hash, check_record, check_tree, prove_record, prove_tree, record_hash};

use crate::error::{AuditError, AuditFault};
use crate::files::{HASHES, LOG, Quiet};
use crate::note::{Head, Keys};
use crate::read;
use crate::tree::FileHashes;
use crate::verify::{Newest, open_anchor};

/// The name that errors call a proof by.
const PROOF: &str = "proof";
const FORMAT: &str = "c2sp.org/tlog-proof@v1";
const EXTRA: &str = "extra ";
const INDEX: &str = "index ";
const OLD: &str = "old ";

/// The most hashes of a proof: the tree of a log with 2^63 lines has no longer one.
const MOST_HASHES: usize = 63;

/// A line that was proved to stand in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedLine {
    /// The name of the log.
    pub log: String,
    /// The line's number.
    pub sequence: u64,
    /// The lines of the log, as the checkpoint in the proof has it.
    pub lines: u64,
    /// The line as it stands in the log, sealed.
    pub line: String,
}

/// A log that was proved to have only grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvedGrowth {
    /// The name of the log.
    pub log: String,
    /// Lines then.
    pub from: u64,
    /// Lines now.
    pub to: u64,
}

/// Proves that a line stands in the log, under its newest checkpoint.
///
/// # Errors
/// Fails where the log has no such line, can't be read, or is damaged there.
pub fn prove_line(directory: &Path, sequence: u64) -> Result<String, AuditError> {
    let quiet = Quiet::wait(directory);
    let newest = Newest::read(directory, &Keys::read(directory)?)?;
    let Head { size, root, .. } = newest.head;
    if sequence >= size {
        return Err(AuditError::NoLine { sequence, lines: size });
    }
    let line = read::line(directory, sequence)?;
    let proof = with_hashes(directory, |hashes| prove_record(size, sequence, hashes))?;
    drop(quiet);
    check_record(&proof, size, root, sequence, record_hash(&line))
        .map_err(|_| AuditFault::new(LOG, Some(sequence), "it is not the line of the checkpoint"))?;
    let extra = STANDARD.encode(&line);
    Ok(format!("{FORMAT}\n{EXTRA}{extra}\n{INDEX}{sequence}\n{}\n{}", text(&proof), newest.note))
}

/// Checks a proof of [`prove_line`], with the public keys of the log as its file `keys` has them.
///
/// # Errors
/// Fails where the proof is no such proof, or does not hold.
pub fn check_line(keys: &str, proof: &str) -> Result<ProvedLine, AuditFault> {
    let keys = Keys::parse(keys).map_err(fault)?;
    let (proof, note) = proof.split_once("\n\n").ok_or_else(|| fault("it has no checkpoint"))?;
    let mut lines = proof.lines();
    if lines.next() != Some(FORMAT) {
        return Err(fault("it is no proof of a line"));
    }
    let extra =
        lines.next().and_then(|line| line.strip_prefix(EXTRA)).ok_or_else(|| fault("it has no line"))?;
    let line = STANDARD.decode(extra).map_err(|_| fault("its line is not base64"))?;
    let sequence = number(lines.next(), INDEX)?;
    let hashes = hashes(lines)?;
    let (log, head) = keys.open(note).map_err(fault)?;
    check_inclusion(&hashes, &head, sequence, record_hash(&line))?;
    let line = String::from_utf8(line).map_err(|_| fault("its line is not text"))?;
    Ok(ProvedLine { log, sequence, lines: head.size, line })
}

/// Proves that the log, as its newest checkpoint has it, continues a checkpoint that was kept outside.
///
/// # Errors
/// Fails where it does not, or can't be read.
pub fn prove_growth(directory: &Path, anchor: &str) -> Result<String, AuditError> {
    let quiet = Quiet::wait(directory);
    let keys = Keys::read(directory)?;
    let newest = Newest::read(directory, &keys)?;
    let anchor = open_anchor(anchor, &keys, &newest.name)?;
    let proof = match anchor.size {
        size if size > newest.head.size => {
            return Err(AuditFault::new("anchor", None, "it covers more lines than the log has").into());
        }
        size if size == newest.head.size || size == 0 => Vec::new(),
        size => with_hashes(directory, |hashes| prove_tree(newest.head.size, size, hashes))?,
    };
    drop(quiet);
    check_consistency(&proof, &anchor, &newest.head)
        .map_err(|_| AuditFault::new("anchor", None, "the log was written anew since it was signed"))?;
    Ok(format!("{OLD}{}\n{}\n{}", anchor.size, text(&proof), newest.note))
}

/// Checks a proof of [`prove_growth`] against the older checkpoint, with the public keys of the log.
///
/// # Errors
/// Fails where the proof is no such proof, is not about this checkpoint, or does not hold.
pub fn check_growth(keys: &str, anchor: &str, proof: &str) -> Result<ProvedGrowth, AuditFault> {
    let keys = Keys::parse(keys).map_err(fault)?;
    let (proof, note) = proof.split_once("\n\n").ok_or_else(|| fault("it has no checkpoint"))?;
    let mut lines = proof.lines();
    let old = number(lines.next(), OLD)?;
    let hashes = hashes(lines)?;
    let (log, head) = keys.open(note).map_err(fault)?;
    let anchor = open_anchor(anchor, &keys, &log)?;
    if anchor.size != old {
        return Err(fault("it is not about this checkpoint"));
    }
    check_consistency(&hashes, &anchor, &head)?;
    Ok(ProvedGrowth { log, from: anchor.size, to: head.size })
}

fn check_inclusion(proof: &[Hash], head: &Head, sequence: u64, line: Hash) -> Result<(), AuditFault> {
    check_record(&proof.to_vec(), head.size, head.root, sequence, line).map_err(|_| fault("it does not hold"))
}

/// The empty log is a beginning of every log, of which `tlog_tiles` knows nothing.
fn check_consistency(proof: &[Hash], old: &Head, new: &Head) -> Result<(), AuditFault> {
    let holds = match old.size {
        0 => old.root == EMPTY_HASH && proof.is_empty() && (new.size > 0 || new.root == old.root),
        size => check_tree(&proof.to_vec(), new.size, new.root, size, old.root).is_ok(),
    };
    holds.then_some(()).ok_or_else(|| fault("it does not hold"))
}

fn with_hashes<T>(
    directory: &Path,
    prove: impl FnOnce(&FileHashes<'_>) -> Result<T, tlog_tiles::Error>,
) -> Result<T, AuditError> {
    let path = directory.join(HASHES);
    let file = File::open(&path).map_err(|source| AuditError::Io { path, source })?;
    let hashes = FileHashes { file: &file, pending_from: u64::MAX, pending: Vec::new() };
    Ok(prove(&hashes).map_err(|error| AuditFault::new(HASHES, None, error.to_string()))?)
}

fn text(hashes: &[Hash]) -> String {
    hashes.iter().map(|hash| STANDARD.encode(hash.0) + "\n").collect()
}

fn hashes(lines: Lines<'_>) -> Result<Vec<Hash>, AuditFault> {
    let hashes: Result<Vec<Hash>, _> = lines.take(MOST_HASHES + 1).map(Hash::parse_hash).collect();
    let hashes = hashes.map_err(|_| fault("a hash is not 32 bytes in base64"))?;
    (hashes.len() <= MOST_HASHES).then_some(hashes).ok_or_else(|| fault("it has too many hashes"))
}

fn number(line: Option<&str>, name: &str) -> Result<u64, AuditFault> {
    let number = line.and_then(|line| line.strip_prefix(name)).and_then(|number| number.parse().ok());
    number.ok_or_else(|| fault("it has no number where one belongs"))
}

fn fault(reason: &str) -> AuditFault {
    AuditFault::new(PROOF, None, reason)
}

#[cfg(test)]
mod tests;
