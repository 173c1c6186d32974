//! The runtime: one per process, holding the engines, the cache of compiled code and the ports; it loads plugins.
//!
//! Loading compiles (or takes compiled code from the cache), checks the imports against manifest and host, and links once.
//! It never runs guest code.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::{
    Clock, CodeAuthenticator, ConnectionTree, EventHistory, PluginSecrets, PluginSettings, PluginStorage,
    Prompter, RecordingArchive, Resolver, SecretUses, TimeZone, UseLog, WayIn, WayOut,
};
use ostler_plugin_api::{ApiError, Grants, Guard, Guards, Import, Manifest, check_declared, check_import};
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use crate::cache::{CodeCache, CodeKey, TrustedCode, hex};
use crate::endpoint::Endpoint;
use crate::engine::House;
use crate::plugin::{Foundation, Plugin};
use crate::ticker::Ticker;
use crate::{Limits, LoadError, RuntimeError};

/// How a runtime is set up.
#[derive(Debug, Clone, Default)]
pub struct RuntimeConfig {
    /// Where compiled code is kept; none compiles at each load.
    pub cache_dir: Option<PathBuf>,
    /// The limits of plugins.
    pub limits: Limits,
    /// Where calls from outside arrive.
    pub way_in: WayIn,
    /// The guards that are on: all, but in a test that proves one.
    pub guards: Guards,
}

/// What capabilities need of the rest of the host.
#[derive(Clone)]
pub struct Ports {
    /// The key-value space of plugins.
    pub storage: Arc<dyn PluginStorage>,
    /// What was set for plugins.
    pub settings: Arc<dyn PluginSettings>,
    /// Asks the person.
    pub prompter: Arc<dyn Prompter>,
    /// Writes down where secrets go that the vault does not hold.
    pub secret_uses: Arc<dyn SecretUses>,
    /// Finds the addresses of names.
    pub resolver: Arc<dyn Resolver>,
    /// The way to other hosts.
    pub way_out: Arc<WayOut>,
    /// Authenticates compiled code with a key of this device.
    pub code: Arc<dyn CodeAuthenticator>,
    /// Tells plugins the time.
    pub clock: Arc<dyn Clock>,
    /// Tells plugins the time zone.
    pub zone: Arc<dyn TimeZone>,
    /// The tree of folders and connections, for the plugin that is loaded.
    pub connections: Arc<dyn ConnectionTree>,
    /// The finished recordings, for the plugin that is loaded.
    pub recordings: Arc<dyn RecordingArchive>,
    /// The own secrets of the plugin that is loaded.
    pub secrets: Arc<dyn PluginSecrets>,
    /// Writes down what the plugin that is loaded does to the machine.
    pub machine_uses: Arc<dyn UseLog>,
    /// What happened in the host.
    pub events: Arc<dyn EventHistory>,
}

/// Runs plugins. Clones share all but their ports.
#[derive(Clone)]
pub struct Runtime {
    ports: Ports,
    engines: Arc<Engines>,
}

/// What is costly to have twice.
struct Engines {
    limits: Limits,
    guards: Guards,
    cache: Option<CodeCache>,
    ticker: Arc<Ticker>,
    endpoint: Arc<Endpoint>,
    /// None where the address space is too small for a pool.
    pooled: Option<Arc<House>>,
    /// Started when a plugin first needs it.
    unpooled: Mutex<Option<Arc<House>>>,
}

impl Runtime {
    /// Starts the engine.
    ///
    /// # Errors
    /// Fails where the engine or its clock can't start.
    pub fn new(config: RuntimeConfig, ports: Ports) -> Result<Self, RuntimeError> {
        let ticker = Arc::new(Ticker::start().map_err(RuntimeError::Ticker)?);
        let pooled = match House::pooled(&config.limits) {
            Ok(house) => Some(Arc::new(house)),
            Err(error) => {
                tracing::warn!(%error, "there is no room for a pool of instances; calls will be slower");
                None
            }
        };
        pooled.iter().for_each(|house| ticker.add(&house.engine));
        let cache = config.cache_dir.map(|directory| CodeCache::new(directory, Arc::clone(&ports.code)));
        let RuntimeConfig { limits, guards, way_in, .. } = config;
        let endpoint = Arc::new(Endpoint::new(way_in));
        let unpooled = Mutex::new(None);
        let engines = Engines { limits, guards, cache, ticker, endpoint, pooled, unpooled };
        Ok(Self { ports, engines: Arc::new(engines) })
    }

    /// Returns the same runtime with other ports, for plugins that are loaded through it from now on. Compiled code stays
    /// authenticated by the port that the runtime was started with.
    #[must_use]
    pub fn with_ports(&self, ports: Ports) -> Self {
        Self { ports, engines: Arc::clone(&self.engines) }
    }

    /// Loads a plugin whose file was inspected and checked. `digest` is the SHA-256 digest of `bytes` as it was checked,
    /// written `sha256:<hex>`. Compiling takes about 2 s per MB where the cache does not have it. Runs no guest code.
    ///
    /// # Errors
    /// The bytes are not the ones that were checked, are no component, import what they may not, or lack what the
    /// manifest promises.
    pub fn load(
        &self,
        manifest: &Manifest,
        digest: &str,
        bytes: &[u8],
        grants: Grants,
    ) -> Result<Plugin, LoadError> {
        let component_digest: [u8; 32] = Sha256::digest(bytes).into();
        let found = format!("sha256:{}", hex(&component_digest));
        if digest != found {
            return Err(LoadError::Digest { expected: digest.to_owned(), found });
        }
        check_declared(manifest)?;
        let (house, component) = self.engines.component(component_digest, bytes)?;
        for (name, _) in component.component_type().imports(&house.engine) {
            match check_import(&Import::parse(name), manifest) {
                Err(ApiError::NotAsked { .. }) if !self.engines.guards.on(Guard::Asked) => {}
                checked => checked?,
            }
        }
        let pre =
            house.linker.instantiate_pre(&component).map_err(|error| LoadError::Link(describe(&error)))?;
        let foundation = Foundation {
            house,
            ticker: Arc::clone(&self.engines.ticker),
            ports: &self.ports,
            endpoint: &self.engines.endpoint,
            limits: &self.engines.limits,
            guards: self.engines.guards,
        };
        let exports: Vec<String> = component
            .component_type()
            .exports(&foundation.house.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        Plugin::new(manifest, grants, foundation, pre, &exports)
    }
}

impl Engines {
    /// Compiles a component, or takes its code from the cache, for the first engine that it fits.
    fn component(&self, digest: [u8; 32], bytes: &[u8]) -> Result<(Arc<House>, Component), LoadError> {
        if let Some(house) = &self.pooled {
            let code = self.code(house, digest, bytes)?;
            match code.component(&house.engine) {
                Ok(component) => return Ok((Arc::clone(house), component)),
                Err(error) => tracing::info!(reason = describe(&error), "a plugin runs without the pool"),
            }
        }
        let house = self.unpooled()?;
        let code = self.code(&house, digest, bytes)?;
        let component =
            code.component(&house.engine).map_err(|error| LoadError::Compile(describe(&error)))?;
        Ok((house, component))
    }

    fn code(&self, house: &House, digest: [u8; 32], bytes: &[u8]) -> Result<TrustedCode, LoadError> {
        let key = CodeKey::new(digest, &house.engine);
        if let Some(code) = self.cache.as_ref().and_then(|cache| cache.get(&key)) {
            return Ok(code);
        }
        let code = TrustedCode::compile(&house.engine, bytes)
            .map_err(|error| LoadError::Compile(describe(&error)))?;
        if let Some(cache) = &self.cache {
            cache.put(&key, &code);
        }
        Ok(code)
    }

    fn unpooled(&self) -> Result<Arc<House>, RuntimeError> {
        let mut unpooled = self.unpooled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(house) = unpooled.as_ref() {
            return Ok(Arc::clone(house));
        }
        let house = Arc::new(House::unpooled(&self.limits)?);
        self.ticker.add(&house.engine);
        Ok(Arc::clone(unpooled.insert(house)))
    }
}

/// Writes an error of the engine in one line.
pub(crate) fn describe(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    crate::text::line(text.lines().next().unwrap_or_default(), 500).into_owned()
}
