//! The compartment of one plugin: its own secrets, sealed in the vault, audited under its name.

use std::sync::{Arc, Weak};

use ostler_audit::{EventClass, Outcome, PluginRef};
use ostler_core::{HostRule, PluginSecret, PluginSecrets, PortError, SecretBytes, SecretId, Sink, SinkRule};
use ostler_vault::{StoredSecret, Vault, VaultError};

use super::port_error;
use crate::host::Shared;

/// The secrets of one plugin.
pub(crate) struct Compartment {
    pub(crate) shared: Weak<Shared>,
    pub(crate) plugin: PluginRef,
}

impl Compartment {
    fn opened(&self) -> Result<(Arc<Shared>, Vault), PortError> {
        let shared = self.shared.upgrade().ok_or_else(|| port_error(VaultError::Locked))?;
        let vault = shared.vault().map_err(port_error)?;
        Ok((shared, vault))
    }

    fn audit(&self, shared: &Shared, class: EventClass) -> Result<(), PortError> {
        let mut event = shared.audit.event(class, Outcome::Success);
        event.plugin = Some(self.plugin.clone());
        event.details.insert("count".to_owned(), "1".to_owned());
        shared.audit.write(&event).map_err(|error| PortError(error.to_string()))
    }
}

/// Returns the places that the rules of a plugin's own secret name.
pub(crate) fn sinks(rules: &[SinkRule]) -> Vec<Sink> {
    let sink = |rule: &SinkRule| match (&rule.protocol, &rule.host) {
        (Some(protocol), HostRule::Exact { host, port }) => {
            Some(Sink { protocol: protocol.clone(), host: host.clone(), port: *port, field: rule.field })
        }
        // No plugin's secret goes wherever some connection leads.
        _ => None,
    };
    rules.iter().filter_map(sink).collect()
}

impl PluginSecrets for Compartment {
    fn list(&self) -> Result<Vec<PluginSecret>, PortError> {
        let (_, vault) = self.opened()?;
        let stored = vault.plugin_secrets(&self.plugin.id).map_err(port_error)?;
        Ok(stored
            .into_iter()
            .map(|(name, secret)| PluginSecret { name, sinks: sinks(&secret.rules) })
            .collect())
    }

    fn put(&self, secret: &PluginSecret, bytes: SecretBytes) -> Result<(), PortError> {
        let (shared, vault) = self.opened()?;
        let rule = |sink: &Sink| SinkRule {
            protocol: Some(sink.protocol.clone()),
            host: HostRule::Exact { host: sink.host.clone(), port: sink.port },
            field: sink.field,
        };
        let rules = secret.sinks.iter().map(rule).collect();
        let stored = StoredSecret { id: SecretId::random(), field: secret.field(), rules, bytes };
        vault.put_plugin_secret(&self.plugin.id, &secret.name, stored).map_err(port_error)?;
        self.audit(&shared, EventClass::VaultPut)
    }

    fn delete(&self, name: &str) -> Result<(), PortError> {
        let (shared, vault) = self.opened()?;
        if vault.delete_plugin_secret(&self.plugin.id, name).map_err(port_error)? {
            self.audit(&shared, EventClass::VaultDelete)?;
        }
        Ok(())
    }
}
