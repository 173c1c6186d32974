//! A fresh instance and one call of it, through all that the runtime does, beside bare wasmtime with a pool.

use std::path::Path;
use std::time::Instant;

use anyhow::anyhow;
use wasmtime::Engine;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker, Val};

use crate::bare::{self, State};
use crate::measure::{Limit, Measure, pairs};
use crate::world::{File, block_on, runtime};

/// Calls in one run.
const CALLS: u32 = 2000;

pub(crate) fn measure(plugins: &Path) -> anyhow::Result<Measure> {
    let file = File::read(plugins, "launcher-ssh")?;
    let cache = tempfile::tempdir()?;
    let runtime = runtime(cache.path())?;
    let plugin = file.load(&runtime)?;
    let bare = Bare::new(&file.bytes).map_err(|error| anyhow!("{error:#}"))?;
    let own = || {
        block_on(async {
            let started = Instant::now();
            for _ in 0..CALLS {
                plugin.launcher_kinds().await?;
            }
            Ok(micros(started))
        })?
    };
    let peer = || {
        let started = Instant::now();
        for _ in 0..CALLS {
            bare.describe().map_err(|error| anyhow!("{error:#}"))?;
        }
        Ok(micros(started))
    };
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "us", own, peer: Some(("bare wasmtime", peer)), limit: Limit::TimesPeer(2.0) })
}

fn micros(started: Instant) -> f64 {
    started.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS)
}

/// The same component in wasmtime with nothing of ours around it.
struct Bare {
    engine: Engine,
    pre: InstancePre<State>,
    describe: ComponentExportIndex,
}

impl Bare {
    fn new(bytes: &[u8]) -> wasmtime::Result<Self> {
        let engine = bare::engine()?;
        let component = Component::new(&engine, bytes)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        linker.define_unknown_imports_as_traps(&component)?;
        let interface = component
            .get_export_index(None, "ostler:launcher/launcher@0.2.0")
            .ok_or_else(|| missing("launcher"))?;
        let describe =
            component.get_export_index(Some(&interface), "describe").ok_or_else(|| missing("describe"))?;
        Ok(Self { engine, pre: linker.instantiate_pre(&component)?, describe })
    }

    fn describe(&self) -> wasmtime::Result<()> {
        let mut store = bare::store(&self.engine);
        let instance = self.pre.instantiate(&mut store)?;
        let describe = instance.get_func(&mut store, self.describe).ok_or_else(|| missing("describe"))?;
        describe.call(&mut store, &[], &mut [Val::Bool(false)])?;
        Ok(())
    }
}

fn missing(export: &str) -> wasmtime::Error {
    wasmtime::Error::msg(format!("the plugin does not export {export}"))
}
