//! Loading the bundled plugins from the cache of compiled code, as every start of the program does.

use std::path::Path;

use crate::measure::{Limit, Measure, alone, millis};
use crate::world::{File, runtime};

pub(crate) fn measure(plugins: &Path) -> anyhow::Result<Measure> {
    let files = [File::read(plugins, "launcher-ssh")?, File::read(plugins, "importer-csv")?];
    let cache = tempfile::tempdir()?;
    let runtime = runtime(cache.path())?;
    let load = || files.iter().try_for_each(|file| file.load(&runtime).map(|_| ()));
    // The first time compiles.
    load()?;
    Ok(Measure { unit: "ms", own: alone(|| millis(load))?, peer: None, limit: Limit::Value(5.0) })
}
