//! Fuzzes `segment` of the oracles.
#![no_main]

ostler_fuzz::target!("segment");
