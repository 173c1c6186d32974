//! What a session shows: the pixels of a desktop, changed as a session says, compared tile by tile, written as a picture.
//!
//! Pure: no I/O, no waiting, no window. Every area is checked against the size before a pixel moves; nothing here panics on
//! a change from outside.
#![warn(missing_docs)]

mod framebuffer;
mod picture;
mod screen;

pub use framebuffer::{Framebuffer, Outside, TILE};
pub use picture::png;
pub use screen::Screen;
