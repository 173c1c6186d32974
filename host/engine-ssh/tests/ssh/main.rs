//! The SSH engine against an embedded server: logging in, running something, and every way to fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of tests may fail as tests do")]

mod ending;
mod log_in;
mod opening;
mod running;
mod stage;
