//! Verifying an audit log of a million events: the time, beside hashing its lines and nothing else, and the memory.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use ostler_audit::verify;
use ostler_sealing::sha256;
use tempfile::TempDir;

use crate::Arguments;
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

/// The most memory of a process that does nothing else: this program, started anew.
pub(crate) fn measure_memory(arguments: &Arguments) -> anyhow::Result<Measure> {
    let (_home, directory) = filled()?;
    let own = alone(|| {
        #[expect(clippy::disallowed_methods, reason = "a process of its own is what is measured")]
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("--plugins").arg(&arguments.plugins).arg("--guests").arg(&arguments.guests);
        command.arg("--program").arg(&arguments.program).arg("--verify").arg(&directory);
        let output = command.output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(std::str::from_utf8(&output.stdout)?.trim().parse()?)
    })?;
    Ok(Measure { unit: "KiB", own, peer: None, limit: Limit::Value(65_536.0) })
}

/// Verifies a log, and returns the most memory that this process had.
pub(crate) fn kibibytes_of(directory: &Path) -> anyhow::Result<f64> {
    verified(directory)?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(number.context("the kernel does not tell how much memory a process had")?.parse()?)
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
