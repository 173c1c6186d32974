//! The lines of a file, `key:type:value`: decoded, split, and with their numbers.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use ostler_sdk::importer::{Position, Problem};

/// A setting of the file.
pub(crate) struct Line {
    /// In lower case.
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) number: u64,
}

/// Decodes a file: as its mark says, else as UTF-8, else as Windows-1252.
pub(crate) fn decode(bytes: &[u8]) -> String {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return encoding.decode_without_bom_handling(bytes.get(mark..).unwrap_or_default()).0.into_owned();
    }
    match UTF_8.decode_without_bom_handling_and_without_replacement(bytes) {
        Some(text) => text.into_owned(),
        None => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Splits a text into settings; what is none is named. Of two lines with one key the first counts.
pub(crate) fn read(text: &str) -> (Vec<Line>, Vec<Problem>) {
    let (mut lines, mut problems): (Vec<Line>, Vec<Problem>) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_matches(['\0', '\u{feff}', '\r']).trim_end();
        if line.trim().is_empty() {
            continue;
        }
        // Only the first two colons separate.
        let mut parts = line.splitn(3, ':');
        let field: String = line.chars().take_while(|c| *c != ':' && !c.is_control()).take(60).collect();
        let warn = |reason: &str| Problem::warning(Position::line(number).field(field.trim()), reason);
        let (Some(key), Some(kind), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
            problems.push(warn("the line was left out: a line is 'key:type:value'"));
            continue;
        };
        let key = key.trim().to_ascii_lowercase();
        if key.starts_with("password") || key == "gatewayaccesstoken" {
            problems.push(warn("a stored secret was left out: it can only be opened on the machine that saved it; type it in"));
            continue;
        }
        if !["i", "s", "b"].contains(&kind.trim()) {
            problems.push(warn("the line was left out: its type is none of i, s and b"));
            continue;
        }
        if kind.trim() == "i" && value.trim().parse::<i64>().is_err() {
            problems.push(warn("the line was left out: its value is no number"));
            continue;
        }
        if lines.iter().any(|known| known.key == key) {
            problems.push(warn("the line was left out: an earlier one has the same key"));
            continue;
        }
        lines.push(Line { key, value: value.trim().to_owned(), number });
    }
    (lines, problems)
}
