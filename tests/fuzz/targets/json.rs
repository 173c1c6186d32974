//! Fuzzes `json` of the oracles.
#![no_main]

ostler_fuzz::target!("json");
