//! Attacks while a file is looked at and read. The file's first line names the attack.

use std::hint::black_box;

use crate::guest::ostler::importer::feed;
use crate::guest::ostler::importer::types::{
    Connection, Credential, Entry, Failure, Item, Position, Problem, Severity, Summary,
};

pub(crate) fn detect(head: &[u8]) -> u8 {
    match first_line(head) {
        "detect-loop" => loop {
            black_box(0);
        },
        "detect-panic" => panic!("always"),
        "detect-255" => 255,
        _ => 0,
    }
}

pub(crate) fn parse() -> Result<Summary, Failure> {
    let head = feed::read(64 << 10);
    match first_line(&head) {
        "parse-loop" => loop {
            black_box(0);
        },
        "parse-panic" => panic!("always"),
        "entries-without-an-end" => while feed::put(&vec![entry("a"); 1000]) {},
        "entries-after-the-end" => loop {
            black_box(feed::put(&[entry("a")]));
        },
        "a-huge-entry" => _ = feed::put(&[entry(&"n".repeat(20 << 20))]),
        "a-million-empty-tags" => {
            let mut entry = entry("a");
            if let Item::Connection(connection) = &mut entry.item {
                connection.tags = vec![String::new(); 1_000_000];
            }
            _ = feed::put(&[entry]);
        }
        "folders-without-an-end" => {
            let mut entry = entry("a");
            entry.folder = vec!["f".into(); 100_000];
            _ = feed::put(&[entry]);
        }
        "a-block-of-noise" => _ = feed::put_packed(&vec![0xa5; 1 << 20]),
        "a-block-that-claims-four-billion" => _ = feed::put_packed(&[0xff; 64]),
        "problems-without-an-end" => loop {
            feed::report(&vec![problem(); 1000]);
        },
        "reads-without-an-end" => loop {
            black_box(feed::read(u32::MAX));
        },
        "a-summary-of-noise" => return Ok(summary(&"\u{1b}[2J".repeat(100_000))),
        "a-failure-without-an-end" => {
            let at = Position {
                line: Some(u64::MAX),
                column: Some(u64::MAX),
                field: Some("\u{202e}".repeat(10_000)),
            };
            return Err(Failure::BadFile((at, "\n".repeat(1 << 20))));
        }
        _ => {}
    }
    Ok(summary("hostile"))
}

fn first_line(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).ok().and_then(|text| text.lines().next()).unwrap_or_default()
}

fn summary(format: &str) -> Summary {
    Summary { format: format.into(), mapping: Vec::new(), unused: Vec::new(), mendable_head: Vec::new() }
}

fn problem() -> Problem {
    Problem {
        position: Position { line: None, column: None, field: None },
        entry: None,
        severity: Severity::Warning,
        reason: "again".into(),
        mendable: None,
    }
}

fn entry(name: &str) -> Entry {
    Entry {
        position: Position { line: None, column: None, field: None },
        identity: name.into(),
        folder: Vec::new(),
        defaults: Vec::new(),
        item: Item::Connection(Connection {
            name: name.into(),
            kind: "ssh".into(),
            host: "a.example".into(),
            port: 22,
            credential: Credential::None,
            settings: Vec::new(),
            notes: String::new(),
            tags: Vec::new(),
            custom_fields: Vec::new(),
        }),
    }
}
