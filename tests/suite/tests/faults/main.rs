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
    reason = "tests say what is wrong by panicking, and how often what was done"
)]

mod kills;
mod watch;
