//! Rows that were not imported, in the file's own format, with the reason in a last column that the next import ignores.
//!
//! Always UTF-8; with a byte order mark unless the file was plain UTF-8 without one, so that spreadsheets read it right.

use csv::{Terminator, WriterBuilder};

use crate::columns::Columns;
use crate::records::Record;

/// The heading of the reasons.
pub(crate) const HEADING: &str = "Ostler problem";
/// What a reason begins with, so that it is known in a row of any length and in files without headings.
const MARKER: &str = "Ostler: ";

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mending {
    pub(crate) delimiter: u8,
    /// Whether lines end in CR LF.
    pub(crate) carriage_return: bool,
}

impl Mending {
    /// Returns what a file of such rows begins with.
    pub(crate) fn head(self, columns: &Columns, mark: bool) -> Vec<u8> {
        let mut head = if mark { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
        if columns.has_headings() {
            head.extend(self.line(columns.headings.iter().map(String::as_str), HEADING));
        }
        head
    }

    /// Returns a row with the reason.
    pub(crate) fn row(self, record: &Record, reason: &str) -> Vec<u8> {
        let last = format!("{MARKER}{reason}");
        self.line(record.fields(), &last)
    }

    fn line<'a>(self, fields: impl Iterator<Item = &'a str>, last: &'a str) -> Vec<u8> {
        let terminator = if self.carriage_return { Terminator::CRLF } else { Terminator::Any(b'\n') };
        let mut writer =
            WriterBuilder::new().delimiter(self.delimiter).terminator(terminator).from_writer(Vec::new());
        let written = writer.write_record(fields.chain([last]));
        // Writing to memory does not fail; were it to, the row would still be named as a problem.
        if written.is_ok() { writer.into_inner().unwrap_or_default() } else { Vec::new() }
    }
}

/// Returns the byte before the first reason of an earlier import: what separates the columns of such a file, whatever else
/// is in the reason.
pub(crate) fn before_reason(head: &[u8]) -> Option<u8> {
    let at = head.windows(MARKER.len()).position(|window| window == MARKER.as_bytes())?;
    let before = head.get(..at)?;
    before.strip_suffix(b"\"").unwrap_or(before).last().copied()
}

/// Takes the reason of an earlier import off a row.
pub(crate) fn strip_reason(record: &mut Record, columns: &Columns) {
    let edited = columns.mended && record.len() == columns.count + 1;
    if !strip_marked(record) && edited {
        record.pop();
    }
}

/// The same, where the columns are not known yet.
pub(crate) fn strip_marked(record: &mut Record) -> bool {
    let marked = record.last().starts_with(MARKER);
    if marked {
        record.pop();
    }
    marked
}
