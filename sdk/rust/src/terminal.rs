//! The terminal of a session that the plugin drives (capability `terminal`). What is shown passes through the host, so it is
//! recorded.
//!
//! In a native build the call answers `unavailable`.

use crate::types::CapabilityError;

/// Shows bytes, at most 1 MiB, as the remote end sent them; waits while the terminal takes no more.
///
/// # Errors
/// `denied` without the grant, `unavailable` where no session is driven.
pub fn show(bytes: &[u8]) -> Result<(), CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::terminal::terminal::show(bytes);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = bytes;
        Err(crate::types::no_host())
    }
}
