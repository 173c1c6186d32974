//! Which secrets a call may use (capability `secrets.use`).
//!
//! A secret is named by its slot and never read: a launcher puts the name into a plan, a driver sends it or answers a challenge with
//! it, and the host puts the secret into the protocol where the secret's sinks allow it. In a native build every call answers
//! `unavailable`.

use crate::net::Wire;
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

/// Answers a challenge of the driven session's server with the secret of a slot as the key: `vnc-des` (16 bytes) or `hmac-sha-256`
/// (1 to 4096 bytes). A call answers 16 challenges.
///
/// # Errors
/// `denied` without the grant, for a slot that was not offered, or where the secret may not go to this target; `invalid` for
/// another algorithm or length; `limit` after 16.
pub fn answer(slot: &str, algorithm: &str, challenge: &[u8]) -> Result<Vec<u8>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::secrets_0_2::ostler::secrets::use_slots::answer(slot, algorithm, challenge);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = (slot, algorithm, challenge);
        Err(crate::types::no_host())
    }
}

/// Writes the secret of a slot into a wire to the driven session's target, and `ending` (at most 16 bytes, such as `\r`) behind it.
///
/// # Errors
/// As [`answer`].
pub fn send(slot: &str, to: &Wire, ending: &[u8]) -> Result<(), CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::secrets_0_2::ostler::secrets::wire_slots::send(slot, to, ending);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = (slot, to, ending);
        Err(crate::types::no_host())
    }
}
