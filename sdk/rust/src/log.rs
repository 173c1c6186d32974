//! Lines in the host's log, under the plugin's id (capability `log`).
//!
//! A line is cut at 4 KiB, its control characters are replaced, and a call may write 1000 lines. Without the grant the
//! lines are dropped. In a native build they go to the standard error. Never log a secret or a user's data.

use std::fmt::Display;

/// Writes what helps to follow every step.
pub fn trace(message: impl Display) {
    write(Level::Trace, &message);
}

/// Writes what helps to find a fault.
pub fn debug(message: impl Display) {
    write(Level::Debug, &message);
}

/// Writes what an administrator may want to know.
///
/// ```
/// let rows = 3;
/// ostler_sdk::log::info(format_args!("read {rows} rows"));
/// ```
pub fn info(message: impl Display) {
    write(Level::Info, &message);
}

/// Writes what may be wrong.
pub fn warn(message: impl Display) {
    write(Level::Warn, &message);
}

/// Writes what went wrong.
pub fn error(message: impl Display) {
    write(Level::Error, &message);
}

use crate::bindings::capabilities::ostler::log::log::Level;

#[cfg(target_family = "wasm")]
fn write(level: Level, message: &dyn Display) {
    crate::bindings::capabilities::ostler::log::log::write(level, &message.to_string());
}

#[cfg(not(target_family = "wasm"))]
fn write(level: Level, message: &dyn Display) {
    use std::io::Write as _;
    // A test without a standard error loses its log, nothing else.
    writeln!(std::io::stderr(), "{level:?}: {message}").unwrap_or_default();
}
