//! Soak runs: random bytes and mutated good inputs into every parser of foreign bytes, for as long as one likes:
//! `cargo xtask soak [--minutes N] [--seed S]`.
//!
//! Each parser runs in a process of its own, which writes every input to a file before it is taken. So whatever ends that
//! process (a panic, a stack that is too small, memory that is refused, an endless loop) leaves the input behind: it goes to
//! `tests/regressions/<parser>/`, where the tests take it again. Keys of good inputs are new in each run, so a seed
//! alone does not bring an input back; the kept input does.

#![expect(clippy::print_stdout, reason = "this is a command-line program")]

mod input;
mod mutation;
mod parsers;
mod watch;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Random and mutated bytes into every parser of foreign bytes.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Starts a process for each parser, and keeps the inputs that end one.
    Run(Run),
    /// Is such a process.
    Work(Work),
}

#[derive(clap::Args)]
struct Run {
    /// How long.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
    /// Where the random numbers begin; another one each time if not given.
    #[arg(long)]
    seed: Option<u64>,
    /// Directories of components, to be mutated.
    #[arg(long)]
    components: Vec<PathBuf>,
    /// Where inputs are kept that end a process.
    #[arg(long)]
    regressions: PathBuf,
    /// Only these parsers.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

#[derive(clap::Args)]
struct Work {
    /// The parser.
    #[arg(long)]
    parser: String,
    /// How long, in seconds.
    #[arg(long)]
    seconds: u64,
    #[arg(long)]
    seed: u64,
    #[arg(long)]
    components: Vec<PathBuf>,
    /// The file that holds the input that is being taken.
    #[arg(long)]
    current: PathBuf,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().verb {
        Verb::Run(run) => {
            let seed = run.seed.unwrap_or_else(|| fastrand::u64(..));
            println!("seed {seed}, {} minutes", run.minutes);
            let watched = watch::Soak {
                span: Duration::from_secs(run.minutes.saturating_mul(60)),
                seed,
                components: run.components,
                regressions: run.regressions,
            };
            watched.run(&parsers::chosen(&run.only)?)
        }
        Verb::Work(work) => {
            let done = work::Work::new(parsers::find(&work.parser)?, &work.components, work.seed)?
                .run(&work.current, Duration::from_secs(work.seconds))?;
            println!("{:<12} {done}", work.parser);
            Ok(())
        }
    }
}
