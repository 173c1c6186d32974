//! Loading plugins from the cache of compiled code, as every start of the program does.

use std::path::Path;

use anyhow::Context as _;

use crate::measure::{Limit, Measure, alone, millis};
use crate::world::{File, runtime};

/// Plugins of a large installation.
const MANY: usize = 30;

pub(crate) fn measure(plugins: &Path) -> anyhow::Result<Measure> {
    let files = files(plugins)?;
    let cache = tempfile::tempdir()?;
    let runtime = runtime(cache.path())?;
    let load = || files.iter().try_for_each(|file| file.load(&runtime).map(|_| ()));
    // The first time compiles.
    load()?;
    Ok(Measure { unit: "ms", own: alone(|| millis(load))?, peer: None, limit: Limit::Value(5.0) })
}

/// The start of the runtime with 30 plugins, each loaded for itself and idle.
pub(crate) fn measure_start(plugins: &Path) -> anyhow::Result<Measure> {
    let files = files(plugins)?;
    let cache = tempfile::tempdir()?;
    let start = || {
        let runtime = runtime(cache.path())?;
        files.iter().cycle().take(MANY).map(|file| file.load(&runtime)).collect::<Result<Vec<_>, _>>()
    };
    // The first time compiles.
    start()?;
    Ok(Measure { unit: "ms", own: alone(|| millis(start))?, peer: None, limit: Limit::Value(50.0) })
}

/// The memory of this process that an idle plugin takes, with its code mapped from the cache.
pub(crate) fn measure_memory(plugins: &Path) -> anyhow::Result<Measure> {
    let files = files(plugins)?;
    let cache = tempfile::tempdir()?;
    let runtime = runtime(cache.path())?;
    let load =
        || files.iter().cycle().take(MANY).map(|file| file.load(&runtime)).collect::<Result<Vec<_>, _>>();
    // The first time compiles. All are kept, so that no memory is used again.
    let mut kept = vec![load()?];
    let own = || {
        let before = resident_kib()?;
        kept.push(load()?);
        #[expect(clippy::cast_precision_loss, reason = "kibibytes of one process")]
        let grown = resident_kib()?.saturating_sub(before) as f64;
        Ok(grown / MANY as f64)
    };
    Ok(Measure { unit: "KiB", own: alone(own)?, peer: None, limit: Limit::Value(2048.0) })
}

/// The resident memory of this process.
fn resident_kib() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc/self/status")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse()?)
}

fn files(plugins: &Path) -> anyhow::Result<[File; 2]> {
    Ok([File::read(plugins, "launcher-ssh")?, File::read(plugins, "importer-csv")?])
}
