//! Capability `secrets.store`: secrets of the plugin's own, sealed in the vault with the sinks that it names when it stores them.
//!
//! What is stored is offered to calls of this plugin as the slot `store.<name>`, and to no other plugin: the compartment is the
//! port's, which is made for one plugin. Never returns a byte of a secret.

use std::sync::Arc;

use ostler_core::{
    Endpoint, PluginSecret, PluginSecrets, SecretBytes, SecretField, Sink, SlotDescription, SlotName,
};
use ostler_plugin_api::Capability;
use serde::Deserialize as _;
use serde::de::IntoDeserializer as _;
use wasmtime::component::{HasData, Linker};

use super::calls::Calls;
use super::connections_read::{not_now, unavailable};
use super::ostler::types::types::CapabilityError;
use super::store::ostler::secrets_store::store as wit;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;
use crate::rights::Rights;

/// Bytes of a name, as the WIT document says: with `store.` before it, it is a slot name.
const LONGEST_NAME: usize = 48;
/// Bytes of a value, as the WIT document says: a private key fits.
const LARGEST_VALUE: usize = 16 << 10;
/// Sinks of a secret, as the WIT document says.
const MOST_SINKS: usize = 16;
/// Secrets of a plugin, as the WIT document says.
const MOST_SECRETS: usize = 64;

/// The capability of one plugin.
pub(crate) struct SecretsStore {
    gate: Gate,
    port: Arc<dyn PluginSecrets>,
    most_changes: u32,
}

/// What one call stores.
pub(crate) struct Instance {
    own: Arc<SecretsStore>,
    calls: Calls,
}

/// The slots of what a plugin has stored, for the capabilities that use them.
pub(super) struct StoredSlots {
    asked: bool,
    rights: Arc<Rights>,
    port: Arc<dyn PluginSecrets>,
}

impl StoredSlots {
    pub(super) fn new(setup: &Setup<'_>) -> Self {
        Self {
            asked: setup.manifest.asks(Capability::SecretsStore),
            rights: Arc::clone(setup.rights),
            port: Arc::clone(&setup.ports.secrets),
        }
    }

    /// Returns them all: none where the plugin may not store secrets, or the store can't be read now.
    pub(super) fn all(&self) -> Vec<SlotDescription> {
        if !self.asked || !self.rights.has(Capability::SecretsStore) {
            return Vec::new();
        }
        let stored = self.port.list().inspect_err(|error| drop(unavailable(error))).unwrap_or_default();
        stored.iter().filter_map(PluginSecret::slot).collect()
    }

    pub(super) fn has(&self, slot: &SlotName) -> bool {
        self.all().iter().any(|stored| stored.name == *slot)
    }
}

impl HostCapability for SecretsStore {
    const CAPABILITY: Capability = Capability::SecretsStore;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.secrets_store)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            port: Arc::clone(&setup.ports.secrets),
            most_changes: setup.limits.store_changes,
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), calls: Calls::at_most(self.most_changes) }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn put(
        &mut self,
        name: String,
        value: Vec<u8>,
        sinks: Vec<wit::Sink>,
    ) -> Result<String, CapabilityError> {
        // From here on the bytes wipe themselves.
        let bytes = SecretBytes::new(value);
        self.begin()?;
        check_name(&name)?;
        if bytes.expose().is_empty() {
            return Err(CapabilityError::Invalid("a secret has at least one byte".to_owned()));
        }
        if bytes.expose().len() > LARGEST_VALUE {
            return Err(CapabilityError::Limit("a secret has at most 16 KiB".to_owned()));
        }
        if sinks.is_empty() || sinks.len() > MOST_SINKS {
            return Err(CapabilityError::Invalid("a secret has 1 to 16 sinks".to_owned()));
        }
        let sinks = sinks.into_iter().map(sink_from_wit).collect::<Result<_, _>>()?;
        let secret = PluginSecret { name, sinks };
        let stored = self.own.port.list().map_err(|error| unavailable(&error))?;
        if stored.iter().filter(|other| other.name != secret.name).count() >= MOST_SECRETS {
            return Err(CapabilityError::Limit(format!("a plugin has at most {MOST_SECRETS} secrets")));
        }
        let slot = secret.slot().ok_or_else(not_now)?;
        self.own.port.put(&secret, bytes).map_err(|error| unavailable(&error))?;
        Ok(slot.name.to_string())
    }

    fn stored(&mut self) -> Result<Vec<wit::StoredSecret>, CapabilityError> {
        self.begin()?;
        let stored = self.own.port.list().map_err(|error| unavailable(&error))?;
        let secret = |secret: PluginSecret| {
            let slot = secret.slot()?.name.to_string();
            let sinks = secret.sinks.into_iter().map(sink_to_wit).collect();
            Some(wit::StoredSecret { name: secret.name, slot, sinks })
        };
        Ok(stored.into_iter().filter_map(secret).collect())
    }

    fn delete(&mut self, name: String) -> Result<(), CapabilityError> {
        self.begin()?;
        check_name(&name)?;
        self.own.port.delete(&name).map_err(|error| unavailable(&error))
    }
}

impl Instance {
    fn begin(&mut self) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        self.calls.count()
    }
}

fn check_name(name: &str) -> Result<(), CapabilityError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(fits) {
        Ok(())
    } else {
        Err(CapabilityError::Invalid("a secret's name has 1 to 48 of a-z, 0-9 and '-'".to_owned()))
    }
}

fn sink_from_wit(sink: wit::Sink) -> Result<Sink, CapabilityError> {
    let invalid = |reason: &str| CapabilityError::Invalid(format!("a sink's {reason}"));
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !(1..=32).contains(&sink.protocol.len()) || !sink.protocol.chars().all(fits) {
        return Err(invalid("protocol has 1 to 32 of a-z, 0-9 and '-'"));
    }
    let field: Result<_, serde::de::value::Error> =
        SecretField::deserialize(sink.field.as_str().into_deserializer());
    let field = field.map_err(|_| invalid("field is none that this host knows"))?;
    if sink.protocol == Sink::PROCESS && sink.host.starts_with('/') && sink.port == 0 {
        return Ok(Sink { protocol: sink.protocol, host: sink.host, port: sink.port, field });
    }
    if sink.host.is_empty() || sink.port == 0 {
        return Err(invalid("host and port must be named"));
    }
    let place = Endpoint { host: sink.host, port: sink.port };
    place.check().map_err(|fault| invalid(&format!("host {}", fault.reason)))?;
    Ok(Sink { protocol: sink.protocol, host: place.host, port: place.port, field })
}

fn sink_to_wit(sink: Sink) -> wit::Sink {
    wit::Sink {
        protocol: sink.protocol,
        host: sink.host,
        port: sink.port,
        field: sink.field.name().to_owned(),
    }
}
