//! Which secrets a call may use (capability `secrets.use`).
//!
//! A secret is named by its slot and never read: a launcher puts the name into a plan, and the host puts the secret into
//! the protocol where the secret's sinks allow it. In a native build the call answers `unavailable`.

use crate::types::{CapabilityError, Slot};

/// Returns the slots that this call may name.
///
/// # Errors
/// `denied` without the grant.
pub fn slots() -> Result<Vec<Slot>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::secrets::use_slots::slots();
    #[cfg(not(target_family = "wasm"))]
    return Err(crate::types::no_host());
}
