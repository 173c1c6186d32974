//! A runtime with ports that do nothing, and the plugins.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use ostler_core::{
    BoxFuture, Clock, CodeAuthenticator, ConnectionTree, EventHistory, FinishedRecording, Form, FormAnswers,
    HostEvent, NoHost, PluginSettings, PluginStorage, PortError, PromptError, Prompter, RecordedMoments,
    RecordingArchive, RecordingId, Settings, Timestamp, Tree, TreeChange,
};
use ostler_plugin_api::{Capability, Grants};
use ostler_registry::{Inspection, inspect};
use ostler_runtime::{Limits, Plugin, Ports, Runtime, RuntimeConfig};

/// A plugin file.
pub(crate) struct File {
    pub(crate) inspection: Inspection,
    pub(crate) bytes: Vec<u8>,
}

impl File {
    pub(crate) fn read(directory: &Path, name: &str) -> anyhow::Result<Self> {
        let path = directory.join(format!("{name}.wasm"));
        let bytes = std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))?;
        Ok(Self { inspection: inspect(&bytes)?, bytes })
    }

    pub(crate) fn load(&self, runtime: &Runtime) -> anyhow::Result<Plugin> {
        let grants: Grants = Capability::ALL.into_iter().collect();
        let digest = self.inspection.digest.to_string();
        Ok(runtime.load(&self.inspection.manifest, &digest, &self.bytes, grants)?)
    }
}

/// Starts a runtime with a cache of compiled code.
pub(crate) fn runtime(cache: &Path) -> anyhow::Result<Runtime> {
    runtime_with(cache, Limits::default())
}

/// The same, with limits.
pub(crate) fn runtime_with(cache: &Path, limits: Limits) -> anyhow::Result<Runtime> {
    let nothing = Arc::new(Nothing);
    let ports = Ports {
        storage: nothing.clone(),
        settings: nothing.clone(),
        prompter: nothing.clone(),
        code: nothing.clone(),
        clock: nothing.clone(),
        secret_uses: Arc::new(NoHost),
        resolver: Arc::new(NoHost),
        way_out: Arc::default(),
        zone: Arc::new(NoHost),
        machine_uses: Arc::new(NoHost),
        connections: nothing.clone(),
        recordings: nothing.clone(),
        secrets: Arc::new(NoHost),
        events: nothing.clone(),
    };
    Ok(Runtime::new(
        RuntimeConfig { cache_dir: Some(cache.to_owned()), limits, ..RuntimeConfig::default() },
        ports,
    )?)
}

/// Runs a future on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// Runs a future as the program does: on this thread, and its tasks on others.
pub(crate) fn block_on_many<T>(future: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    Ok(runtime.block_on(future))
}

/// Every port, with nothing behind it.
pub(crate) struct Nothing;

impl PluginStorage for Nothing {
    fn get(&self, _: &str, _: &str) -> Result<Option<Vec<u8>>, PortError> {
        Ok(None)
    }
    fn set(&self, _: &str, _: &str, _: Option<&[u8]>) -> Result<(), PortError> {
        Ok(())
    }
    fn keys(&self, _: &str) -> Result<Vec<(String, u64)>, PortError> {
        Ok(Vec::new())
    }
}

impl PluginSettings for Nothing {
    fn settings(&self, _: &str) -> Settings {
        Settings::default()
    }
}

impl Prompter for Nothing {
    fn ask<'a>(&'a self, _: &'a str, _: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        Box::pin(async { Err(PromptError::Headless) })
    }
}

impl ConnectionTree for Nothing {
    fn read(&self, look: &mut dyn FnMut(&Tree)) -> Result<(), PortError> {
        look(&Tree::default());
        Ok(())
    }
    fn change(&self, _: &mut dyn FnMut(&Tree) -> Option<TreeChange>) -> Result<(), PortError> {
        Ok(())
    }
    fn knows_kind(&self, _: &str) -> bool {
        false
    }
}

impl RecordingArchive for Nothing {
    fn list(&self) -> Result<Vec<FinishedRecording>, PortError> {
        Ok(Vec::new())
    }
    fn open(&self, _: RecordingId) -> Result<Box<dyn RecordedMoments>, PortError> {
        NoHost.open(RecordingId::random())
    }
}

impl EventHistory for Nothing {
    fn latest(&self) -> Result<u64, PortError> {
        Ok(0)
    }
    fn since(&self, cursor: u64, _: usize) -> Result<(Vec<HostEvent>, u64), PortError> {
        Ok((Vec::new(), cursor))
    }
}

/// The plugin cache is in a directory of this run, so the tag only has to be one.
impl CodeAuthenticator for Nothing {
    fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut tag = [0; 32];
        for (index, byte) in parts.iter().flat_map(|part| part.iter()).enumerate() {
            if let Some(place) = tag.get_mut(index % 32) {
                *place ^= byte;
            }
        }
        tag
    }
    fn verify(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        self.tag(parts) == *tag
    }
}

impl Clock for Nothing {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}
