//! The secrets of one launch: slots, and the places that each may go to.
//!
//! This is the guard of feature NEW-61: an engine gets a secret only for the very place that the secret's sinks name,
//! and only after the use was written down.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_audit::{AuditEvent, EventClass, Outcome, PluginRef};
use ostler_core::{
    ChallengeAlgorithm, ConnectionId, InjectError, PluginSecret, SecretBytes, SecretId, SecretInjector,
    SessionId, Sink, SlotName,
};

use ostler_vault::answer_challenge;

use crate::auditing::Auditor;
use crate::host::Shared;
use crate::offered::own_slots;
use crate::plugin_settings::is_setting;

/// Where the bytes of a slot are.
#[derive(Debug, Clone)]
pub(crate) enum Held {
    /// Sealed in the vault; opened at injection.
    Stored(SecretId),
    /// Given by the person, or acquired, for this launch.
    Given(SecretBytes),
    /// To be acquired from a credential source, once the session may open.
    ToAcquire,
}

/// One slot of a lease.
#[derive(Debug, Clone)]
pub(crate) struct LeasedSlot {
    pub(crate) held: Held,
    pub(crate) sinks: Vec<Sink>,
}

/// The secrets of one launch.
pub(crate) struct Lease {
    pub(crate) shared: Arc<Shared>,
    pub(crate) audit: Auditor,
    pub(crate) connection: ConnectionId,
    pub(crate) session: SessionId,
    /// The launcher, which may read secrets where that was granted.
    pub(crate) plugin: PluginRef,
    /// Whether it has a compartment of its own in the vault.
    pub(crate) stores: bool,
    pub(crate) slots: BTreeMap<SlotName, LeasedSlot>,
}

impl Lease {
    fn write(
        &self,
        slot: &SlotName,
        sink: &Sink,
        outcome: Outcome,
        reason: Option<String>,
    ) -> Result<(), InjectError> {
        let mut event = self.audit.event(EventClass::SecretInject, outcome);
        event.reason = reason;
        event.connection = Some(self.connection);
        event.session = Some(self.session);
        event.target = Some(format!("{}:{}", sink.host, sink.port));
        event.details.insert("slot".to_owned(), slot.to_string());
        event.details.insert("field".to_owned(), sink.field.name().to_owned());
        event.details.insert("protocol".to_owned(), sink.protocol.clone());
        self.append(slot, &event)
    }

    /// Writes an event down, before what it is about happens.
    fn append(&self, slot: &SlotName, event: &AuditEvent) -> Result<(), InjectError> {
        self.audit
            .write(event)
            .map_err(|error| InjectError::NotAudited { slot: slot.clone(), cause: error.to_string() })
    }

    /// Finds a slot. What a plugin stores in its compartment it can use in the same call, and so that is looked at each time.
    fn leased(&self, slot: &SlotName) -> Option<LeasedSlot> {
        if !PluginSecret::names(slot) {
            return self.slots.get(slot).cloned();
        }
        let vault = self.shared.vault().ok().filter(|_| self.stores)?;
        own_slots(&vault, &self.plugin.id).ok()?.remove(slot)
    }

    fn open(&self, slot: &SlotName, held: &Held) -> Result<SecretBytes, InjectError> {
        match held {
            Held::Given(bytes) => Ok(bytes.clone()),
            Held::ToAcquire => Err(InjectError::Unreadable {
                slot: slot.clone(),
                cause: "the credential source did not give it".to_owned(),
            }),
            Held::Stored(id) => self
                .shared
                .vault()
                .and_then(|vault| vault.open_secret(*id))
                .map(|secret| secret.bytes)
                .map_err(|error| InjectError::Unreadable { slot: slot.clone(), cause: error.to_string() }),
        }
    }
}

impl SecretInjector for Lease {
    fn answer(
        &self,
        slot: &SlotName,
        sink: &Sink,
        algorithm: ChallengeAlgorithm,
        challenge: &[u8],
    ) -> Result<Vec<u8>, InjectError> {
        let secret = self.inject(slot, sink)?;
        answer_challenge(&secret, algorithm, challenge).ok_or_else(|| InjectError::Unreadable {
            slot: slot.clone(),
            cause: "the challenge has a length that its algorithm does not take".to_owned(),
        })
    }

    fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, InjectError> {
        let Some(leased) = self.leased(slot) else {
            let error = InjectError::NoSuchSlot { slot: slot.clone() };
            self.write(slot, sink, Outcome::Denied, Some(error.to_string()))?;
            return Err(error);
        };
        if !leased.sinks.iter().any(|allowed| allowed.same_place(sink)) {
            let error = InjectError::WrongSink { slot: slot.clone(), sink: sink.clone() };
            self.write(slot, sink, Outcome::Denied, Some(error.to_string()))?;
            return Err(error);
        }
        self.write(slot, sink, Outcome::Success, None)?;
        self.open(slot, &leased.held)
    }

    fn reveal(&self, slot: &SlotName, given: Option<&SecretBytes>) -> Result<SecretBytes, InjectError> {
        let mut event = self.audit.event(EventClass::SecretReveal, Outcome::Success);
        event.plugin = Some(self.plugin.clone());
        event.connection = Some(self.connection);
        event.session = Some(self.session);
        event.details.insert("slot".to_owned(), slot.to_string());
        let given = given.cloned().map(Held::Given);
        // The secrets among the settings of a plugin are used where their schema says, and read by nobody.
        let readable = || self.leased(slot).filter(|_| !is_setting(slot));
        let Some(held) = given.or_else(|| readable().map(|leased| leased.held)) else {
            let error = InjectError::NoSuchSlot { slot: slot.clone() };
            event.outcome = Outcome::Denied;
            event.reason = Some(error.to_string());
            self.append(slot, &event)?;
            return Err(error);
        };
        self.append(slot, &event)?;
        self.open(slot, &held)
    }
}
