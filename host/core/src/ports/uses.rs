//! What a plugin does to the machine, written down.

use super::PortError;

/// Writes down uses of capabilities that a person would want to know of, for one plugin.
pub trait UseLog: Send + Sync {
    /// Writes down what is about to happen, durably. What can't be written down must not happen.
    ///
    /// # Errors
    /// Fails where it can't be written down.
    fn note(&self, capability: &str, what: &str) -> Result<(), PortError>;
}
