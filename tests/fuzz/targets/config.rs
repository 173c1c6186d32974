//! Fuzzes `config` of the oracles.
#![no_main]

ostler_fuzz::target!("config");
