//! Capability `secrets.use`: naming the slots of a call without reading what is in them.
//!
//! Here is no function that returns a byte of a secret, and no secret is kept: a slot is a name. What a plan does with
//! the names is checked when the plan is returned ([`SecretsUse::check_named`]); where a secret may go is checked again,
//! by its sinks, when it is injected.

use std::sync::Arc;

use ostler_core::{SecretField, SessionPlan, SlotDescription, SlotName};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::secrets::use_slots as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup, prompt, slot_to_wit};
use crate::PluginError;
use crate::instance::State;

/// The capability of one plugin.
pub(crate) struct SecretsUse {
    gate: Gate,
}

/// The slots of one call.
pub(crate) struct Instance {
    own: Arc<SecretsUse>,
    offered: Vec<SlotDescription>,
}

impl HostCapability for SecretsUse {
    const CAPABILITY: Capability = Capability::SecretsUse;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| View {
            own: &mut state.capabilities.secrets,
            prompt: &state.capabilities.prompt,
        })
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self { gate: Gate::new(Self::CAPABILITY, setup) }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), offered: chain.slots.to_vec() }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = View<'a>;
}

struct View<'a> {
    own: &'a mut Instance,
    prompt: &'a prompt::Instance,
}

impl wit::Host for View<'_> {
    fn slots(&mut self) -> Result<Vec<wit::Slot>, CapabilityError> {
        self.own.own.gate.pass()?;
        let prompted = self
            .prompt
            .prompted_slots()
            .map(|name| SlotDescription { name: name.clone(), field: SecretField::Password });
        Ok(self.own.offered.iter().cloned().chain(prompted).map(|slot| slot_to_wit(&slot)).collect())
    }
}

impl SecretsUse {
    /// Checks that a plan names no slot without the capability, and none that the call was not offered. Counts.
    ///
    /// # Errors
    /// Names the slot that is refused.
    pub(crate) fn check_named(
        &self,
        plan: &SessionPlan,
        offered: &[SlotDescription],
        prompted: &[&SlotName],
    ) -> Result<(), PluginError> {
        let named = plan.slots();
        let Some(first) = named.first() else { return Ok(()) };
        let refused = |reason| PluginError::Refused { capability: Self::CAPABILITY, reason };
        if self.gate.pass().is_err() {
            let capability = Self::CAPABILITY.name();
            return Err(refused(format!(
                "its plan uses '{first}', and the capability '{capability}' is not granted"
            )));
        }
        let known =
            |slot: &SlotName| prompted.contains(&slot) || offered.iter().any(|offered| offered.name == *slot);
        match named.iter().find(|slot| !known(slot)) {
            Some(slot) => Err(refused(format!("its plan uses '{slot}', which this launch does not offer"))),
            None => Ok(()),
        }
    }
}
