//! CSV files, through the importer's native build. The first byte of an input chooses the options.
//!
//! With headings that are fixed, the library `csv` reads the same rows: each is imported or named as a problem, with the
//! values that the library sees. What was refused is refused again when it comes back.

use std::path::{Path, PathBuf};

use ::csv::ByteRecord;
use anyhow::{Context as _, ensure};
use importer_csv::Csv;
use ostler_sdk::importer::{Importer as _, Item, Parsed, Severity, parse_in_memory};

use super::{Taken, project_file, project_folders};
use crate::Input;

const HEAD: &str = "Name,Host,Port,Type,Tags\n";

/// What the reasons begin with that an import writes into the file of its problems.
const REASON: &[u8] = b"Ostler: ";

const CHOICES: [&[(&str, &str)]; 5] = [
    &[("type", "ssh"), ("headers", "yes"), ("delimiter", "comma")],
    &[],
    &[("type", "rdp")],
    &[("type", "ssh"), ("map.name", "1"), ("map.host", "2"), ("headers", "no")],
    &[("type", "ssh"), ("headers", "yes"), ("delimiter", "semicolon")],
];

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut good = Vec::new();
    for case in project_folders("plugins/importer-csv/cases")? {
        // A case's input may be a .tsv, which the name says and nothing else; some cases are there to be refused.
        let Ok(file) = project_file(&format!("{case}/input.csv")) else { continue };
        for choice in 0..2_u8 {
            let input = Input::of([&[choice], file.as_slice()].concat());
            if take(&input, Path::new("")).with_context(|| format!("{case}, choice {choice}"))? == Taken::Read
            {
                good.push(input);
            }
        }
    }
    Ok(good)
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some((choice, file)) = input.bytes().split_first() else { return Ok(Taken::Refused) };
    let choice = usize::from(*choice) % CHOICES.len();
    let options = CHOICES.get(choice).context("no such choice")?;
    ensure!(Csv::detect(file, "list.csv") <= 100, "more than sure");
    if choice == 0 {
        return compare(&[HEAD.as_bytes(), file].concat(), options);
    }
    let parsed = parse_in_memory::<Csv>(file, options);
    refused_alike(&parsed, options)?;
    Ok(if parsed.outcome.is_ok() { Taken::Read } else { Taken::Refused })
}

/// Compares with the library.
fn compare(file: &[u8], options: &[(&str, &str)]) -> anyhow::Result<Taken> {
    let parsed = parse_in_memory::<Csv>(file, options);
    refused_alike(&parsed, options)?;
    if parsed.outcome.is_err() {
        return Ok(Taken::Refused);
    }
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(file);
    let mut names = Vec::new();
    for record in reader.byte_records() {
        let record = record.context("the library refuses what was read")?;
        if says_something(&record) {
            names.push(String::from_utf8(record.get(0).unwrap_or_default().to_vec()).ok());
        }
    }
    let refused = refused(&parsed).count();
    let rows = parsed.entries.len() + refused;
    ensure!(rows == names.len(), "{rows} rows are accounted for, the library reads {}", names.len());
    if names.iter().all(Option::is_some) {
        let mut names = names.iter().flatten().map(|name| name.trim());
        for entry in &parsed.entries {
            let Item::Connection(connection) = &entry.item else { continue };
            ensure!(names.any(|name| name == connection.name), "'{}' is no row's name", connection.name);
        }
    }
    Ok(Taken::Read)
}

/// A row that is to be imported: a reason alone, which an earlier import wrote into the last column, is nothing.
fn says_something(record: &ByteRecord) -> bool {
    let reason = record.iter().next_back().is_some_and(|last| last.starts_with(REASON));
    record.iter().take(record.len() - usize::from(reason)).any(|field| !blank(field))
}

/// A field that says nothing, in whichever way it is written.
fn blank(field: &[u8]) -> bool {
    match std::str::from_utf8(field) {
        Ok(text) => text.trim().is_empty(),
        // Windows-1252: its no-break space is a blank.
        Err(_) => field.iter().all(|byte| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0xa0)),
    }
}

fn refused(parsed: &Parsed) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
    let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported);
    refused.map(|problem| (problem.reason.as_str(), problem.mendable.as_deref()))
}

/// What was refused for itself, and not for another row, is refused again when it is all there is. Where the importer has
/// to guess the format, fewer rows may let it guess another one.
fn refused_alike(parsed: &Parsed, options: &[(&str, &str)]) -> anyhow::Result<()> {
    if !["delimiter", "headers"].iter().all(|fixed| options.iter().any(|(name, _)| name == fixed)) {
        return Ok(());
    }
    let Ok(summary) = &parsed.outcome else { return Ok(()) };
    let first: Vec<_> = refused(parsed).filter(|(reason, _)| !reason.contains("already on line")).collect();
    if first.is_empty() {
        return Ok(());
    }
    let mut mended = summary.mendable_head.clone();
    for (_, row) in &first {
        mended.extend_from_slice(row.context("a row that was refused can't be mended")?);
    }
    let again = parse_in_memory::<Csv>(&mended, options);
    ensure!(again.entries.is_empty(), "what was refused is imported when it comes again");
    let again: Vec<_> = refused(&again).collect();
    ensure!(again == first, "refused at first: {first:?}, then: {again:?}");
    Ok(())
}
