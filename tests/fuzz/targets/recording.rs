//! Fuzzes `recording` of the oracles.
#![no_main]

ostler_fuzz::target!("recording");
