//! Fuzzes `serve` of the oracles.
#![no_main]

ostler_fuzz::target!("serve");
