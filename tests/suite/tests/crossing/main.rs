//! Crossing tests: the whole program with real servers, hostile plugins and damaged disks.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests say what is wrong by panicking, start programs and damage files on purpose"
)]

mod at_rest;
mod author_tools;
mod authors;
mod component;
mod confused_deputy;
mod deny_matrix;
mod desktops;
mod development;
mod driven;
mod guest_memory;
mod hostile;
mod importers;
mod memory;
mod native;
mod openssh;
mod plugin_cases;
mod plugin_log;
mod policy;
mod programs;
mod rights;
mod searching;
mod sinks;
mod sshd;
mod store_plugins;
mod tampered;
mod telnet;
mod telnetd;
mod tmux;
mod vnc;
mod vnc_servers;
mod web;
mod world;
