//! Servers that stand in for the real ones, in tests and in the demo. They listen on 127.0.0.1 only, keep nothing, and
//! write down what their clients did.
//!
//! Never part of a shipped program, and never a measure of security: passwords are compared in the open.
#![warn(missing_docs)]

pub mod ssh;
pub mod vnc;
