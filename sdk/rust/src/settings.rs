//! What the user or an administrator set for this plugin (capability `settings`).
//!
//! Values fit the schema in the manifest's `settings` table; one that was not set has the schema's `default`. Settings of
//! a connection are something else: a launcher gets those with its request. In a native build every call answers
//! `unavailable`.

use crate::types::{CapabilityError, Setting, SettingValue};

/// Returns one setting: what was set, else the manifest's default, else none.
///
/// # Errors
/// `denied` without the grant, `unavailable` if the store can't be read.
pub fn get(key: &str) -> Result<Option<SettingValue>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::settings::settings::get(key);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(key));
}

/// Returns all settings that have a value.
///
/// # Errors
/// As [`get`].
pub fn all() -> Result<Vec<Setting>, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::settings::settings::all();
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(""));
}

#[cfg(not(target_family = "wasm"))]
fn no_host(_: &str) -> CapabilityError {
    crate::types::no_host()
}
