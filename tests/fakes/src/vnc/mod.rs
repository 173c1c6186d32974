//! What a VNC server says: pictures, encoders of every encoding, and whole sessions as bytes.
//!
//! The encoders choose among all that an encoding allows, at random and not to be small: what a client reads is to be met at least
//! once. No server listens here; what is said does not depend on what the client answers.

mod encoder;
mod picture;
mod script;
mod tiles;

pub use encoder::{Encoder, Encoding};
pub use picture::{Picture, Rect};
pub use script::Script;
