//! The secrets of one plugin's own.

use super::PortError;
use crate::{SecretBytes, SecretField, Sink, SlotDescription, SlotName};

/// What the slots of a plugin's own secrets begin with.
const PREFIX: &str = "store.";

/// A secret in a plugin's compartment, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginSecret {
    /// Its name, unique among the plugin's: 1 to 48 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// Where it may go; fixed when it was stored.
    pub sinks: Vec<Sink>,
}

impl PluginSecret {
    /// Tells whether a slot is one of a plugin's own secrets.
    #[must_use]
    pub fn names(slot: &SlotName) -> bool {
        slot.as_str().starts_with(PREFIX)
    }

    /// Returns the slot that calls of the plugin may name; none where the name is none.
    #[must_use]
    pub fn slot(&self) -> Option<SlotDescription> {
        let name = SlotName::new(&format!("{PREFIX}{}", self.name)).ok()?;
        Some(SlotDescription { name, field: self.field() })
    }

    /// Returns the field that the secret is for: that of its first sink.
    #[must_use]
    pub fn field(&self) -> SecretField {
        self.sinks.first().map_or(SecretField::Password, |sink| sink.field)
    }
}

/// The compartment of one plugin. Limits are kept by the caller.
pub trait PluginSecrets: Send + Sync {
    /// Returns what is stored, by name.
    ///
    /// # Errors
    /// Fails where the store can't be read.
    fn list(&self) -> Result<Vec<PluginSecret>, PortError>;

    /// Stores a secret, durably, in the place of one of the same name, and writes that down under the plugin's name.
    ///
    /// # Errors
    /// Fails where the store can't be written, or it can't be written down.
    fn put(&self, secret: &PluginSecret, bytes: SecretBytes) -> Result<(), PortError>;

    /// Deletes a secret, and writes that down; one that is not there is no error.
    ///
    /// # Errors
    /// As [`PluginSecrets::put`].
    fn delete(&self, name: &str) -> Result<(), PortError>;
}
