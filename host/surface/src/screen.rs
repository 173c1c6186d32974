//! A desktop as a person sees it: updates appear whole.

use ostler_core::{DesktopChange, DesktopEvent, PointerShape};

use crate::{Framebuffer, Outside};

/// A desktop as a person sees it.
#[derive(Debug, Clone, Default)]
pub struct Screen {
    shown: Framebuffer,
    /// The part of an update that has come.
    coming: Vec<DesktopChange>,
    pointer: Option<PointerShape>,
}

impl Screen {
    /// Takes what the session shows, and tells whether that changed what a person sees.
    ///
    /// # Errors
    /// [`Outside`] for a change that is not on the desktop; what came of the update before it is there.
    pub fn take(&mut self, event: DesktopEvent) -> Result<bool, Outside> {
        match event {
            DesktopEvent::Size(size) => self.shown.resize(size).map(|()| true),
            DesktopEvent::Update { changes, last } => {
                self.coming.extend(changes);
                if !last {
                    return Ok(false);
                }
                let changed = !self.coming.is_empty();
                self.coming.drain(..).try_for_each(|change| self.shown.apply(&change).map(|_| ()))?;
                Ok(changed)
            }
            DesktopEvent::Pointer(shape) => {
                self.pointer = shape;
                Ok(false)
            }
            DesktopEvent::Clipboard(_) | DesktopEvent::Bell => Ok(false),
        }
    }

    /// Returns what is seen.
    #[must_use]
    pub fn shown(&self) -> &Framebuffer {
        &self.shown
    }

    /// Returns the pointer's picture.
    #[must_use]
    pub fn pointer(&self) -> Option<&PointerShape> {
        self.pointer.as_ref()
    }
}
