//! Byte streams to the target of the session that the plugin drives, or to granted hosts (capability `net`).
//!
//! The host opens the wire and does TLS. In a native build every call answers `unavailable`.

use crate::types::Endpoint;

pub use crate::bindings::capabilities::ostler::net::net::{NetError, TlsOptions, Wire};

/// Opens a connection; a call may have 8 at once.
///
/// # Errors
/// `refused` without the grant, or for a host that it does not cover; `unreachable` where nothing answers.
pub fn connect(target: &Endpoint) -> Result<Wire, NetError> {
    #[cfg(target_family = "wasm")]
    return crate::bindings::capabilities::ostler::net::net::connect(target);
    #[cfg(not(target_family = "wasm"))]
    {
        let _ = target;
        Err(NetError::Refused(crate::types::no_host()))
    }
}

impl NetError {
    /// Returns what went wrong, in the host's words.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Refused(error) => error.reason(),
            Self::Unreachable(reason) | Self::Tls(reason) | Self::Lost(reason) => reason,
            Self::Closed => "the wire is closed",
        }
    }
}
