//! Imports .rdp files: a connection in each, a line for each of its settings.
//!
//! The lines are those that Microsoft documents (supported RDP properties) and that its client writes. What has no place in a connection is kept as a
//! field of the user's own; programs and scripts are kept and named, never run. Never takes a password: that form is bound to the
//! machine that wrote it.

mod lines;
mod target;

use std::io::Read as _;

use ostler_sdk::importer::{Failure, Feed, Importer, Info, Options, Position, Problem, Summary};

/// The plugin.
pub struct RdpFile;

ostler_sdk::export_plugin!(RdpFile, kinds: [importer]);

/// The largest file that is read: they have some kilobytes.
const LARGEST: usize = 1 << 20;

impl Importer for RdpFile {
    fn describe() -> Info {
        Info::new("RDP file").extension("rdp").option("name", "The connection's name; without it, the host.")
    }

    fn detect(head: &[u8], name: &str) -> u8 {
        let text = lines::decode(head).to_ascii_lowercase();
        let known = text.lines().any(|line| line.trim_start().starts_with("full address:s:"));
        match (known, name.to_ascii_lowercase().ends_with(".rdp")) {
            (true, _) => 95,
            (false, true) => 40,
            (false, false) => 0,
        }
    }

    fn parse(options: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
        let mut bytes = Vec::new();
        feed.by_ref().take(1 + LARGEST as u64).read_to_end(&mut bytes)?;
        if bytes.len() > LARGEST {
            return Err(Failure::file(Position::nowhere(), "it has more than 1 MiB, and is no .rdp file"));
        }
        let text = lines::decode(&bytes);
        let (settings, problems) = lines::read(&text);
        problems.into_iter().for_each(|problem| feed.problem(problem));
        match target::connection(settings, options.get("name"), feed) {
            Ok(entry) => drop(feed.entry(entry)),
            Err((position, reason)) => feed.problem(Problem::not_imported(position, reason).mendable(bytes)),
        }
        Ok(Summary::new("RDP file"))
    }
}
