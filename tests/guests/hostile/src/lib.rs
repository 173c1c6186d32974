//! A plugin for tests that attacks its host in every way that a component can. Empty but on the target of components.
#![cfg(target_family = "wasm")]
#![expect(
    unsafe_code,
    reason = "the section of the manifest and the exports have fixed names; handles are forged"
)]

mod answers;
mod computing;
mod ends;
mod floods;
mod guest;
mod handles;
mod hoards;
mod importing;
mod surroundings;
