//! Fuzzes `putty` of the oracles.
#![no_main]

ostler_fuzz::target!("putty");
