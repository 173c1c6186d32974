//! The time with the time zone of the machine, and waits that are not charged (capability `clock`).
//!
//! `std::time` works without this capability, in UTC only, and what it sleeps is charged. All waits of one call together last at
//! most a minute by default. In a native build every call answers `unavailable`.

use std::time::Duration;

pub use crate::store_bindings::ostler::clock::clock::WallTime;
use crate::types::CapabilityError;

/// Returns the time on the wall clock, with the offset of the machine's time zone.
///
/// # Errors
/// `denied` without the grant.
pub fn now() -> Result<WallTime, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::store_bindings::ostler::clock::clock::now();
    #[cfg(not(target_family = "wasm"))]
    return Err(crate::types::no_host());
}

/// Returns the time since some fixed moment; it never runs backwards.
///
/// # Errors
/// `denied` without the grant.
pub fn monotonic() -> Result<Duration, CapabilityError> {
    #[cfg(target_family = "wasm")]
    return crate::store_bindings::ostler::clock::clock::monotonic_nanos().map(Duration::from_nanos);
    #[cfg(not(target_family = "wasm"))]
    return Err(crate::types::no_host());
}

/// Waits, to the millisecond.
///
/// # Errors
/// `denied` without the grant; `limit`, before it begins, where the waits of this call would be too long together.
pub fn sleep(time: Duration) -> Result<(), CapabilityError> {
    let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    #[cfg(target_family = "wasm")]
    return crate::store_bindings::ostler::clock::clock::sleep(milliseconds);
    #[cfg(not(target_family = "wasm"))]
    return Err(no_host(milliseconds));
}

#[cfg(not(target_family = "wasm"))]
fn no_host(_: u32) -> CapabilityError {
    crate::types::no_host()
}
