//! The project's own commands: `cargo xtask build|guests|demo|test|check|bench|soak`.
//!
//! Needs nothing but Rust and rustup to begin with; what else it needs, it adds or names. Nothing here is part of a
//! shipped program.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "these are command-line programs")]

mod building;
mod check;
mod soak;
mod testing;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::building::Beside;
use crate::soak::Soak;
use crate::workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Builds the plugins and the programs, with the plugins where the programs find them.
    Build {
        /// With all optimization, into target/release.
        #[arg(long)]
        release: bool,
    },
    /// Builds the plugins for tests into target/guests, for whoever runs single tests without `cargo xtask test`.
    Guests,
    /// Shows the main job from an empty directory to a replayed recording.
    Demo {
        /// With the optimized programs.
        #[arg(long)]
        release: bool,
    },
    /// Runs every test; installs what they need.
    Test {
        /// Given to `cargo test`, such as a part of a test's name.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Checks the dependency arrows and the tidiness of the tree.
    Check,
    /// Measures what the design has a limit for, beside its peer.
    Bench {
        /// `--json`, `--only IDS`, `--check`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Flips every byte of a store and fuzzes every parser of foreign bytes; or kills the program while it writes.
    Soak {
        /// Kills the program, and does nothing else.
        #[arg(long)]
        faults: bool,
        /// How often in each kind of write.
        #[arg(long, default_value_t = 200, requires = "faults")]
        kills: u64,
        /// Where the random numbers of the kills begin; another one each time if not given.
        #[arg(long, requires = "faults")]
        seed: Option<u64>,
        /// How long each parser is fuzzed; as many run at once as there are cores.
        #[arg(long, default_value_t = 5)]
        minutes: u64,
        /// Only these parsers, and no flipped bytes.
        #[arg(long, value_delimiter = ',', conflicts_with = "faults")]
        only: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match &arguments.verb {
        Verb::Build { release } => building::build(&workspace, *release, Beside::Nothing).map(|_| ()),
        Verb::Guests => building::guests(&workspace).map(|_| ()),
        Verb::Demo { release } => building::demo(&workspace, *release),
        Verb::Test { arguments } => testing::test(&workspace, arguments),
        Verb::Check => check::run(&workspace),
        Verb::Bench { arguments } => building::bench(&workspace, arguments),
        Verb::Soak { faults: true, kills, seed, .. } => testing::soak_faults(&workspace, *kills, *seed),
        Verb::Soak { minutes, only, .. } => Soak { minutes: *minutes, only }.run(&workspace),
    }
}
