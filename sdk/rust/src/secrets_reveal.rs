//! Reading the bytes of secrets (capability `secrets.reveal`).
//!
//! Whoever can do with [`crate::secrets`] should: a secret that is used never gets into the plugin. Each reading is written to the
//! audit log before it happens. In a native build the call answers `unavailable`.

use crate::types::CapabilityError;

/// Returns the bytes of a slot of this call. Ends with the call, as all of the plugin's memory does.
///
/// # Errors
/// `denied` without the grant or for a slot that was not offered; `unavailable` where it can't be audited, and in calls that open no
/// secrets, such as a dry run; `limit` beyond 16 in a call.
pub fn reveal(slot: &str) -> Result<Vec<u8>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::store_bindings::ostler::secrets_reveal::reveal::reveal(slot);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = slot;
        Err(crate::types::no_host())
    }
}
