//! Fuzzes `ssh-config` of the oracles.
#![no_main]

ostler_fuzz::target!("ssh-config");
