//! Fuzzes `policy` of the oracles.
#![no_main]

ostler_fuzz::target!("policy");
