//! The Remote Framebuffer protocol, the client's side (RFC 6143, and the community's rfbproto for what came later).
//!
//! Pure: bytes and what the user does go in, bytes and changes of the picture come out. Total on any bytes, in bounded memory: there is
//! no picture here, each change is handed out as soon as it is whole. Never sees a password.

mod bytes;
mod client;
mod clipboard;
mod cursor;
mod desktop;
mod fault;
mod handshake;
mod hextile;
mod inflate;
mod messages;
mod picture;
mod security;
mod tight;
mod tiles;
mod update;

pub use client::{Act, Client, Options};
pub use fault::Fault;
pub use messages::{Buttons, Encoding};
pub use picture::{Area, Change, Shape, Size};
