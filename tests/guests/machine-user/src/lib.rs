//! A launcher for tests that uses its settings and the capabilities of the machine. Empty but on the target of components.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "the section of the manifest and the exports have fixed names")]

mod guest;
