//! Fuzzes `rdp-file` of the oracles.
#![no_main]

ostler_fuzz::target!("rdp-file");
