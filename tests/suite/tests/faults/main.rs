//! Faults: the program is killed, the disk is full, the clock steps, other processes come in between, files are damaged.
//!
//! What is promised: no acknowledged change is lost, no recording is falsely complete, at most two seconds of one are lost,
//! the audit log verifies or names its torn tail, and every refusal says what is wrong.
//!
//! `OSTLER_KILLS` is the number of kills of each kind (10 where it is not given), `OSTLER_SEED` where the random numbers
//! begin; `cargo xtask soak --faults` takes 200 of each.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests say what is wrong by panicking and how often what was done, start programs and damage files"
)]

mod clock;
mod damaged;
mod disk;
mod full;
mod kills;
mod together;
mod unwritable;
mod watch;

/// Returns the component of a guest, which `cargo xtask test` builds.
fn guest(name: &str) -> std::path::PathBuf {
    let root = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let directory =
        std::env::var_os("OSTLER_GUESTS_DIR").map_or_else(|| root.join("target/guests"), Into::into);
    let file = directory.join(format!("guest-{name}.wasm"));
    assert!(file.exists(), "{} is missing: run the tests with 'cargo xtask test'", file.display());
    file
}
