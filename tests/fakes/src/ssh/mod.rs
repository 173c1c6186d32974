//! An SSH server with made-up users, a handful of commands and a small shell.
//!
//! It runs on a thread and an async runtime of its own, so that tests and programs without one can use it too. It
//! touches no file and starts no program: each command is a few lines of this crate.
//!
//! Commands, the same for `exec` and in the shell: `echo WORDS`, `exit N`, `cat` (gives back its input), `printenv`,
//! `yes-bytes N` (N bytes, counting from 0 to 255 again and again), `ticks N MS` (N numbered lines, with MS milliseconds
//! between them), `size` (of the terminal), `fail` (words on standard
//! error, status 3), `kill-self` (ends with the signal TERM), `drop` (cuts the wire), `disconnect WORDS` (ends the
//! connection with a message), `freeze` (never says anything again).

mod channel;
mod commands;
mod connection;
mod key_pair;
mod log;
mod server;
mod shell;
mod users;
mod wire;

pub use key_pair::{FakeKey, FakeKeyPair};
pub use log::Observed;
pub use server::{FakeSshOptions, FakeSshServer, Misbehavior};
pub use users::{FakeLogin, FakeRound, FakeUser};
