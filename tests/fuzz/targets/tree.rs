//! Fuzzes `tree` of the oracles.
#![no_main]

ostler_fuzz::target!("tree");
