//! Fuzzes `slot` of the oracles.
#![no_main]

ostler_fuzz::target!("slot");
