//! Fuzzes `manifest` of the oracles.
#![no_main]

ostler_fuzz::target!("manifest");
