//! Exports of the registry: keys in brackets, values below them (regedit's `.reg`, versions 4 and 5).

use std::collections::BTreeMap;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use ostler_sdk::importer::{Failure, Position, Problem};

/// A value; other types say nothing here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Text(String),
    Number(u32),
    Other,
}

/// A key with its values.
pub(crate) struct Key {
    pub(crate) path: String,
    pub(crate) line: u64,
    /// By their names in lower case, with their lines.
    pub(crate) values: BTreeMap<String, (Value, u64)>,
    /// As it is written.
    pub(crate) text: String,
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

/// Reads keys and values. Also returns the first line, and what was left out.
///
/// # Errors
/// The first line is not that of an export.
pub(crate) fn read(text: &str) -> Result<(String, Vec<Key>, Vec<Problem>), Failure> {
    let (mut keys, mut problems): (Vec<Key>, Vec<Problem>) = (Vec::new(), Vec::new());
    let mut lines = (1..).zip(text.lines());
    let head = lines.by_ref().map(|(_, line)| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
    if !head.starts_with("Windows Registry Editor Version 5") && head != "REGEDIT4" {
        let reason = "it does not begin with 'Windows Registry Editor Version 5.00' or 'REGEDIT4'";
        return Err(Failure::file(Position::line(1), reason));
    }
    let mut continued = false;
    for (number, line) in lines {
        let line = line.trim();
        let goes_on = std::mem::replace(&mut continued, line.ends_with('\\') && !line.ends_with("\"\\"));
        if let Some(path) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            // A key with a minus is one to be deleted.
            keys.push(Key {
                path: path.trim_start_matches('-').to_owned(),
                line: number,
                values: BTreeMap::new(),
                text: line.to_owned(),
            });
            continue;
        }
        let Some(key) = keys.last_mut() else { continue };
        if line.is_empty() || line.starts_with(';') {
            continue;
        }
        key.text.push_str("\r\n");
        key.text.push_str(line);
        if goes_on {
            continue;
        }
        match value(line) {
            Some((name, value)) => drop(key.values.insert(name.to_ascii_lowercase(), (value, number))),
            None => problems.push(Problem::warning(
                Position::line(number),
                "the line was left out: it is no value of a key",
            )),
        }
    }
    Ok((head.to_owned(), keys, problems))
}

/// Reads `"Name"="text"` or `"Name"=dword:0000001f`.
fn value(line: &str) -> Option<(String, Value)> {
    let (name, rest) = match line.strip_prefix('@') {
        Some(rest) => (String::new(), rest),
        None => quoted(line)?,
    };
    let rest = rest.strip_prefix('=')?;
    let value = match (rest.starts_with('"'), rest.strip_prefix("dword:")) {
        (true, _) => Value::Text(quoted(rest)?.0),
        (false, Some(digits)) => Value::Number(u32::from_str_radix(digits, 16).ok()?),
        (false, None) => Value::Other,
    };
    Some((name, value))
}

/// Takes a text in quotation marks from the beginning, in which `\` stands before itself and `"`.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut taken, mut escaped) = (String::new(), false);
    for (at, c) in text.strip_prefix('"')?.char_indices() {
        match c {
            _ if escaped => {
                taken.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => return Some((taken, text.get(at + 2..).unwrap_or_default())),
            c => taken.push(c),
        }
    }
    None
}

/// Returns the name of a session without PuTTY's `%XX`.
pub(crate) fn unescaped(name: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), name.as_bytes());
    while let [first, behind @ ..] = rest {
        let digits = behind.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => WINDOWS_1252.decode_without_bom_handling(error.as_bytes()).0.into_owned(),
    }
}
