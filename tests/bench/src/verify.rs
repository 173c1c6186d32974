//! Verifying an audit log of a million events: the time, beside hashing its lines and nothing else, and the memory.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ostler_audit::verify;
use ostler_sealing::sha256;
use tempfile::TempDir;

use crate::audit::{event, open};
use crate::measure::{Limit, Measure, alone, millis, pairs};

const EVENTS: usize = 1_000_000;
/// Events that are written at once.
const BATCH: usize = 1000;
/// A file system in memory, where making the log durable costs little.
const MEMORY: &str = "/dev/shm";

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let (_home, directory) = filled()?;
    let own = || millis(|| verified(&directory));
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

/// The most memory at a time, beyond what the process has before.
pub(crate) fn measure_memory() -> anyhow::Result<Measure> {
    let (_home, directory) = filled()?;
    let own = alone(|| {
        // The kernel begins to measure anew (proc(5)).
        File::create("/proc/self/clear_refs")?.write_all(b"5")?;
        let before = kibibytes("VmRSS")?;
        verified(&directory)?;
        Ok((kibibytes("VmHWM")? - before).max(0.0))
    })?;
    Ok(Measure { unit: "KiB", own, peer: None, limit: Limit::Value(8192.0) })
}

/// Makes a log in a directory that goes away with what is returned beside it.
fn filled() -> anyhow::Result<(TempDir, PathBuf)> {
    let home = if Path::new(MEMORY).is_dir() { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() }?;
    let log = open(home.path())?;
    let events = vec![event(); BATCH];
    for _ in 0..EVENTS / BATCH {
        log.append_all(&events)?;
    }
    let directory = home.path().join("audit");
    Ok((home, directory))
}

fn verified(directory: &Path) -> anyhow::Result<()> {
    let report = verify(directory, None)?;
    // Lines that open batches are lines too.
    ensure!(report.lines >= EVENTS as u64, "{} lines of {EVENTS} events were verified", report.lines);
    Ok(())
}

/// Returns what the kernel says of this process.
fn kibibytes(name: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(number.with_context(|| format!("the kernel does not tell {name}"))?.parse()?)
}
