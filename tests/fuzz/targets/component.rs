//! Fuzzes `component` of the oracles.
#![no_main]

ostler_fuzz::target!("component");
