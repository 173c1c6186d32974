//! A key-value space of the plugin's own, sealed in the store, that outlives the instance (capability `storage`).
//!
//! A key has 1 to 128 bytes, a value at most 64 KiB; by default a plugin has 1000 keys and 1 MiB in all. Each call is
//! durable when it returns. In a native build every call answers `unavailable`.

#[cfg(not(target_family = "wasm"))]
use self::no_host as host;
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::ostler::storage::storage as host;
use crate::types::CapabilityError;

/// Returns the value of a key, if it has one.
///
/// # Errors
/// `denied` without the grant, `invalid` for a key that can't be one, `unavailable` if the store can't be read.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, CapabilityError> {
    host::get(key)
}

/// Sets the value of a key.
///
/// # Errors
/// As [`get`]; also `limit`, which names the quota that is full.
pub fn set(key: &str, value: &[u8]) -> Result<(), CapabilityError> {
    host::set(key, value)
}

/// Deletes a key. It is no error if there is none.
///
/// # Errors
/// As [`get`].
pub fn delete(key: &str) -> Result<(), CapabilityError> {
    host::delete(key)
}

/// Returns the keys that begin with `prefix`, in byte order.
///
/// # Errors
/// As [`get`].
pub fn keys(prefix: &str) -> Result<Vec<String>, CapabilityError> {
    host::keys(prefix)
}

#[cfg(not(target_family = "wasm"))]
mod no_host {
    //! What a native build calls.
    use crate::types::{CapabilityError, no_host};

    pub(super) fn get(_: &str) -> Result<Option<Vec<u8>>, CapabilityError> {
        Err(no_host())
    }

    pub(super) fn set(_: &str, _: &[u8]) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn delete(_: &str) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn keys(_: &str) -> Result<Vec<String>, CapabilityError> {
        Err(no_host())
    }
}
