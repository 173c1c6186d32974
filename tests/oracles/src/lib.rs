//! What must hold for every parser of foreign bytes: good inputs of each, and an oracle that takes any input.
//!
//! Three users share it, so that none of them means something else: the tests (good inputs, some mutations of them, and
//! every input of `tests/regressions`), the fuzz targets in `tests/fuzz`, and `cargo xtask soak`, which runs those. A
//! panic needs no word here: it ends whoever called. Never part of a shipped program.

mod input;
mod mutation;
mod oracle;
mod parsers;

pub use input::Input;
pub use mutation::{change_files, mutate};
pub use oracle::Oracle;
pub use parsers::{PARSERS, Parser, Taken, find};
