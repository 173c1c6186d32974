//! Fuzzes `asciicast` of the oracles.
#![no_main]

ostler_fuzz::target!("asciicast");
