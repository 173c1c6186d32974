//! Secrets of the plugin's own, sealed in the vault (capability `secrets.store`).
//!
//! Each names the places where it may go when it is stored, and calls of this plugin name it by its slot, `store.` and the name.
//! No function here returns a byte of one. In a native build every call answers `unavailable`.
//!
//! ```
//! use ostler_sdk::secrets_store::{self, Sink};
//! use ostler_sdk::types::{CapabilityError, SlotName};
//!
//! /// Keeps a password for one server, and returns the slot that plans may name.
//! fn keep(password: &str) -> Result<SlotName, CapabilityError> {
//!     let sink = Sink::new("ssh", "bastion.example", 22, "password");
//!     secrets_store::put("bastion", password.as_bytes(), &[sink])
//! }
//! # assert!(matches!(keep("x"), Err(CapabilityError::Unavailable(_))), "there is no host here");
//! ```

#[cfg(not(target_family = "wasm"))]
use self::no_host as host;
#[cfg(target_family = "wasm")]
use crate::store_bindings::ostler::secrets_store::store as host;
pub use crate::store_bindings::ostler::secrets_store::store::{Sink, StoredSecret};
use crate::types::{CapabilityError, SlotName};

impl Sink {
    /// Names a place: the protocol, host and port, and the field in the protocol, such as `password`.
    pub fn new(
        protocol: impl Into<String>,
        host: impl Into<String>,
        port: u16,
        field: impl Into<String>,
    ) -> Self {
        Self { protocol: protocol.into(), host: host.into(), port, field: field.into() }
    }
}

/// Stores a secret of at most 16 KiB with 1 to 16 sinks, in the place of one of the same name, and returns its slot.
///
/// # Errors
/// `denied` without the grant, `invalid` for a name or sink that can't be one, `limit` beyond 64 secrets.
pub fn put(name: &str, value: &[u8], sinks: &[Sink]) -> Result<SlotName, CapabilityError> {
    host::put(name, value, sinks)
}

/// Returns what is stored, by name.
///
/// # Errors
/// `denied` without the grant, `unavailable` if the store can't be read.
pub fn stored() -> Result<Vec<StoredSecret>, CapabilityError> {
    host::stored()
}

/// Deletes a secret. It is no error if there is none.
///
/// # Errors
/// As [`stored`].
pub fn delete(name: &str) -> Result<(), CapabilityError> {
    host::delete(name)
}

#[cfg(not(target_family = "wasm"))]
mod no_host {
    //! What a native build calls.
    use super::{Sink, StoredSecret};
    use crate::types::{CapabilityError, SlotName, no_host};

    pub(super) fn put(_: &str, _: &[u8], _: &[Sink]) -> Result<SlotName, CapabilityError> {
        Err(no_host())
    }

    pub(super) fn stored() -> Result<Vec<StoredSecret>, CapabilityError> {
        Err(no_host())
    }

    pub(super) fn delete(_: &str) -> Result<(), CapabilityError> {
        Err(no_host())
    }
}
