//! Imports the sessions of PuTTY and KiTTY from an export of the registry (`.reg`, regedit's own form).
//!
//! A session becomes a connection or is named with the reason why not. Never runs a command that a session names, never reads a key file, and
//! leaves out how PuTTY's window looks.

mod registry;
mod session;

use std::io::Read as _;

use ostler_sdk::importer::{Failure, Feed, Importer, Info, Options, Position, Problem, Summary};

/// The plugin.
pub struct Putty;

ostler_sdk::export_plugin!(Putty, kinds: [importer]);

/// The largest file that is read.
const LARGEST: usize = 32 << 20;
/// The keys below which sessions stand, with the folder that follows; in lower case.
const SESSIONS: [&str; 2] =
    ["\\software\\simontatham\\putty\\sessions\\", "\\software\\9bis.com\\kitty\\sessions\\"];
/// The keys of host keys.
const HOST_KEYS: &str = "\\sshhostkeys";

impl Importer for Putty {
    fn describe() -> Info {
        Info::new("PuTTY").extension("reg")
    }

    fn detect(head: &[u8], name: &str) -> u8 {
        let text = registry::decode(head).to_ascii_lowercase();
        let known = SESSIONS.iter().any(|key| text.contains(key));
        match (known, name.to_ascii_lowercase().ends_with(".reg")) {
            (true, _) => 95,
            (false, true) => 20,
            (false, false) => 0,
        }
    }

    fn parse(_: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
        let mut bytes = Vec::new();
        feed.by_ref().take(1 + LARGEST as u64).read_to_end(&mut bytes)?;
        if bytes.len() > LARGEST {
            return Err(Failure::file(
                Position::nowhere(),
                "it has more than 32 MiB: export the key of PuTTY alone",
            ));
        }
        let text = registry::decode(&bytes);
        let (head, keys, problems) = registry::read(&text)?;
        problems.into_iter().for_each(|problem| feed.problem(problem));
        let mut found = false;
        for key in &keys {
            let lower = key.path.to_ascii_lowercase();
            if lower.ends_with(HOST_KEYS) && !key.values.is_empty() {
                let reason = format!(
                    "{} host keys were left out: a server's key is asked for or known from OpenSSH's files",
                    key.values.len()
                );
                feed.problem(Problem::warning(Position::line(key.line), reason));
            }
            let Some(at) = SESSIONS.iter().find_map(|known| Some(lower.find(known)? + known.len())) else {
                continue;
            };
            found = true;
            let name = registry::unescaped(key.path.get(at..).unwrap_or_default());
            match session::connection(&name, key, feed) {
                Ok(None) => {}
                Ok(Some(entry)) => {
                    if !feed.entry(entry) {
                        break;
                    }
                }
                Err(session::Refused { position, reason }) => {
                    let record = format!("{}\r\n", key.text);
                    feed.problem(Problem::not_imported(position, reason).entry(name).mendable(record));
                }
            }
        }
        if !found {
            return Err(Failure::file(Position::nowhere(), "no key of it holds sessions of PuTTY or KiTTY"));
        }
        let mut summary = Summary::new("PuTTY");
        summary.mendable_head = format!("{head}\r\n\r\n").into_bytes();
        Ok(summary)
    }
}
