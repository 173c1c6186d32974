//! Secrets on their way into something that a plugin describes: a request, or a program's variables and input.
//!
//! Where one may go is checked and written down first. What comes back of it is blotted out, as far as it comes back as it is.

use std::collections::BTreeMap;
use std::sync::Arc;

use ostler_core::{SecretBytes, SecretUses, Sink, SlotName};
use ostler_plugin_api::Guard;
use serde_json::Value;

use super::ostler::types::types::CapabilityError;
use super::{Gate, inbound, prompt, secrets};

/// Secrets of one name that a call holds.
const MOST_RECEIVED: usize = 1024;
/// Secrets that are shorter are not looked for in what comes back.
const SHORTEST_HIDDEN: usize = 4;

/// A secret that came back from somewhere.
pub(super) struct Received<O> {
    pub(super) bytes: SecretBytes,
    /// The only place that it may go to.
    pub(super) origin: O,
}

/// Secrets that came back in one call, by their slots.
pub(super) struct AllReceived<O>(BTreeMap<SlotName, Received<O>>);

impl<O> AllReceived<O> {
    pub(super) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes one more, and returns its slot: the name, with a number behind it where it is taken; none where there are too many.
    pub(super) fn put(&mut self, name: &str, received: Received<O>) -> Option<SlotName> {
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered).take(MOST_RECEIVED);
        let slot =
            names.find_map(|name| SlotName::new(&name).ok().filter(|slot| !self.0.contains_key(slot)))?;
        self.0.insert(slot.clone(), received);
        Some(slot)
    }
}

/// Where the secrets of a call are.
pub(super) struct Finder<'a> {
    pub(super) gate: &'a Gate,
    pub(super) plugin: &'a str,
    pub(super) uses: &'a Arc<dyn SecretUses>,
    pub(super) prompt: &'a prompt::Instance,
    pub(super) inbound: &'a inbound::Instance,
    pub(super) secrets: &'a secrets::Instance,
}

impl Finder<'_> {
    /// Finds the secret of a slot for one place, and writes the use down before it happens. `place` names it for people.
    pub(super) fn find<O: PartialEq>(
        &self,
        slot: &str,
        received: &AllReceived<O>,
        origin: &O,
        sink: &Sink,
        place: &str,
    ) -> Result<SecretBytes, CapabilityError> {
        self.secrets.pass()?;
        let invalid = |error: ostler_core::SlotNameError| CapabilityError::Invalid(error.to_string());
        let slot = SlotName::new(slot).map_err(invalid)?;
        let bytes = if let Some(received) = received.0.get(&slot) {
            if received.origin != *origin {
                let reason = format!("the secret in '{slot}' may not go to {place}");
                self.gate.refuse(Guard::Sink, reason)?;
            }
            received.bytes.clone()
        } else if let Some(bytes) = self.prompt.prompted(&slot) {
            // The person gave it to this plugin, which may send it wherever its grant reaches.
            bytes.clone()
        } else if let Some(called) = self.inbound.received().0.get(&slot) {
            // It was sent to this plugin, to be used where it leads.
            called.bytes.clone()
        } else {
            return self.secrets.inject(&slot, sink);
        };
        self.uses.write(self.plugin, &slot, sink).map_err(|error| {
            CapabilityError::Unavailable(format!("the use of '{slot}' could not be audited: {error}"))
        })?;
        Ok(bytes)
    }
}

/// What is blotted out of what comes back: all secrets that a call has sent so far, in every form in which they were sent.
#[derive(Clone, Default)]
pub(super) struct Hidden(Vec<SecretBytes>);

impl Hidden {
    pub(super) fn extend(&mut self, secrets: impl IntoIterator<Item = SecretBytes>) {
        self.0.extend(secrets);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Blots them out of a text.
    pub(super) fn blot(&self, text: String) -> String {
        let texts = self.0.iter().filter_map(SecretBytes::expose_text);
        texts.filter(|secret| secret.len() >= SHORTEST_HIDDEN).fold(text, |text, secret| {
            if text.contains(secret) { text.replace(secret, &"*".repeat(secret.len())) } else { text }
        })
    }

    /// The same in the texts of JSON values, which are returned as a JSON array.
    pub(super) fn blot_values(&self, values: Vec<Value>) -> String {
        let values = if self.is_empty() {
            values
        } else {
            values.into_iter().map(|value| self.blot_value(value)).collect()
        };
        Value::from(values).to_string()
    }

    fn blot_value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.blot(text)),
            Value::Array(items) => {
                Value::Array(items.into_iter().map(|item| self.blot_value(item)).collect())
            }
            Value::Object(members) => Value::Object(
                members
                    .into_iter()
                    .map(|(name, member)| (self.blot(name), self.blot_value(member)))
                    .collect(),
            ),
            other => other,
        }
    }
}
