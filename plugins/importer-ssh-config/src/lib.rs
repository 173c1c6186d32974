//! Imports the hosts of an OpenSSH client configuration (ssh_config(5)): a connection for each name that a `Host` line has.
//!
//! Patterns give values to the names that they fit, and the first value of a keyword counts, as for OpenSSH. Never runs a command, never
//! follows an `Include`, never reads a key: what that would have to be done for is named.

mod parse;
mod resolve;

use std::io::Read as _;

use ostler_sdk::importer::{Failure, Feed, Importer, Info, Options, Position, Problem, Summary};

/// The plugin.
pub struct SshConfig;

ostler_sdk::export_plugin!(SshConfig, kinds: [importer]);

/// The largest file that is read.
const LARGEST: usize = 8 << 20;
/// Keywords that a configuration is known by.
const KNOWN: [&str; 6] = ["hostname", "user", "port", "identityfile", "proxyjump", "forwardagent"];

impl Importer for SshConfig {
    fn describe() -> Info {
        Info::new("OpenSSH configuration").extension("config")
    }

    fn detect(head: &[u8], name: &str) -> u8 {
        let text = String::from_utf8_lossy(head);
        let keywords: Vec<String> = text
            .lines()
            .filter_map(|line| parse::words(line).ok()?.first().map(|word| word.to_ascii_lowercase()))
            .collect();
        let hosts = keywords.iter().any(|word| word == "host");
        let known = keywords.iter().any(|word| KNOWN.contains(&word.as_str()));
        let named = ["config", "ssh_config"].contains(&name) || name.ends_with(".config");
        match (hosts && known, hosts && named) {
            (true, _) => 85,
            (false, true) => 50,
            (false, false) => 0,
        }
    }

    fn parse(_: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
        let mut bytes = Vec::new();
        feed.by_ref().take(1 + LARGEST as u64).read_to_end(&mut bytes)?;
        if bytes.len() > LARGEST {
            return Err(Failure::file(
                Position::nowhere(),
                "it has more than 8 MiB, and is no configuration of OpenSSH",
            ));
        }
        let text =
            String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes)).into_owned();
        let config = parse::Config::read(&text, feed);
        let hosts = config.hosts();
        if hosts.is_empty() {
            let reason = "no 'Host' line names a host: patterns alone are no connections";
            feed.problem(Problem::warning(Position::nowhere(), reason));
        }
        for (name, line) in hosts {
            match resolve::connection(&config, name, line, feed) {
                Ok(entry) => {
                    if !feed.entry(entry) {
                        break;
                    }
                }
                Err((line, reason)) => {
                    let block = config.block_at(&text, line);
                    feed.problem(
                        Problem::not_imported(Position::line(line), reason)
                            .entry(name.to_owned())
                            .mendable(block),
                    );
                }
            }
        }
        Ok(Summary::new("OpenSSH configuration"))
    }
}
