//! Fuzzes `sealed` of the oracles.
#![no_main]

ostler_fuzz::target!("sealed");
