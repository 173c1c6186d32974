//! What a file looks like: its delimiter, and whether it is of this format at all.

use ostler_sdk::importer::{Failure, Position};

use crate::mend;
use crate::records::{Record, Records};
use crate::target::{known, plain};
use crate::text::Source;

/// The delimiters by the names that the option takes; `auto` finds out.
pub(crate) const CHOICES: [(&str, Option<u8>); 6] = [
    ("auto", None),
    ("comma", Some(b',')),
    ("semicolon", Some(b';')),
    ("tab", Some(b'\t')),
    (",", Some(b',')),
    (";", Some(b';')),
];

/// What is tried, in order of preference.
const CANDIDATES: [u8; 3] = [b',', b';', b'\t'];
/// As many records tell a delimiter.
const SAMPLE: usize = 50;

/// Returns the delimiter's name for people.
pub(crate) fn name(delimiter: u8) -> &'static str {
    let known = CHOICES.into_iter().find(|(_, choice)| *choice == Some(delimiter));
    known.map_or("unknown", |(name, _)| name)
}

/// What a delimiter makes of the beginning of a file; more is better, first things first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Fit {
    /// Headings that are known.
    known: usize,
    /// Records with as many columns as the first.
    even: usize,
    columns: usize,
    records: usize,
}

fn fit(head: &[u8], delimiter: u8) -> Fit {
    let mut records = Records::new(head, delimiter);
    let (mut record, mut fit) = (Record::default(), Fit::default());
    // What is cut off at the end of the head is no record: it breaks off with an open quote, or has too few columns.
    while fit.records < SAMPLE && matches!(records.next(&mut record), Ok(true)) {
        let columns = record.len();
        if fit.records == 0 {
            let headings: Vec<String> = record.fields().map(plain).collect();
            fit.known = known(&headings);
            fit.columns = columns;
        }
        fit.records += 1;
        fit.even += usize::from(columns == fit.columns);
    }
    fit
}

/// Finds the delimiter from the beginning of a file (UTF-8).
///
/// # Errors
/// Says that there is none, or that the file is empty or no text.
pub(crate) fn delimiter(head: &[u8]) -> Result<u8, Failure> {
    check_text(head)?;
    // A file to be mended: the reasons in it hold delimiters of their own.
    if let Some(delimiter) = mend::before_reason(head).filter(|before| CANDIDATES.contains(before)) {
        return Ok(delimiter);
    }
    let none = || file("the first row has one column only: no comma, semicolon or tab separates columns");
    best(head).map(|(delimiter, _)| delimiter).ok_or_else(none)
}

/// Checks that the beginning of a file is text.
///
/// # Errors
/// Says that the file is empty or no text.
pub(crate) fn check_text(head: &[u8]) -> Result<(), Failure> {
    if head.iter().all(u8::is_ascii_whitespace) {
        Err(file("the file is empty"))
    } else if head.contains(&0) {
        Err(file("the file is no text; a table has to be saved as CSV in UTF-8"))
    } else {
        Ok(())
    }
}

fn file(reason: &str) -> Failure {
    Failure::file(Position::line(1), reason)
}

fn best(head: &[u8]) -> Option<(u8, Fit)> {
    let fits = CANDIDATES.into_iter().map(|delimiter| (delimiter, fit(head, delimiter)));
    // Of equals the first: `max_by_key` would take the last.
    fits.filter(|(_, fit)| fit.columns > 1).rev().max_by_key(|(_, fit)| *fit)
}

/// Tells how sure it is that a file is of this format: by its headings, else by its shape, else by its name.
pub(crate) fn detect(head: &[u8], name: &str) -> u8 {
    let mut text = Vec::new();
    let read = Source::open(head).and_then(|mut source| std::io::Read::read_to_end(&mut source, &mut text));
    if read.is_err() || text.contains(&0) {
        return 0;
    }
    let name = name.to_ascii_lowercase();
    let named = [".csv", ".tsv"].iter().any(|ending| name.ends_with(ending));
    // Formats that may hold as many commas as they like.
    if text.trim_ascii_start().first().is_some_and(|first| b"<{[".contains(first)) {
        return 0;
    }
    match best(&text) {
        Some((_, fit)) if fit.known >= 2 => 80,
        Some((_, fit)) if fit.records >= 2 && fit.even == fit.records => {
            if named {
                60
            } else {
                20
            }
        }
        _ if named => 40,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_in_a_file_to_be_mended_do_not_tell_what_separates_columns() {
        let row = "d;\"Ostler: the row has 1 column, the first row has 2; is a delimiter missing?\"\n";
        assert_eq!(delimiter(row.as_bytes()).ok(), Some(b';'));
        assert_eq!(delimiter(b"a,Ostler: it; has; semicolons\n").ok(), Some(b','));
        assert_eq!(delimiter(b"Ostler: a;b,c;d\n").ok(), Some(b';'));
    }

    #[test]
    fn the_delimiter_is_the_one_that_makes_known_headings_or_even_rows() {
        let cases: [(&[u8], u8); 6] = [
            (b"Name,Host\na,b\n", b','),
            (b"Name;Host\na,b;c\n", b';'),
            (b"Name\tHost, full\na\tb\n", b'\t'),
            (b"Name;Host;Notes\na;b;\"x, y, z\"\n", b';'),
            (b"a;1,5;x\nb;2;y\nc;3;z\n", b';'),
            (b"a,b;c\nd,e;f\n", b','),
        ];
        for (head, expected) in cases {
            assert_eq!(delimiter(head).unwrap(), expected, "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn no_columns_and_no_text_are_named() {
        for (head, expected) in [
            (b"".as_slice(), "empty"),
            (b"\r\n \n", "empty"),
            (b"a\nb\n", "one column"),
            (b"a,\0b\n", "no text"),
        ] {
            let Err(Failure::BadFile((_, reason))) = delimiter(head) else { panic!("{expected}") };
            assert!(reason.contains(expected), "{reason}");
        }
    }

    #[test]
    fn content_counts_more_than_the_name() {
        let cases: [(&[u8], &str, u8); 8] = [
            (b"Name;Host\n", "list.dat", 80),
            (b"\xff\xfeN\0a\0m\0e\0;\0H\0o\0s\0t\0\n\0", "list.dat", 80),
            (b"a,b,c\nd,e,f\n", "list.csv", 60),
            (b"a,b,c\nd,e,f\n", "list", 20),
            (b"just text\n", "list.CSV", 40),
            (b"just text, really\nor more\n", "list", 0),
            (b"{\"name\",\"host\"}", "list.csv", 0),
            (b"PK\x03\x04\0\0name,host", "list.csv", 0),
        ];
        for (head, name, expected) in cases {
            assert_eq!(detect(head, name), expected, "{name} {}", String::from_utf8_lossy(head));
        }
    }
}
