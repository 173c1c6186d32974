//! The runtime against guests: real components, fake ports. Guests are built by `cargo xtask test`.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test says what is wrong by panicking, and lays out its files plainly"
)]

mod caching;
mod callbacks;
mod capabilities;
mod clock;
mod connections;
mod deny_matrix;
mod desktops;
mod driving;
mod driving_secrets;
mod driving_world;
mod events;
mod files;
mod hostile;
mod hostile_files;
mod importing;
mod limits;
mod loading;
mod plans;
mod programs;
mod recordings;
mod requests;
mod rights;
mod secrets;
mod speed;
mod store;
mod web;
mod world;
