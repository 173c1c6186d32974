//! Capability `storage`: a key-value space of the plugin's own that outlives the instance.
//!
//! Keys have 1 to 128 bytes, values at most 64 KiB, and the space has a quota of keys and of bytes (keys and values
//! together). The quota is counted from the keys as they stood when the call first wrote; two calls at once may each use
//! what was left then. Never sees another plugin's space: the plugin's id is given by the host.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::{PluginStorage, PortError};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::storage::storage as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;

/// Bytes of a key, as the WIT document says.
const LONGEST_KEY: usize = 128;
/// Bytes of a value, as the WIT document says.
const LARGEST_VALUE: usize = 64 << 10;

/// The capability of one plugin.
pub(crate) struct Storage {
    gate: Gate,
    plugin: Arc<str>,
    port: Arc<dyn PluginStorage>,
    most_keys: usize,
    most_bytes: u64,
}

/// The space as one call knows it.
pub(crate) struct Instance {
    own: Arc<Storage>,
    /// The keys and the sizes of their values; read when the call first writes.
    sizes: Option<BTreeMap<String, u64>>,
}

impl HostCapability for Storage {
    const CAPABILITY: Capability = Capability::Storage;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.storage)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            port: Arc::clone(&setup.ports.storage),
            most_keys: setup.limits.storage_keys,
            most_bytes: setup.limits.storage_bytes,
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), sizes: None }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn get(&mut self, key: String) -> Result<Option<Vec<u8>>, CapabilityError> {
        self.own.gate.pass()?;
        check_key(&key)?;
        self.own.port.get(&self.own.plugin, &key).map_err(unavailable)
    }

    fn set(&mut self, key: String, value: Vec<u8>) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        check_key(&key)?;
        if value.len() > LARGEST_VALUE {
            return Err(CapabilityError::Limit("a value has at most 64 KiB".to_owned()));
        }
        let own = Arc::clone(&self.own);
        let sizes = self.sizes()?;
        own.check_quota(sizes, &key, size(value.len()))?;
        own.port.set(&own.plugin, &key, Some(&value)).map_err(unavailable)?;
        sizes.insert(key, size(value.len()));
        Ok(())
    }

    fn delete(&mut self, key: String) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        check_key(&key)?;
        self.own.port.set(&self.own.plugin, &key, None).map_err(unavailable)?;
        if let Some(sizes) = &mut self.sizes {
            sizes.remove(&key);
        }
        Ok(())
    }

    fn keys(&mut self, prefix: String) -> Result<Vec<String>, CapabilityError> {
        self.own.gate.pass()?;
        let keys = self.own.port.keys(&self.own.plugin).map_err(unavailable)?;
        let mut keys: Vec<String> =
            keys.into_iter().map(|(key, _)| key).filter(|key| key.starts_with(&prefix)).collect();
        keys.sort_unstable();
        Ok(keys)
    }
}

impl Instance {
    fn sizes(&mut self) -> Result<&mut BTreeMap<String, u64>, CapabilityError> {
        let sizes = match self.sizes.take() {
            Some(sizes) => sizes,
            None => self.own.port.keys(&self.own.plugin).map_err(unavailable)?.into_iter().collect(),
        };
        Ok(self.sizes.insert(sizes))
    }
}

impl Storage {
    fn check_quota(
        &self,
        sizes: &BTreeMap<String, u64>,
        key: &str,
        value_bytes: u64,
    ) -> Result<(), CapabilityError> {
        let others = || sizes.iter().filter(|(other, _)| *other != key);
        if others().count() >= self.most_keys {
            return Err(CapabilityError::Limit(format!("the storage has at most {} keys", self.most_keys)));
        }
        let held: u64 = others().map(|(other, bytes)| size(other.len()).saturating_add(*bytes)).sum();
        if held.saturating_add(size(key.len())).saturating_add(value_bytes) > self.most_bytes {
            return Err(CapabilityError::Limit(format!("the storage has at most {} bytes", self.most_bytes)));
        }
        Ok(())
    }
}

fn check_key(key: &str) -> Result<(), CapabilityError> {
    if (1..=LONGEST_KEY).contains(&key.len()) {
        Ok(())
    } else {
        Err(CapabilityError::Invalid("a key has 1 to 128 bytes".to_owned()))
    }
}

fn unavailable(error: PortError) -> CapabilityError {
    // The store's own words may name files of the user; they go to the log, not to the plugin.
    tracing::warn!(%error, "the storage of a plugin can't be reached");
    CapabilityError::Unavailable("the storage can't be reached now".to_owned())
}

fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
