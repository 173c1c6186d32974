//! Native plugins: shared libraries with a C ABI, each call in a process of its own.
//!
//! The library never runs in the host. The host starts its own program anew as a child that inherits no file and no
//! variable, shuts itself in ([`confine`]), and only then loads the library from the bytes that the host has checked. One call,
//! one child: whatever it breaks is gone with it, and nothing lasts from one call to the next. Who may be loaded at all is for
//! policy to say, and was decided before.

mod child;
mod confine;
mod fuzzing;
mod parent;
mod wire;

pub use child::native_child;
pub use fuzzing::{NativeTalk, native_frame, take_native_talk};
pub use ostler_plugin_api::{NativeDescription, NativeEntry, NativeRequirement};
pub use parent::{NativeError, NativePlugin, NativeSetup};
