//! A launcher for tests that drives a session as a script says. Empty but on the target of components.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "the section of the manifest and the exports have fixed names")]

mod guest;
