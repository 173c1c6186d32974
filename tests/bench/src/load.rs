//! Loading plugins from the cache of compiled code, as every start of the program does.

use std::path::Path;

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

fn files(plugins: &Path) -> anyhow::Result<[File; 2]> {
    Ok([File::read(plugins, "launcher-ssh")?, File::read(plugins, "importer-csv")?])
}
