//! Fuzzes `telnet` of the oracles.
#![no_main]

ostler_fuzz::target!("telnet");
