//! Reading 100,000 connections through the CSV importer, beside the same library reading the same file natively.

use std::io::Cursor;
use std::path::Path;

use anyhow::ensure;
use ostler_core::{ImportEntry, ImportProblem};
use ostler_runtime::ImportOutlet;

use crate::measure::{Limit, Measure, millis, pairs};
use crate::world::{File, block_on_many, runtime};

const ROWS: usize = 100_000;

pub(crate) fn measure(plugins: &Path) -> anyhow::Result<Measure> {
    let cache = tempfile::tempdir()?;
    let runtime = runtime(cache.path())?;
    let plugin = File::read(plugins, "importer-csv")?.load(&runtime)?;
    let text = text();
    let own = || {
        let mut counter = Counter::default();
        let taken = millis(|| {
            let input = Box::new(Cursor::new(text.clone().into_bytes()));
            let options = [("type".to_owned(), "ssh".to_owned())];
            Ok(block_on_many(plugin.parse(input, &options, &mut counter))??)
        })?;
        ensure!(counter.entries == ROWS && counter.problems == 0, "{counter:?} of {ROWS} rows were imported");
        Ok(taken)
    };
    let peer = || millis(|| native(&text));
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "ms", own, peer: Some(("native csv", peer)), limit: Limit::TimesPeer(2.0) })
}

fn text() -> String {
    let mut text = "Name,Host,Port,Username,Password,Folder,Notes\n".to_owned();
    for row in 0..ROWS {
        text.push_str(&format!(
            "server-{row},host-{row}.example,22,admin,secret-{row},Site {}/Rack {},\"row {row}, as noted\"\n",
            row % 100,
            row % 1000
        ));
    }
    text
}

/// Reads every row into values of its own, as an importer has to.
fn native(text: &str) -> anyhow::Result<()> {
    let mut rows = Vec::with_capacity(ROWS);
    for record in csv::Reader::from_reader(text.as_bytes()).into_records() {
        let row: Vec<String> = record?.iter().map(str::to_owned).collect();
        rows.push(row);
    }
    ensure!(rows.len() == ROWS, "{} of {ROWS} rows were read", rows.len());
    Ok(())
}

#[derive(Debug, Default)]
struct Counter {
    entries: usize,
    problems: usize,
}

impl ImportOutlet for Counter {
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool {
        self.entries += entries.len();
        true
    }
    fn problems(&mut self, problems: Vec<ImportProblem>) {
        self.problems += problems.len();
    }
}
