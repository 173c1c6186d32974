//! Fuzzes `event` of the oracles.
#![no_main]

ostler_fuzz::target!("event");
