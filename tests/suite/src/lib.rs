//! What crossing tests share: the built program in a world of its own, and a terminal to run it in.
//!
//! A test never sees the user's files: every directory, the store and the passphrase are made for it and go with it.

mod ostler;
mod terminal;

pub use ostler::{Bench, Ostler, Output, PASSPHRASE};
pub use terminal::Terminal;
