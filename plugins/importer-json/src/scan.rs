//! The skeleton of a JSON file: the members of its root, and the records in the arrays of the root, each with its place.
//!
//! Looks at brackets, strings and commas only; what a record holds is for others to read. Brackets may be nested as deep as they like.

use ostler_sdk::importer::{Failure, Position};

/// A record: an object in an array of the root, or a line of a file of records.
pub(crate) struct Record<'a> {
    /// The member of the root that it stands in; empty in a file of records.
    pub(crate) array: &'a str,
    /// Its text, without commas too many.
    pub(crate) text: &'a str,
    /// Where it begins.
    offset: usize,
}

/// A file, looked through.
pub(crate) struct Document {
    text: String,
    lines: Vec<usize>,
    members: Vec<(String, std::ops::Range<usize>)>,
    records: Vec<(String, std::ops::Range<usize>)>,
    /// Where commas too many stood.
    pub(crate) commas: Vec<usize>,
    /// Whether the file ends in the middle.
    pub(crate) cut: bool,
    /// Whether each line is a record.
    pub(crate) by_lines: bool,
}

/// What a scan is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Object,
    Array,
}

impl Document {
    /// Looks through a file.
    ///
    /// # Errors
    /// The root is no object, a bracket closes what is not open, or something stands behind the root.
    pub(crate) fn read(text: &str) -> Result<Self, Failure> {
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let mut document = Self {
            text: text.to_owned(),
            lines,
            members: Vec::new(),
            records: Vec::new(),
            commas: Vec::new(),
            cut: false,
            by_lines: false,
        };
        let end = document.scan()?;
        if document.member("records") == Some("\"lines\"") {
            document.by_lines = true;
            document.take_lines(end);
        } else if let Some((at, _)) = document.rest(end).char_indices().find(|(_, c)| !c.is_whitespace()) {
            let reason = "something stands behind the end: a '}' before it is too many, or what follows is";
            return Err(Failure::file(document.position(end + at), reason));
        }
        document.blank_commas();
        Ok(document)
    }

    /// Returns a plain member of the root as it is written.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        let (_, range) = self.members.iter().find(|(own, _)| own == name)?;
        self.text.get(range.clone()).map(str::trim)
    }

    /// Checks that members of the root are lists, where they are there.
    ///
    /// # Errors
    /// Names the one that is none.
    pub(crate) fn check_lists(&self, names: &[&str]) -> Result<(), Failure> {
        for (name, range) in self.members.iter().filter(|(name, _)| names.contains(&name.as_str())) {
            if !self.text.get(range.clone()).is_some_and(|value| value.trim_start().starts_with('[')) {
                return Err(Failure::file(self.position(range.start), format!("'{name}' must be a list")));
            }
        }
        Ok(())
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record<'_>> {
        self.records.iter().map(|(array, range)| Record {
            array,
            text: self.text.get(range.clone()).unwrap_or_default(),
            offset: range.start,
        })
    }

    /// Returns line and column of a byte.
    pub(crate) fn position(&self, offset: usize) -> Position {
        let line = self.lines.partition_point(|begin| *begin <= offset);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(begin..offset).map_or(0, |before| before.chars().count()) + 1;
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Position { line: Some(number(line)), column: Some(number(column)), field: None }
    }

    pub(crate) fn position_of(&self, record: &Record<'_>) -> Position {
        Position { column: None, ..self.position(record.offset) }
    }

    /// Returns where in the file a record could not be read.
    pub(crate) fn position_in(&self, record: &Record<'_>, error: &serde_json::Error) -> Position {
        let begin = record.text.split('\n').take(error.line().saturating_sub(1)).map(|line| line.len() + 1);
        let offset = record.offset + begin.sum::<usize>() + error.column().saturating_sub(1);
        self.position(offset.min(record.offset + record.text.len().saturating_sub(1)))
    }

    fn rest(&self, from: usize) -> &str {
        self.text.get(from..).unwrap_or_default()
    }

    /// Goes through the root, and returns where it ends.
    fn scan(&mut self) -> Result<usize, Failure> {
        let text = std::mem::take(&mut self.text);
        let scanned = self.scan_text(&text);
        self.text = text;
        scanned.map_err(|(at, reason)| Failure::file(self.position(at), reason))
    }

    fn scan_text(&mut self, text: &str) -> Result<usize, (usize, &'static str)> {
        let bytes = text.as_bytes();
        let (mut open, mut key, mut value, mut record) = (Vec::new(), String::new(), None, 0);
        let mut comma: Option<usize> = None;
        // Where something begins in an array of the root that is no object.
        let mut other: Option<usize> = None;
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            let in_array = open == [Level::Object, Level::Array];
            if in_array && matches!(byte, b',' | b']') {
                self.records.extend(other.take().map(|begin| (key.clone(), begin..at)));
            } else if in_array && other.is_none() && byte != b'{' && !byte.is_ascii_whitespace() {
                other = Some(at);
            }
            match byte {
                b'"' => {
                    let end = end_of_string(bytes, at);
                    if open == [Level::Object] && value.is_none() {
                        key = text.get(at + 1..end.saturating_sub(1)).unwrap_or_default().to_owned();
                    }
                    comma = None;
                    at = end;
                    continue;
                }
                b'{' | b'[' => {
                    if open.is_empty() && byte == b'[' {
                        return Err((at, "the file is a list, and an export is an object"));
                    }
                    if byte == b'{' && in_array {
                        record = at;
                    }
                    open.push(if byte == b'{' { Level::Object } else { Level::Array });
                    comma = None;
                }
                b'}' | b']' => {
                    let closes = if byte == b'}' { Level::Object } else { Level::Array };
                    if open.last() != Some(&closes) {
                        return Err((
                            at,
                            "this bracket closes nothing: one before it is missing or of another kind",
                        ));
                    }
                    self.commas.extend(comma.take());
                    if open == [Level::Object, Level::Array, Level::Object] {
                        self.records.push((key.clone(), record..at + 1));
                    }
                    self.end_member(&mut value, &key, at, open.len());
                    open.pop();
                    if open.is_empty() {
                        return Ok(at + 1);
                    }
                }
                b':' if open == [Level::Object] => value = Some(at + 1),
                b',' => {
                    self.end_member(&mut value, &key, at, open.len());
                    comma = Some(at);
                }
                byte if !byte.is_ascii_whitespace() => {
                    if open.is_empty() {
                        return Err((at, "the file does not begin with '{'"));
                    }
                    comma = None;
                }
                _ => {}
            }
            at += 1;
        }
        if open.is_empty() {
            return Err((0, "the file is empty"));
        }
        self.cut = true;
        Ok(text.len())
    }

    fn end_member(&mut self, value: &mut Option<usize>, key: &str, at: usize, depth: usize) {
        if depth == 1
            && let Some(begin) = value.take()
        {
            self.members.push((key.to_owned(), begin..at));
        }
    }

    fn take_lines(&mut self, from: usize) {
        let mut at = from;
        let lines: Vec<std::ops::Range<usize>> = self
            .rest(from)
            .split_inclusive('\n')
            .map(|line| {
                let begin = at;
                at += line.len();
                begin..at
            })
            .collect();
        let kept = lines
            .into_iter()
            .filter(|range| self.text.get(range.clone()).is_some_and(|line| !line.trim().is_empty()));
        let records: Vec<_> = kept.map(|range| (String::new(), range)).collect();
        self.records = records;
    }

    /// Takes commas too many out, so that the rest stays where it is.
    fn blank_commas(&mut self) {
        for comma in &self.commas {
            self.text.replace_range(*comma..*comma + 1, " ");
        }
    }
}

/// Returns where a string ends: behind its quotation mark, or at the end of the file.
fn end_of_string(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}
