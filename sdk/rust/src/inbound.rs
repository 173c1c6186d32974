//! Callbacks from outside (capability `inbound`): where a sign-in in a browser comes back to, or what another system calls.
//!
//! Of a request the plugin reads what a `[[callback]]` of its manifest names, and what that names as a secret arrives as a slot.
//!
//! ```no_run
//! use ostler_sdk::inbound::{self, ContentType};
//! use ostler_sdk::types::CapabilityError;
//!
//! # fn sign_in() -> Result<(), CapabilityError> {
//! let callback = inbound::open("sign-in")?;
//! println!("show the person a link that comes back to {}", callback.url());
//! if let Some(request) = callback.next(300_000)? {
//!     callback.answer(200, ContentType::Plain, "You can close this page.")?;
//!     for slot in &request.slots {
//!         println!("{} is a {}", slot.name, slot.field);
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! In a native build [`open`] answers `unavailable`.

use crate::types::CapabilityError;

pub use crate::machine_bindings::ostler::inbound::inbound::{
    Callback, ContentType, Projected, ReceivedSlot, Request,
};

/// Opens the callback that the manifest has for a purpose. It is closed when it is dropped.
///
/// # Errors
/// `denied` without the grant, and where the grant does not cover what is read; `invalid` for a purpose that the manifest does not have;
/// `limit` where four are open; `unavailable` where the host can't listen.
pub fn open(purpose: &str) -> Result<Callback, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::machine_bindings::ostler::inbound::inbound::open(purpose);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = purpose;
        Err(crate::types::no_host())
    }
}
