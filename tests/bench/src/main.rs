//! Measures, each beside its peer in the same run: `cargo xtask bench [--json] [--only IDS] [--check]`.
//!
//! Machines are noisy: own and peer runs are interleaved, and the median is quoted with the middle half of the runs. A limit
//! is the project's, from its design; nothing here decides what is fast enough.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a command-line program")]

mod audit;
mod bare;
mod call;
mod desktop;
mod download;
mod echo;
mod import;
mod instantiate;
mod keepassxc;
mod listing;
mod load;
mod measure;
mod recorded;
mod runaway;
mod search;
mod secret;
mod sshd;
mod startup;
mod store;
mod unlock;
mod verify;
mod wire;
mod world;

use std::path::PathBuf;

use anyhow::bail;
use clap::Parser;
use ostler_plugin_api::Capability;

use crate::measure::Measure;

/// Measures, each beside its peer.
#[derive(Parser)]
struct Arguments {
    /// The directory of the bundled plugins.
    #[arg(long)]
    plugins: PathBuf,
    /// The directory of the guests, the plugins for tests.
    #[arg(long)]
    guests: PathBuf,
    /// The program `ostler`.
    #[arg(long)]
    program: PathBuf,
    /// Print one JSON object per line.
    #[arg(long)]
    json: bool,
    /// Only these measures.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Fail where a limit does not hold.
    #[arg(long)]
    check: bool,
    /// Verify this audit log and say how much memory that took: what a measure asks of a process of its own.
    #[arg(long, hide = true)]
    verify: Option<PathBuf>,
}

/// A measure's id, and what takes it.
type Entry = (&'static str, fn(&Arguments) -> anyhow::Result<Measure>);

const MEASURES: [Entry; 27] = [
    ("plugin-call", |arguments| call::measure(&arguments.guests, "storage", Capability::Storage)),
    ("call-settings", |arguments| call::measure(&arguments.guests, "settings", Capability::Settings)),
    ("call-secrets", |arguments| call::measure(&arguments.guests, "secrets", Capability::SecretsUse)),
    ("call-clock", |arguments| call::measure(&arguments.guests, "clock", Capability::Clock)),
    ("call-connections", |arguments| {
        call::measure(&arguments.guests, "connections", Capability::ConnectionsRead)
    }),
    ("call-recordings", |arguments| {
        call::measure(&arguments.guests, "recordings", Capability::RecordingRead)
    }),
    ("call-events", |arguments| call::measure(&arguments.guests, "events", Capability::Events)),
    ("instantiate", |arguments| instantiate::measure(&arguments.plugins)),
    ("cached-load", |arguments| load::measure(&arguments.plugins)),
    ("idle-plugins", |arguments| load::measure_start(&arguments.plugins)),
    ("idle-plugin-memory", |arguments| load::measure_memory(&arguments.plugins)),
    ("runaway-stop", |arguments| runaway::measure(&arguments.guests)),
    ("hostile-echo", |arguments| echo::measure(&arguments.guests, false)),
    ("hostile-echo-1-core", |arguments| echo::measure(&arguments.guests, true)),
    ("startup-version", |arguments| startup::measure(&arguments.program)),
    ("startup-list-10", |arguments| listing::measure(&arguments.program, 10, 500.0)),
    ("startup-list-100k", |arguments| listing::measure(&arguments.program, 100_000, 1000.0)),
    ("import-100k", |arguments| import::measure(&arguments.plugins)),
    ("unlock-100k", |_| unlock::measure()),
    ("search-100k", |_| search::measure()),
    ("secret-open", |_| secret::measure()),
    ("ssh-download", |_| download::measure()),
    ("recording-overhead", |_| recorded::measure()),
    ("desktop-recording", |_| desktop::measure()),
    ("audit-append", |_| audit::measure()),
    ("verify-audit-1m", |_| verify::measure()),
    ("verify-audit-1m-memory", verify::measure_memory),
];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(directory) = &arguments.verify {
        println!("{}", verify::kibibytes_of(directory)?);
        return Ok(());
    }
    if let Some(unknown) = arguments.only.iter().find(|id| !MEASURES.iter().any(|(known, _)| known == id)) {
        bail!("there is no measure '{unknown}'; there are: {}", MEASURES.map(|(id, _)| id).join(", "));
    }
    let (mut failed, mut not_taken) = (Vec::<String>::new(), Vec::new());
    for (id, take) in MEASURES {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|wanted| wanted == id) {
            continue;
        }
        match take(&arguments) {
            Ok(measure) => {
                println!("{}", if arguments.json { measure.json(id) } else { measure.line(id) });
                if !measure.holds() {
                    failed.push(format!("{id} ({})", measure.shortfall()));
                }
            }
            // The others can still be taken.
            Err(error) => {
                eprintln!("{id}: {error:#}");
                not_taken.push(id);
            }
        }
    }
    if !not_taken.is_empty() {
        bail!("not measured: {}", not_taken.join(", "));
    }
    if arguments.check && !failed.is_empty() {
        bail!("the limit does not hold for: {}", failed.join(", "));
    }
    Ok(())
}
