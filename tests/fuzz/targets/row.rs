//! Fuzzes `row` of the oracles.
#![no_main]

ostler_fuzz::target!("row");
