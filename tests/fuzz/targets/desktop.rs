//! Fuzzes `desktop` of the oracles.
#![no_main]

ostler_fuzz::target!("desktop");
