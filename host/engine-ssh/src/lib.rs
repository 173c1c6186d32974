//! The SSH engine: carries out SSH plans with russh, the only crate that names it.
//!
//! It connects, has the host's key checked, logs in with what the plan names, and runs a shell or a command. Secrets are
//! asked of the injector one by one, each when the server gets to it, for the very place it is about to go to.
//!
//! It never reads a file, an environment variable or a store, never decides about a host key, never keeps a secret, and
//! never logs one. It buffers at most a few hundred packets: whoever does not read a session makes its server wait.
//!
//! What it can't wipe: russh wipes the password it is given and private keys, but not its copy of a decoded key file nor the
//! answers to questions; the programs' allocator wipes those when they are freed. The packet that carried a password stays
//! in russh's buffer, so the engine has it overwritten after the log-in.
#![warn(missing_docs)]

mod algorithms;
mod connect;
mod deadline;
mod ending;
mod engine;
mod handshake;
mod key;
pub mod known_hosts;
mod login;
mod questions;
mod session;
mod start;
mod text;

pub use engine::SshEngine;
