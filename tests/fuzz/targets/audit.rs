//! Fuzzes `audit` of the oracles.
#![no_main]

ostler_fuzz::target!("audit");
