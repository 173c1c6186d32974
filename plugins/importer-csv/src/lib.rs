//! Imports connections from files of comma, semicolon or tab separated values.
//!
//! A row is handed over or named as a problem with its line, never dropped. Never guesses at a value: what is open gets its
//! type's default, and the entry says so.

mod columns;
mod dialect;
mod import;
mod mend;
mod records;
mod row;
mod target;
mod text;

use ostler_sdk::importer::{Failure, Feed, Importer, Info, Options, Summary};

/// The plugin.
pub struct Csv;

ostler_sdk::export_plugin!(Csv, kinds: [importer]);

impl Importer for Csv {
    fn describe() -> Info {
        Info::new("CSV")
            .extension("csv")
            .extension("tsv")
            .extension("txt")
            .option_of(
                "type",
                "The type of connections; needed where no column says it.",
                target::Kind::ALL.map(target::Kind::name),
            )
            .option_of("delimiter", "What separates columns.", dialect::CHOICES.map(|(name, _)| name))
            .option_of("headers", "Whether the first row holds headings.", ["auto", "yes", "no"])
            .option(
                "map.",
                "The column of a field, by heading or number; empty for none. Such as map.host=Address.",
            )
    }

    fn detect(head: &[u8], name: &str) -> u8 {
        dialect::detect(head, name)
    }

    fn parse(options: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
        import::import(options, feed)
    }
}
