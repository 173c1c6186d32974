//! Proofs of the audit log, which come from others: the log's public keys, a proof, and an earlier checkpoint where the proof
//! is about growth. What a proof shows is what was logged.

use std::path::{Path, PathBuf};

use ostler_audit::{
    AuditEvent, EventClass, Outcome, check_growth, check_line, checkpoint, prove_growth, prove_line,
};

use super::{Taken, audit};
use crate::Input;

const KEYS: &str = "keys";
const PROOF: &str = "proof";
const ANCHOR: &str = "anchor";
const EVENTS: u64 = 5;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let home = tempfile::tempdir()?;
    let directory = home.path().join("audit");
    let log = audit::open(home.path(), &directory)?;
    let event = AuditEvent::of(EventClass::SessionStart, Outcome::Success);
    log.append(&event)?;
    let anchor = checkpoint(&directory)?;
    for _ in 0..EVENTS {
        log.append(&event)?;
    }
    let keys = std::fs::read(directory.join(KEYS))?;
    let input = |files: &[(&str, &str)]| Input {
        files: std::iter::once((KEYS.to_owned(), keys.clone()))
            .chain(files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())))
            .collect(),
    };
    let growth = prove_growth(&directory, &anchor)?;
    Ok(vec![
        input(&[(PROOF, &prove_line(&directory, EVENTS)?)]),
        input(&[(PROOF, &growth), (ANCHOR, &anchor)]),
    ])
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let text = |name| input.file(name).map(String::from_utf8_lossy).unwrap_or_default();
    let (keys, proof) = (text(KEYS), text(PROOF));
    let checked = match input.file(ANCHOR) {
        // Keys, and with them sealed lines, are others in each run.
        None => check_line(&keys, &proof).map(|proved| format!("{} of {}", proved.sequence, proved.lines)),
        Some(_) => check_growth(&keys, &text(ANCHOR), &proof)
            .map(|proved| format!("{} to {}", proved.from, proved.to)),
    };
    Ok(match checked {
        Ok(proved) => Taken::Proved(proved.into_bytes()),
        Err(error) => {
            drop(error.to_string());
            Taken::Refused
        }
    })
}
