//! What happened in the host (capability `events`): to sessions, recordings, connections and folders.
//!
//! A cursor is a place in the course of events. It stays valid: kept in [`crate::storage`], it lets the next call go on where the
//! last one ended. In a native build every call answers `unavailable`.
//!
//! ```
//! use ostler_sdk::types::CapabilityError;
//! use ostler_sdk::{events, storage};
//!
//! /// Returns the names of what happened since this was last called.
//! fn news() -> Result<Vec<String>, CapabilityError> {
//!     let kept = storage::get("cursor")?.and_then(|kept| kept.try_into().ok());
//!     let mut cursor = kept.map_or_else(events::latest, |kept| Ok(u64::from_le_bytes(kept)))?;
//!     let mut names = Vec::new();
//!     loop {
//!         let batch = events::since(cursor)?;
//!         names.extend(batch.events.into_iter().map(|event| event.name));
//!         if batch.cursor == cursor {
//!             break;
//!         }
//!         cursor = batch.cursor;
//!     }
//!     storage::set("cursor", &cursor.to_le_bytes())?;
//!     Ok(names)
//! }
//! # assert!(matches!(news(), Err(CapabilityError::Unavailable(_))), "there is no host here");
//! ```

use std::time::Duration;

#[cfg(not(target_family = "wasm"))]
use self::no_host as host;
#[cfg(target_family = "wasm")]
use crate::store_bindings::ostler::events::events as host;
pub use crate::store_bindings::ostler::events::events::{Batch, Event, Outcome};
use crate::types::CapabilityError;

/// Returns the place behind all that has happened so far.
///
/// # Errors
/// `denied` without the grant, `limit` beyond 10,000 questions in a call.
pub fn latest() -> Result<u64, CapabilityError> {
    host::latest()
}

/// Returns what happened behind a place, as far as the grant covers it. While the cursor moves, there may be more.
///
/// # Errors
/// As [`latest`].
pub fn since(cursor: u64) -> Result<Batch, CapabilityError> {
    host::since(cursor)
}

/// Waits until something happened behind a place, or so long, and returns it. All such waits of one call together last at most a
/// minute by default.
///
/// # Errors
/// As [`latest`]; also `limit`, before it begins, where the waits of this call would be too long together.
pub fn next(cursor: u64, timeout: Duration) -> Result<Batch, CapabilityError> {
    host::next(cursor, u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX))
}

#[cfg(not(target_family = "wasm"))]
mod no_host {
    //! What a native build calls.
    use super::Batch;
    use crate::types::{CapabilityError, no_host};

    pub(super) fn latest() -> Result<u64, CapabilityError> {
        Err(no_host())
    }

    pub(super) fn since(_: u64) -> Result<Batch, CapabilityError> {
        Err(no_host())
    }

    pub(super) fn next(_: u64, _: u32) -> Result<Batch, CapabilityError> {
        Err(no_host())
    }
}
