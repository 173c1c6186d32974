//! Verifying an audit log of a million events, beside hashing its lines and nothing else.

use std::path::Path;

use anyhow::ensure;
use ostler_audit::verify;
use ostler_sealing::sha256;

use crate::audit::{event, open};
use crate::measure::{Limit, Measure, millis, pairs};

const EVENTS: usize = 1_000_000;
/// Events that are written at once.
const BATCH: usize = 1000;
/// A file system in memory, where making the log durable costs little.
const MEMORY: &str = "/dev/shm";

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let home = if Path::new(MEMORY).is_dir() { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() }?;
    let log = open(home.path())?;
    let events = vec![event(); BATCH];
    for _ in 0..EVENTS / BATCH {
        log.append_all(&events)?;
    }
    let directory = home.path().join("audit");
    let own = || {
        millis(|| {
            let report = verify(&directory, None)?;
            // Lines that open batches are lines too.
            ensure!(report.lines >= EVENTS as u64, "{} lines of {EVENTS} events were verified", report.lines);
            Ok(())
        })
    };
    let peer = || {
        millis(|| {
            let lines = std::fs::read(directory.join("log"))?;
            let hashes: Vec<[u8; 32]> =
                lines.split(|byte| *byte == b'\n').map(|line| sha256(&[line])).collect();
            ensure!(hashes.len() > EVENTS, "{} lines were hashed", hashes.len());
            Ok(())
        })
    };
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "ms", own, peer: Some(("hashing the lines", peer)), limit: Limit::Value(10_000.0) })
}
