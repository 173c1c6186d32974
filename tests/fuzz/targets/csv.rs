//! Fuzzes `csv` of the oracles.
#![no_main]

ostler_fuzz::target!("csv");
