//! Capability `secrets.reveal`: the bytes of a slot of this call.
//!
//! The host writes down what is read before it opens it, and opens nothing that it can't write down. The instance that has read a
//! secret ends with its call, as every instance does: no other call gets its memory, and the pool gives that out zeroed.

use std::sync::Arc;

use ostler_core::{InjectError, SecretInjector, SlotDescription, SlotName};
use ostler_plugin_api::{Capability, Guard};
use wasmtime::component::{HasData, Linker};

use super::ostler::types::types::CapabilityError;
use super::secrets_store::StoredSlots;
use super::store::ostler::secrets_reveal::reveal as wit;
use super::{CallChain, Gate, HostCapability, Setup, prompt};
use crate::instance::State;

/// Secrets that one call reads, as the WIT document says.
const MOST_REVEALED: u32 = 16;

/// The capability of one plugin.
pub(crate) struct SecretsReveal {
    gate: Gate,
    stored: StoredSlots,
}

/// What one call reads.
pub(crate) struct Instance {
    own: Arc<SecretsReveal>,
    offered: Vec<SlotDescription>,
    secrets: Option<Arc<dyn SecretInjector>>,
    revealed: u32,
}

impl HostCapability for SecretsReveal {
    const CAPABILITY: Capability = Capability::SecretsReveal;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| View {
            own: &mut state.capabilities.secrets_reveal,
            prompt: &state.capabilities.prompt,
        })
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self { gate: Gate::new(Self::CAPABILITY, setup), stored: StoredSlots::new(setup) }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        let of_drive = chain.drive.map(|drive| &drive.secrets);
        Instance {
            own: Arc::clone(self),
            offered: chain.slots.to_vec(),
            secrets: chain.secrets.or(of_drive).cloned(),
            revealed: 0,
        }
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
    fn reveal(&mut self, slot: String) -> Result<Vec<u8>, CapabilityError> {
        let Instance { own, offered, secrets, revealed } = &mut *self.own;
        own.gate.pass()?;
        let invalid = |error: ostler_core::SlotNameError| CapabilityError::Invalid(error.to_string());
        let slot = SlotName::new(&slot).map_err(invalid)?;
        let prompted = self.prompt.prompted(&slot);
        let known =
            prompted.is_some() || offered.iter().any(|known| known.name == slot) || own.stored.has(&slot);
        if !known {
            own.gate.refuse(Guard::Offered, format!("this call was not offered the slot '{slot}'"))?;
        }
        let Some(secrets) = secrets else {
            return Err(CapabilityError::Unavailable("this call opens no secrets".to_owned()));
        };
        if *revealed == MOST_REVEALED {
            return Err(CapabilityError::Limit(format!("a call reads at most {MOST_REVEALED} secrets")));
        }
        *revealed += 1;
        let secret = secrets.reveal(&slot, prompted).map_err(|error| match error {
            InjectError::NoSuchSlot { .. } | InjectError::WrongSink { .. } => {
                own.gate.denied(error.to_string())
            }
            InjectError::NotAudited { .. } | InjectError::Unreadable { .. } => {
                CapabilityError::Unavailable(error.to_string())
            }
        })?;
        Ok(secret.expose().to_vec())
    }
}
