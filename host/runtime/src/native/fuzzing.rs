//! What the process of a native plugin sends, without the process. For the oracles only.

use super::parent::{description, entries, ready, reply};
use super::wire;
use super::{NativeDescription, NativeEntry, NativeError};
use ostler_plugin_api::LARGEST_NATIVE_MESSAGE;

/// What was taken of a process.
#[derive(Debug)]
pub struct NativeTalk {
    /// The answer as a list of entries.
    pub entries: Result<Vec<NativeEntry>, NativeError>,
    /// The answer as a description.
    pub description: Result<NativeDescription, NativeError>,
}

/// Takes what a process sends: that it is ready, and its answer. None where it never gets so far.
#[must_use]
pub fn take_native_talk(mut bytes: &[u8]) -> Option<NativeTalk> {
    ready(&wire::read(&mut bytes, LARGEST_NATIVE_MESSAGE).ok()?).ok()?;
    let answer = wire::read(&mut bytes, LARGEST_NATIVE_MESSAGE).ok()?;
    Some(NativeTalk {
        entries: reply(&answer).and_then(entries),
        description: reply(&answer).and_then(description),
    })
}

/// Returns the frame of a message.
#[must_use]
pub fn native_frame(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    // Memory takes everything.
    wire::write(&mut frame, message).unwrap_or_default();
    frame
}
