//! Fuzzes `known-hosts` of the oracles.
#![no_main]

ostler_fuzz::target!("known-hosts");
