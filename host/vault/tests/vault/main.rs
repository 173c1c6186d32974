//! The vault through its public face: real files, a fixed clock, and a hand that edits the file behind its back.

// Marked, so that lints take helpers outside of test functions for what they are.
#[cfg(test)]
mod anchors;
#[cfg(test)]
mod common;
#[cfg(test)]
mod content;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod keeping;
#[cfg(test)]
mod opening;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod rekey;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod slots;
