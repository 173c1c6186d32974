//! A launcher for tests without a manifest. Empty but on the target of components.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "the exports have fixed names")]

mod guest;
