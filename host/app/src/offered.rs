//! What a launcher is offered of secrets: the lease of a plan, and the slots of the plugin's own compartment.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::{ConnectionId, LaunchRequest, PluginSecret, SecretInjector, SessionId, SlotName};
use ostler_plugin_api::Capability;
use ostler_registry::FoundPlugin;
use ostler_runtime::{PlanOutcome, Plugin, PluginError};
use ostler_vault::Vault;

use crate::auditing::plugin_ref;
use crate::lease::{Held, Lease, LeasedSlot};
use crate::plugins::plugin_id;
use crate::ports::sinks;
use crate::{AppError, Host};

impl Host {
    /// Lets a launcher plan. In a session, it may use the secrets of its slots where their sinks lead, and read them where it was granted
    /// that; a plan that is only shown opens none.
    pub(crate) async fn let_plan(
        &self,
        (found, plugin): (&FoundPlugin, &Plugin),
        request: &LaunchRequest,
        session: Option<SessionId>,
        mut slots: BTreeMap<SlotName, LeasedSlot>,
    ) -> Result<Result<PlanOutcome, PluginError>, AppError> {
        let Some(session) = session else { return Ok(plugin.plan(request).await) };
        slots.extend(self.setting_slots(found)?);
        let connection: ConnectionId = request.connection;
        let (shared, audit, plugin_ref) = (self.shared(), self.audit.clone(), plugin_ref(found));
        let lease: Arc<dyn SecretInjector> = Arc::new(Lease {
            shared,
            audit,
            connection,
            session,
            plugin: plugin_ref,
            stores: stores(found),
            slots,
        });
        Ok(plugin.plan_with(request, &lease).await)
    }

    /// Returns the slots of what a plugin stored in its own compartment, each with the places that it was stored for.
    pub(crate) fn own_slots(&self, plugin: &FoundPlugin) -> Result<BTreeMap<SlotName, LeasedSlot>, AppError> {
        if !stores(plugin) {
            return Ok(BTreeMap::new());
        }
        own_slots(&self.vault()?, &plugin_id(plugin))
    }
}

/// Tells whether a plugin has a compartment.
pub(crate) fn stores(plugin: &FoundPlugin) -> bool {
    plugin.inspection.manifest.asks(Capability::SecretsStore)
}

/// The same by the id of a plugin that has a compartment.
pub(crate) fn own_slots(vault: &Vault, plugin: &str) -> Result<BTreeMap<SlotName, LeasedSlot>, AppError> {
    let stored = vault.plugin_secrets(plugin)?;
    let slots = stored.into_iter().filter_map(|(name, secret)| {
        let sinks = sinks(&secret.rules);
        let slot = PluginSecret { name, sinks: sinks.clone() }.slot()?;
        Some((slot.name, LeasedSlot { held: Held::Stored(secret.id), sinks }))
    });
    Ok(slots.collect())
}
