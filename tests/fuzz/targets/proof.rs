//! Fuzzes `proof` of the oracles.
#![no_main]

ostler_fuzz::target!("proof");
