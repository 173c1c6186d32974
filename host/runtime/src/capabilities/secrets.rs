//! Capability `secrets.use`: naming the slots of a call without reading what is in them, answering a challenge with one, sending one
//! into the session's wire. `http` fills slots into requests by way of it.
//!
//! Here is no function that returns a byte of a secret, and no secret is kept: a slot is a name. What a plan does with
//! the names is checked when the plan is returned ([`SecretsUse::check_named`]); where a secret may go is checked again,
//! by its sinks, when it is injected, and written down before.

use std::sync::Arc;

use ostler_core::{
    ChallengeAlgorithm, InjectError, SecretBytes, SecretField, SecretInjector, SessionPlan, Sink,
    SlotDescription, SlotName,
};
use ostler_plugin_api::{Capability, Guard};
use wasmtime::component::{HasData, Linker, Resource};

use super::ostler::secrets::use_slots as wit;
use super::ostler::types::types::CapabilityError;
use super::secrets_0_2::ostler::secrets::{use_slots as wit_0_2, wire_slots};
use super::secrets_store::StoredSlots;
use super::wire::Wire;
use super::{CallChain, Gate, HostCapability, Setup, net, prompt, slot_to_wit};
use crate::PluginError;
use crate::instance::State;
use crate::kinds::driver::DriveContext;

/// Challenges that one call answers, as the WIT document says.
const MOST_ANSWERS: u32 = 16;
/// Bytes behind a secret that is sent, as the WIT document says.
const LONGEST_ENDING: usize = 16;

/// The capability of one plugin.
pub(crate) struct SecretsUse {
    gate: Gate,
    stored: StoredSlots,
}

/// The slots of one call.
pub(crate) struct Instance {
    own: Arc<SecretsUse>,
    offered: Vec<SlotDescription>,
    drive: Option<Arc<DriveContext>>,
    /// What opens the slots of the call, where it opens any.
    injector: Option<Arc<dyn SecretInjector>>,
    answered: u32,
}

impl HostCapability for SecretsUse {
    const CAPABILITY: Capability = Capability::SecretsUse;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, view)?;
        wit_0_2::add_to_linker::<State, Access>(linker, view)?;
        wire_slots::add_to_linker::<State, Access>(linker, view)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self { gate: Gate::new(Self::CAPABILITY, setup), stored: StoredSlots::new(setup) }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            offered: chain.slots.to_vec(),
            drive: chain.drive.cloned(),
            injector: chain.secrets.or(chain.drive.map(|drive| &drive.secrets)).cloned(),
            answered: 0,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = View<'a>;
}

fn view(state: &mut State) -> View<'_> {
    View {
        own: &mut state.capabilities.secrets,
        prompt: &state.capabilities.prompt,
        net: &mut state.capabilities.net,
    }
}

struct View<'a> {
    own: &'a mut Instance,
    prompt: &'a prompt::Instance,
    net: &'a mut net::Instance,
}

impl View<'_> {
    fn offered(&self) -> Result<Vec<SlotDescription>, CapabilityError> {
        self.own.own.gate.pass()?;
        let prompted = self
            .prompt
            .prompted_slots()
            .map(|name| SlotDescription { name: name.clone(), field: SecretField::Password });
        let stored = self.own.own.stored.all();
        Ok(self.own.offered.iter().cloned().chain(prompted).chain(stored).collect())
    }

    /// Finds a slot of this session, and the place that its secret goes to there.
    fn place(&self, slot: &str) -> Result<(SlotName, Sink, Arc<DriveContext>), CapabilityError> {
        self.own.own.gate.pass()?;
        let Some(drive) = &self.own.drive else {
            return Err(CapabilityError::Unavailable("there is no session".to_owned()));
        };
        let invalid = |error: ostler_core::SlotNameError| CapabilityError::Invalid(error.to_string());
        let slot = SlotName::new(slot).map_err(invalid)?;
        let offered = self.own.offered.iter().find(|offered| offered.name == slot).cloned();
        let known = offered.or_else(|| self.own.own.stored.all().into_iter().find(|own| own.name == slot));
        if known.is_none() {
            self.own
                .own
                .gate
                .refuse(Guard::Offered, format!("this call was not offered the slot '{slot}'"))?;
        }
        let sink = Sink {
            protocol: drive.protocol.clone(),
            host: drive.target.host.clone(),
            port: drive.target.port,
            field: known.map_or(SecretField::Password, |known| known.field),
        };
        Ok((slot, sink, Arc::clone(drive)))
    }

    fn refused(&self, error: &InjectError) -> CapabilityError {
        self.own.own.refused(error)
    }
}

impl Instance {
    /// Lets other capabilities fill secrets in, where the plugin may use any.
    pub(super) fn pass(&self) -> Result<(), CapabilityError> {
        self.own.gate.pass()
    }

    /// Opens a slot of the call or of the plugin's own compartment for one place, as far as its sinks allow that. That it is used is
    /// written down before.
    pub(super) fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, CapabilityError> {
        if !self.offered.iter().any(|offered| offered.name == *slot) && !self.own.stored.has(slot) {
            self.own.gate.refuse(Guard::Offered, format!("this call was not offered the slot '{slot}'"))?;
        }
        let Some(injector) = &self.injector else {
            return Err(CapabilityError::Unavailable("this call opens no secrets".to_owned()));
        };
        injector.inject(slot, sink).map_err(|error| self.own.refused(&error))
    }
}

impl wit::Host for View<'_> {
    fn slots(&mut self) -> Result<Vec<wit::Slot>, CapabilityError> {
        Ok(self.offered()?.iter().filter_map(slot_to_wit).collect())
    }
}

impl wit_0_2::Host for View<'_> {
    async fn slots(&mut self) -> Result<Vec<wit_0_2::Slot>, CapabilityError> {
        let slot = |slot: &SlotDescription| wit_0_2::Slot {
            name: slot.name.to_string(),
            field: slot.field.name().to_owned(),
        };
        Ok(self.offered()?.iter().map(slot).collect())
    }

    async fn answer(
        &mut self,
        slot: String,
        algorithm: String,
        challenge: Vec<u8>,
    ) -> Result<Vec<u8>, CapabilityError> {
        let (slot, sink, drive) = self.place(&slot)?;
        let known = ChallengeAlgorithm::ALL.into_iter().find(|known| known.name() == algorithm);
        let algorithm = known.ok_or_else(|| {
            let names = ChallengeAlgorithm::ALL.map(ChallengeAlgorithm::name).join(", ");
            CapabilityError::Invalid(format!("there is no such algorithm; there are: {names}"))
        })?;
        if !algorithm.takes(challenge.len()) {
            let reason = format!("'{}' takes no challenge of {} bytes", algorithm.name(), challenge.len());
            return Err(CapabilityError::Invalid(reason));
        }
        if self.own.answered == MOST_ANSWERS {
            return Err(CapabilityError::Limit(format!("a call answers at most {MOST_ANSWERS} challenges")));
        }
        self.own.answered += 1;
        drive.secrets.answer(&slot, &sink, algorithm, &challenge).map_err(|error| self.refused(&error))
    }
}

impl wire_slots::Host for View<'_> {
    async fn send(
        &mut self,
        slot: String,
        to: Resource<Wire>,
        ending: Vec<u8>,
    ) -> Result<(), CapabilityError> {
        let (slot, sink, drive) = self.place(&slot)?;
        if ending.len() > LONGEST_ENDING {
            return Err(CapabilityError::Limit(format!("an ending has at most {LONGEST_ENDING} bytes")));
        }
        if !self.net.leads_to_target(&to) {
            let reason = "a secret goes into a wire to this session's target only".to_owned();
            self.own.own.gate.refuse(Guard::Wire, reason)?;
        }
        let secret = drive.secrets.inject(&slot, &sink).map_err(|error| self.refused(&error))?;
        self.net.send_secret(&to, secret, &ending).await
    }
}

impl SecretsUse {
    fn refused(&self, error: &InjectError) -> CapabilityError {
        match error {
            InjectError::NoSuchSlot { .. } | InjectError::WrongSink { .. } => {
                self.gate.denied(error.to_string())
            }
            InjectError::NotAudited { .. } | InjectError::Unreadable { .. } => {
                CapabilityError::Unavailable(error.to_string())
            }
        }
    }

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
        let known = |slot: &SlotName| {
            prompted.contains(&slot)
                || offered.iter().any(|offered| offered.name == *slot)
                || self.stored.has(slot)
        };
        match named.iter().find(|slot| !known(slot)) {
            Some(slot) => Err(refused(format!("its plan uses '{slot}', which this launch does not offer"))),
            None => Ok(()),
        }
    }
}
