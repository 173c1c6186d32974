//! What one plugin does to the machine, in the audit log.

use std::sync::Weak;

use ostler_audit::{EventClass, Outcome, PluginRef};
use ostler_core::{PortError, UseLog};
use ostler_vault::VaultError;

use super::port_error;
use crate::host::Shared;

/// Audits under a plugin's name.
pub(crate) struct MachineUses {
    pub(crate) shared: Weak<Shared>,
    pub(crate) plugin: PluginRef,
}

impl UseLog for MachineUses {
    fn note(&self, capability: &str, what: &str) -> Result<(), PortError> {
        let shared = self.shared.upgrade().ok_or_else(|| port_error(VaultError::Locked))?;
        let mut event = shared.audit.event(EventClass::CapabilityUse, Outcome::Success);
        event.plugin = Some(self.plugin.clone());
        event.capability = Some(capability.to_owned());
        event.details.insert("what".to_owned(), what.to_owned());
        shared.audit.write(&event).map_err(|error| PortError(error.to_string()))
    }
}
