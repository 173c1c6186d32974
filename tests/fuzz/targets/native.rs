//! Fuzzes `native` of the oracles.
#![no_main]

ostler_fuzz::target!("native");
