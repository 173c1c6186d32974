//! Fuzzes `store` of the oracles.
#![no_main]

ostler_fuzz::target!("store");
