//! The report of an import as a file: text as on the screen, CSV with a row for each outcome, or JSON.
//!
//! Never holds a secret: the report has none.

use std::io;
use std::path::Path;

use ostler_app::core::Position;
use ostler_app::{ImportReport, UpdateView};

use super::{Style, imported};

/// Returns a report as the file's name says: `.csv`, `.json`, else text.
///
/// # Errors
/// Fails where it can't be put into that form.
pub(crate) fn content(report: &ImportReport, file: &Path) -> io::Result<Vec<u8>> {
    let ending = file.extension().map(|ending| ending.to_ascii_lowercase());
    Ok(match ending.as_ref().and_then(|ending| ending.to_str()) {
        Some("csv") => rows(report)?,
        Some("json") => serde_json::to_vec_pretty(report)?,
        _ => imported::report(report, Style { colored: false }).into_bytes(),
    })
}

fn rows(report: &ImportReport) -> io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["outcome", "entry", "line", "column", "field", "details"])?;
    let mut row = |outcome: &str, entry: &str, position: Option<&Position>, details: &str| {
        let number = |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let line = number(position.and_then(|position| position.line));
        let column = number(position.and_then(|position| position.column));
        let field = position.and_then(|position| position.field.as_deref()).unwrap_or_default();
        writer.write_record([outcome, entry, &line, &column, field, details])
    };
    for (outcome, paths) in
        [("folder", &report.folders), ("created", &report.created), ("unchanged", &report.present)]
    {
        paths.iter().try_for_each(|path| row(outcome, path, None, ""))?;
    }
    let mut updates = |outcome: &str, updates: &[UpdateView]| {
        updates.iter().try_for_each(|update| {
            row(outcome, &update.entry, Some(&update.position), &update.changes.join(", "))
        })
    };
    updates("updated", &report.updated)?;
    updates("kept", &report.kept)?;
    report.stripped.iter().try_for_each(|path| row("stripped", path, None, "its credential was left out"))?;
    for entry in &report.defaults {
        row("defaults", &entry.entry, Some(&entry.position), &entry.defaults.join("; "))?;
    }
    for problem in &report.problems {
        let outcome = if problem.imported { "warning" } else { "not imported" };
        let entry = problem.entry.as_deref().unwrap_or_default();
        row(outcome, entry, Some(&problem.position), &problem.reason)?;
    }
    writer.into_inner().map_err(|error| error.into_error())
}
