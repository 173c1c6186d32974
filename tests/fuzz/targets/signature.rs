//! Fuzzes `signature` of the oracles.
#![no_main]

ostler_fuzz::target!("signature");
