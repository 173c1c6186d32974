//! Measures, each beside its peer in the same run: `cargo xtask bench [--json] [--only IDS] [--check]`.
//!
//! Machines are noisy: own and peer runs are interleaved, and the median is quoted with the middle half of the runs. A limit
//! is the project's, from its design; nothing here decides what is fast enough.

#![expect(clippy::print_stdout, reason = "this is a command-line program")]

mod import;
mod instantiate;
mod load;
mod measure;
mod unlock;
mod world;

use std::path::PathBuf;

use anyhow::bail;
use clap::Parser;

use crate::measure::Measure;

/// Measures, each beside its peer.
#[derive(Parser)]
struct Arguments {
    /// The directory of the bundled plugins.
    #[arg(long)]
    plugins: PathBuf,
    /// Print one JSON object per line.
    #[arg(long)]
    json: bool,
    /// Only these measures.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Fail where a limit does not hold.
    #[arg(long)]
    check: bool,
}

/// A measure's id, and what takes it.
type Entry = (&'static str, fn(&Arguments) -> anyhow::Result<Measure>);

const MEASURES: [Entry; 4] = [
    ("instantiate", |arguments| instantiate::measure(&arguments.plugins)),
    ("cached-load", |arguments| load::measure(&arguments.plugins)),
    ("import-100k", |arguments| import::measure(&arguments.plugins)),
    ("unlock-100k", |_| unlock::measure()),
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(unknown) = arguments.only.iter().find(|id| !MEASURES.iter().any(|(known, _)| known == id)) {
        bail!("there is no measure '{unknown}'; there are: {}", MEASURES.map(|(id, _)| id).join(", "));
    }
    let mut failed = Vec::new();
    for (id, take) in MEASURES {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|wanted| wanted == id) {
            continue;
        }
        let measure = take(&arguments)?;
        println!("{}", if arguments.json { measure.json(id) } else { measure.line(id) });
        if !measure.holds() {
            failed.push(id);
        }
    }
    if arguments.check && !failed.is_empty() {
        bail!("the limit does not hold for: {}", failed.join(", "));
    }
    Ok(())
}
