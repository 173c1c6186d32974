//! Fuzzes `vnc` of the oracles.
#![no_main]

ostler_fuzz::target!("vnc");
