//! One unlocked store for many front ends: the server holds a host, and clients send it their commands over a Unix socket.
//!
//! Only processes of the same user get in: the socket lies in a directory that is theirs alone, and each side asks the
//! system who the other is. Both ends must be the same build, so the frames inside need no versions of their own. A client
//! has one command at a time; what that command shows and asks goes to this client and to no other.
//!
//! This crate never reads the environment, asks a person, or decides what may be done; it never writes a secret to a file,
//! and knows a store's passphrase at no time: the host that it is given is unlocked.

mod attend;
mod build;
mod client;
mod error;
mod front;
#[doc(hidden)]
pub mod fuzzing;
mod lifetime;
mod server;
mod socket;
mod wire;

pub use build::Build;
pub use client::{Client, ClientError};
pub use error::ServeError;
pub use lifetime::Lifetime;
pub use server::{LockReason, Server};
pub use socket::socket_name;
pub use wire::Status;
