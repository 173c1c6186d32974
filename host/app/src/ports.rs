//! The ports of `core`, filled from the store, the configuration and the device key.

mod events;
mod network;
mod recordings;
mod secrets;
mod tree;
mod uses;
mod zone;
pub(crate) use events::AuditedEvents;
pub use network::NetworkConfiguration;
pub(crate) use network::{AuditedUses, SystemResolver};
pub(crate) use recordings::PluginRecordings;
pub(crate) use secrets::{Compartment, sinks};
pub(crate) use tree::PluginTree;
pub(crate) use uses::MachineUses;
pub(crate) use zone::MachineZone;

use std::sync::{Arc, Weak};

use ostler_core::{CodeAuthenticator, PluginSettings, PluginStorage, PortError, Settings};
use ostler_vault::{DeviceKey, Vault, VaultError};

use crate::Configuration;
use crate::host::Shared;
use crate::plugin_settings::settings_of;

/// Plugins' key-value spaces, sealed in the vault. Weak, since the host owns the runtime that owns this.
pub(crate) struct VaultStorage(pub(crate) Weak<Shared>);

impl VaultStorage {
    fn vault(&self) -> Result<Vault, VaultError> {
        self.0.upgrade().ok_or(VaultError::Locked)?.vault()
    }
}

impl PluginStorage for VaultStorage {
    fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.vault().and_then(|vault| vault.plugin_value(plugin, key)).map_err(port_error)
    }

    fn set(&self, plugin: &str, key: &str, value: Option<&[u8]>) -> Result<(), PortError> {
        self.vault().and_then(|vault| vault.set_plugin_value(plugin, key, value)).map_err(port_error)
    }

    fn keys(&self, plugin: &str) -> Result<Vec<(String, u64)>, PortError> {
        self.vault().and_then(|vault| vault.plugin_keys(plugin)).map_err(port_error)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is the shape that map_err takes")]
pub(crate) fn port_error(error: VaultError) -> PortError {
    PortError(error.to_string())
}

/// Plugins' settings, from the store and the configuration file.
pub(crate) struct PluginsSettings {
    pub(crate) configuration: Configuration,
    pub(crate) shared: Weak<Shared>,
}

impl PluginSettings for PluginsSettings {
    fn settings(&self, plugin: &str) -> Settings {
        let vault = self.shared.upgrade().ok_or(VaultError::Locked).and_then(|shared| shared.vault());
        settings_of(vault, &self.configuration, plugin)
    }
}

/// Authenticates compiled plugins with the device key.
pub(crate) struct DeviceCode(pub(crate) Arc<DeviceKey>);

impl CodeAuthenticator for DeviceCode {
    fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        self.0.mac(parts)
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        self.0.verify_mac(parts, tag)
    }
}
