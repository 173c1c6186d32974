//! A launcher for measures that calls one function of the host again and again. Empty but on the target of components.
#![cfg(target_family = "wasm")]
#![expect(unsafe_code, reason = "the section of the manifest and the exports have fixed names")]

mod guest;
