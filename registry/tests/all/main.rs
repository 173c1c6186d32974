//! The crate's crossing tests, in one binary: components made part by part, files on a real disk.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test says what is wrong by panicking; it lays its files out plainly"
)]

mod components;
mod inspecting;
mod settings;
mod shelf;
