//! A guest that never comes back: how long past its budget it is stopped, with the runtime's clock and the guest on one
//! processor core.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use ostler_core::{
    ConnectionId, CredentialDescription, LaunchRequest, RunRequest, SettingValue, Settings, SlotDescription,
};
use ostler_runtime::{Limits, Plugin, PluginError};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::measure::{Limit, Measure, alone};
use crate::world::{File, block_on, runtime_with};

const BUDGET: Duration = Duration::from_millis(100);

pub(crate) fn measure(guests: &Path) -> anyhow::Result<Measure> {
    let file = File::read(guests, "guest-evil-launcher")?;
    // A thread of its own, since what it starts inherits its one core.
    let thread = std::thread::Builder::new().name("one-core".to_owned()).spawn(move || {
        keep_to_one_core()?;
        let cache = tempfile::tempdir()?;
        let limits = Limits { plan_time: BUDGET, ..Limits::default() };
        let plugin = file.load(&runtime_with(cache.path(), limits)?)?;
        alone(|| stopped_after(&plugin))
    })?;
    let own = thread.join().map_err(|_| anyhow!("the measuring thread panicked"))??;
    Ok(Measure { unit: "ms", own, peer: None, limit: Limit::Value(50.0) })
}

/// Keeps this thread, and what it starts, to one core.
pub(crate) fn keep_to_one_core() -> anyhow::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let first = (0..CpuSet::MAX_CPU).find(|cpu| allowed.is_set(*cpu)).context("no processor is allowed")?;
    let mut one = CpuSet::new();
    one.set(first);
    Ok(sched_setaffinity(None, &one)?)
}

fn stopped_after(plugin: &Plugin) -> anyhow::Result<f64> {
    let request = request("evil", "loop");
    let started = Instant::now();
    match block_on(plugin.plan(&request))? {
        Err(PluginError::Limit { .. }) => {}
        other => bail!("the guest should reach its limit, not {other:?}"),
    }
    Ok(started.elapsed().saturating_sub(BUDGET).as_secs_f64() * 1e3)
}

/// A launch with one setting, which tells a guest what to do.
pub(crate) fn request(key: &str, value: &str) -> LaunchRequest {
    let settings = [(key.to_owned(), SettingValue::Text(value.to_owned()))];
    LaunchRequest {
        connection: ConnectionId::random(),
        name: "Database".to_owned(),
        kind: "ssh".to_owned(),
        host: "db.example".to_owned(),
        port: 22,
        folder: Vec::new(),
        tags: Vec::new(),
        custom_fields: Default::default(),
        settings: Settings(settings.into_iter().collect()),
        credential: CredentialDescription { user: None, domain: None, slots: Vec::<SlotDescription>::new() },
        run: RunRequest::Interactive,
        terminal: None,
    }
}
