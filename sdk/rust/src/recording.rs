//! Recordings: markers in the one that is being made (capability `recording.annotate`), and reading finished ones (capability
//! `recording.read`).
//!
//! What a person typed is in no recording that a plugin reads, and that a plugin reads one is written to the audit log before. In a
//! native build every call answers `unavailable`.

#[cfg(not(target_family = "wasm"))]
use self::no_host as host;
pub use crate::store_bindings::ostler::recording::read::{
    Chunk, Filter, Happening, Moment, Page, Recording, Size,
};
use crate::types::CapabilityError;

impl Filter {
    /// Asks for the recordings of all connections in a folder and below it; the empty path for all that the grant covers.
    pub fn under(path: impl Into<String>) -> Self {
        Self { under: path.into(), connection: None, since_micros: None, until_micros: None }
    }

    /// Asks for those of one connection only, by its id.
    #[must_use]
    pub fn connection(self, id: impl Into<String>) -> Self {
        Self { connection: Some(id.into()), ..self }
    }
}

/// Puts a marker of at most 1024 bytes into the recording of the session that is driven, behind all that was shown so far. It
/// stands there under the plugin's id. Where the session is not recorded, it is nowhere.
///
/// # Errors
/// `denied` without the grant, `unavailable` without a session, `limit` beyond 1000 markers in a session.
pub fn mark(text: &str) -> Result<(), CapabilityError> {
    host::mark(text)
}

/// Returns finished recordings, the oldest first, a page at once; `after` is the `next` of the page before.
///
/// # Errors
/// `denied` without the grant or for a folder that it does not cover, `limit` beyond 10,000 questions in a call.
pub fn list(filter: &Filter, after: Option<&str>) -> Result<Page, CapabilityError> {
    host::list_recordings(filter, after)
}

/// Returns what happened in a finished recording from a moment on, which is 0 at its beginning.
///
/// # Errors
/// As [`list`]; `invalid` where there is no such finished recording.
pub fn moments(id: &str, first: u64) -> Result<Chunk, CapabilityError> {
    host::read_moments(id, first)
}

/// Returns all that a finished recording shows, as the bytes that came.
///
/// # Errors
/// As [`moments`].
pub fn output(id: &str) -> Result<Vec<u8>, CapabilityError> {
    let (mut shown, mut first) = (Vec::new(), Some(0));
    while let Some(at) = first {
        let chunk = moments(id, at)?;
        for moment in chunk.moments {
            if let Happening::Output(bytes) = moment.what {
                shown.extend(bytes);
            }
        }
        first = chunk.next;
    }
    Ok(shown)
}

#[cfg(target_family = "wasm")]
mod host {
    //! What a component calls.
    pub(super) use crate::store_bindings::ostler::recording::annotate::mark;
    pub(super) use crate::store_bindings::ostler::recording::read::{list_recordings, read_moments};
}

#[cfg(not(target_family = "wasm"))]
mod no_host {
    //! What a native build calls.
    use super::{Chunk, Filter, Page};
    use crate::types::{CapabilityError, no_host};

    pub(super) fn mark(_: &str) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn list_recordings(_: &Filter, _: Option<&str>) -> Result<Page, CapabilityError> {
        Err(no_host())
    }

    pub(super) fn read_moments(_: &str, _: u64) -> Result<Chunk, CapabilityError> {
        Err(no_host())
    }
}
