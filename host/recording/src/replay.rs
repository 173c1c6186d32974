//! Replaying a desktop: what it showed at any time of its recording.

use std::time::Duration;

use ostler_core::{DesktopPoint, PointerShape};
use ostler_surface::Framebuffer;

use crate::{DesktopRecord, RecordedEvent, RecordedEventKind};

/// A desktop that is being replayed.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    shown: Framebuffer,
    pointer: Option<PointerShape>,
    pointer_at: DesktopPoint,
    at: Duration,
}

impl Replay {
    /// Takes the next event of the recording. Returns whether what is seen changed, and false for one that is not on the
    /// desktop: nothing of it is shown.
    pub fn take(&mut self, event: &RecordedEvent) -> bool {
        self.at = self.at.max(event.at);
        let RecordedEventKind::Desktop(record) = &event.kind else { return false };
        match record {
            DesktopRecord::Size(size) => self.shown.resize(*size).is_ok(),
            DesktopRecord::Tile { at, colors } => self.shown.put_colors(*at, colors).is_ok(),
            DesktopRecord::Pointer(shape) => {
                self.pointer.clone_from(shape);
                true
            }
            DesktopRecord::PointerAt(at) => {
                self.pointer_at = *at;
                true
            }
        }
    }

    /// Returns what is seen, without the pointer.
    #[must_use]
    pub fn shown(&self) -> &Framebuffer {
        &self.shown
    }

    /// Returns the pointer's picture and place.
    #[must_use]
    pub fn pointer(&self) -> (Option<&PointerShape>, DesktopPoint) {
        (self.pointer.as_ref(), self.pointer_at)
    }

    /// Returns the time of the latest event.
    #[must_use]
    pub fn at(&self) -> Duration {
        self.at
    }
}
