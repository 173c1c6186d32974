//! The desktop of a session that the plugin drives (capability `desktop`). What is shown passes through the host, so it is
//! recorded.
//!
//! Pixels are four bytes, blue, green, red and one that is not read, row by row. In a native build each call answers `unavailable`.
//!
//! ```
//! use ostler_sdk::desktop::{self, Area, Change, Size};
//! use ostler_sdk::types::CapabilityError;
//!
//! /// Shows a gray desktop with a red corner.
//! fn paint() -> Result<(), CapabilityError> {
//!     desktop::resize(Size { width: 640, height: 480 })?;
//!     desktop::show(&[
//!         Change::fill(Area { x: 0, y: 0, width: 640, height: 480 }, [128, 128, 128]),
//!         Change::fill(Area { x: 0, y: 0, width: 20, height: 20 }, [0, 0, 255]),
//!     ])
//! }
//! # assert!(matches!(paint(), Err(CapabilityError::Unavailable(_))), "there is no host here");
//! ```

#[cfg(not(target_family = "wasm"))]
use self::no_host as host;
#[cfg(target_family = "wasm")]
use crate::bindings::capabilities::ostler::desktop::desktop as host;
pub use crate::bindings::capabilities::ostler::desktop::desktop::{
    Area, Change, Copied, Fill, Pixels, Point, Shape, Size,
};
use crate::types::CapabilityError;

impl Change {
    /// Puts pixels into an area, four bytes for each.
    #[must_use]
    pub fn pixels(at: Area, bytes: Vec<u8>) -> Self {
        Self::Pixels(Pixels { at, bytes })
    }

    /// Copies what stands at another place of the desktop.
    #[must_use]
    pub fn copy(origin: Point, to: Area) -> Self {
        Self::Copy(Copied { origin, to })
    }

    /// Fills an area with one color: blue, green and red.
    #[must_use]
    pub fn fill(at: Area, [blue, green, red]: [u8; 3]) -> Self {
        Self::Fill(Fill { at, blue, green, red })
    }
}

/// Gives the desktop a size: what fits stays, the rest is black. Until it has one nothing can be shown.
///
/// # Errors
/// `denied` without the grant, `unavailable` where no session is driven, `invalid` for a size that no desktop has.
pub fn resize(size: Size) -> Result<(), CapabilityError> {
    host::resize(size)
}

/// Shows changes, in their order, as one update; waits while nothing more can be shown.
///
/// # Errors
/// As [`resize`]; `invalid` for an area that is not on the desktop, `limit` beyond 4096 changes and 64 MiB of pixels.
pub fn show(changes: &[Change]) -> Result<(), CapabilityError> {
    host::show(changes)
}

/// Gives the pointer a picture; none makes it invisible.
///
/// # Errors
/// As [`resize`]; `invalid` for one that is larger than 256 pixels in a direction.
pub fn pointer(shape: Option<&Shape>) -> Result<(), CapabilityError> {
    host::pointer(shape)
}

/// Passes the server's clipboard on, at most 1 MiB.
///
/// # Errors
/// As [`resize`]; `limit` for one that is larger.
pub fn clipboard(text: &str) -> Result<(), CapabilityError> {
    host::clipboard(text)
}

/// Rings a bell.
///
/// # Errors
/// As [`resize`].
pub fn bell() -> Result<(), CapabilityError> {
    host::bell()
}

#[cfg(not(target_family = "wasm"))]
mod no_host {
    //! What a native build calls.
    use super::{Change, Shape, Size};
    use crate::types::{CapabilityError, no_host};

    pub(super) fn resize(_: Size) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn show(_: &[Change]) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn pointer(_: Option<&Shape>) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn clipboard(_: &str) -> Result<(), CapabilityError> {
        Err(no_host())
    }

    pub(super) fn bell() -> Result<(), CapabilityError> {
        Err(no_host())
    }
}
