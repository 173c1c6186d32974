//! A launcher for tests that imports what it did not ask for. Empty but on the target of components.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "the section of the manifest and the exports have fixed names")]

mod guest;
