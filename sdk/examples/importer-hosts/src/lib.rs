//! Imports lists of hosts, one `host port` on a line.

use ostler_sdk::importer::{
    Connection, Entry, Failure, Feed, Importer, Info, Options, Position, Problem, Summary,
};
use std::io::Read;

/// The plugin.
pub struct Plugin;
ostler_sdk::export_plugin!(Plugin, kinds: [importer]);

impl Importer for Plugin {
    fn describe() -> Info {
        Info::new("Host list").extension("hosts")
    }
    fn detect(head: &[u8], name: &str) -> u8 {
        if head.starts_with(b"#hosts") {
            90
        } else if name.ends_with(".hosts") {
            50
        } else {
            0
        }
    }
    fn parse(_: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
        let mut text = String::new();
        feed.read_to_string(&mut text)?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.starts_with('#')) {
            let at = Position::line(number);
            let Some((host, Ok(port))) = line.split_once(' ').map(|(host, port)| (host, port.parse())) else {
                feed.problem(
                    Problem::not_imported(at, "a line is 'host port'").mendable(format!("{line}\n")),
                );
                continue;
            };
            let entry = Entry::new(Connection::new(host, "ssh", host, port)).at(at).identity(host);
            if !feed.entry(entry) {
                break;
            }
        }
        Ok(Summary::new("host list"))
    }
}
