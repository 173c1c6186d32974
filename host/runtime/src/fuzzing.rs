//! A door for the oracles of `tests/oracles`: takes what the process of a native plugin sends, which only such a process can.
//!
//! Never used by a program.

pub use crate::native::{NativeTalk, native_frame, take_native_talk};
