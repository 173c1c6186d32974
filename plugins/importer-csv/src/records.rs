//! The records of a file, one at a time, with the lines they begin on.
//!
//! `csv-core` splits them; this bounds them, counts lines (blank ones too) and notices a quote that is never closed. Never
//! keeps more than one record.

use std::io::{self, BufRead, BufReader, Read};

use csv_core::ReadRecordResult;

use crate::text::decode;

/// Bytes of one record: as much as the host takes to be mended.
const LARGEST_RECORD: usize = 1 << 20;
/// Columns of one record.
const MOST_COLUMNS: usize = 10_000;

/// One record: its fields as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Record {
    /// The line that it begins on, counted from 1.
    pub(crate) line: u64,
    /// Whether all of it is UTF-8.
    pub(crate) utf8: bool,
    /// The fields, one behind the other.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Record {
    /// Returns a field without the blanks around it; one that is missing is empty.
    pub(crate) fn field(&self, column: usize) -> &str {
        trim(self.raw(column))
    }

    /// Returns a field as it is.
    pub(crate) fn raw(&self, column: usize) -> &str {
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(column).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }

    /// Returns how many fields there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|column| self.raw(column))
    }

    pub(crate) fn last(&self) -> &str {
        self.len().checked_sub(1).map_or("", |column| self.raw(column))
    }

    /// Drops the last field.
    pub(crate) fn pop(&mut self) {
        self.ends.pop();
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.fields().all(|field| trim(field).is_empty())
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    fn fill(&mut self, bytes: &[u8], ends: &[usize]) {
        self.text.clear();
        self.ends.clear();
        if let Ok(text) = std::str::from_utf8(bytes)
            && ends.iter().all(|end| text.is_char_boundary(*end))
        {
            self.utf8 = true;
            self.text.push_str(text);
            self.ends.extend_from_slice(ends);
            return;
        }
        self.utf8 = true;
        let mut start = 0;
        for end in ends {
            let (text, utf8) = decode(bytes.get(start..*end).unwrap_or_default());
            self.utf8 &= utf8;
            self.text.push_str(&text);
            self.ends.push(self.text.len());
            start = *end;
        }
    }
}

/// Does what [`str::trim`] does, and looks only at the ends of a text that has no blanks there, as nearly all have none.
fn trim(text: &str) -> &str {
    let ends = [text.as_bytes().first(), text.as_bytes().last()];
    if ends.into_iter().flatten().all(u8::is_ascii_graphic) { text } else { text.trim() }
}

/// Why no more records can be read.
#[derive(Debug)]
pub(crate) enum Broken {
    Read(io::Error),
    TooLarge { line: u64 },
    TooManyColumns { line: u64 },
    OpenQuote { line: u64 },
}

/// Reads records.
pub(crate) struct Records<R> {
    file: BufReader<R>,
    core: csv_core::Reader,
    /// Lines that ended between records.
    skipped: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(file: R, delimiter: u8) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let file = BufReader::with_capacity(64 << 10, file);
        Self { file, core, skipped: 0, bytes: vec![0; 1024], ends: vec![0; 64] }
    }

    /// Reads the next record; false at the end of the file.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool, Broken> {
        if !self.skip_blank_lines().map_err(Broken::Read)? {
            return Ok(false);
        }
        let line = self.core.line() + self.skipped;
        let (mut length, mut count) = (0, 0);
        loop {
            let input = self.file.fill_buf().map_err(Broken::Read)?;
            let at_end = input.is_empty();
            // A line feed ends the last record, unless it stands in quotes.
            let input = if at_end { b"\n".as_slice() } else { input };
            let (bytes, ends) = (
                self.bytes.get_mut(length..).unwrap_or_default(),
                self.ends.get_mut(count..).unwrap_or_default(),
            );
            let (result, read, written, ended) = self.core.read_record(input, bytes, ends);
            if !at_end {
                self.file.consume(read);
            }
            length += written;
            count += ended;
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty if at_end => return Err(Broken::OpenQuote { line }),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() >= LARGEST_RECORD => {
                    return Err(Broken::TooLarge { line });
                }
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if self.ends.len() >= MOST_COLUMNS => {
                    return Err(Broken::TooManyColumns { line });
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(false),
            }
        }
        record.line = line;
        record.fill(self.bytes.get(..length).unwrap_or_default(), self.ends.get(..count).unwrap_or_default());
        Ok(true)
    }

    /// Steps over line ends, so that the next record begins on a line that is known; false at the end of the file.
    fn skip_blank_lines(&mut self) -> io::Result<bool> {
        loop {
            let input = self.file.fill_buf()?;
            if input.is_empty() {
                return Ok(false);
            }
            let blank = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.skipped += input.iter().take(blank).filter(|byte| **byte == b'\n').count() as u64;
            let more = blank < input.len();
            self.file.consume(blank);
            if more {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> (Vec<(u64, Vec<String>)>, Option<Broken>) {
        let mut records = Records::new(text, b',');
        let (mut record, mut all) = (Record::default(), Vec::new());
        loop {
            match records.next(&mut record) {
                Ok(true) => all.push((record.line, record.fields().map(str::to_owned).collect())),
                Ok(false) => return (all, None),
                Err(broken) => return (all, Some(broken)),
            }
        }
    }

    #[test]
    fn records_know_their_lines_with_any_line_ends() {
        for end in ["\n", "\r\n"] {
            let text = "a,b\n\n\"c\nd\",e\nf,g\n\n\nlast,\"x\"".replace('\n', end);
            let (records, broken) = read(text.as_bytes());
            assert!(broken.is_none());
            let lines: Vec<u64> = records.iter().map(|(line, _)| *line).collect();
            assert_eq!(lines, [1, 3, 5, 8], "{end:?}");
            assert_eq!(records[1].1, [format!("c{end}d"), "e".to_owned()]);
        }
    }

    #[test]
    fn a_quote_that_is_never_closed_is_noticed_with_its_line() {
        let (records, broken) = read(b"a,b\nc,\"d\ne,f\n");
        assert_eq!(records.len(), 1);
        assert!(matches!(broken, Some(Broken::OpenQuote { line: 2 })));
        assert!(read(b"a,b\nc,\"d\n").1.is_some());
        assert!(read(b"a,\"b\"\nc,5\" pipe\n").1.is_none());
    }

    #[test]
    fn a_record_is_bounded_in_bytes_and_columns() {
        let large = [b"a\n\"".as_slice(), &vec![b'x'; 3 << 20]].concat();
        assert!(matches!(read(&large).1, Some(Broken::TooLarge { line: 2 })));
        assert!(matches!(read(&vec![b','; 100_000]).1, Some(Broken::TooManyColumns { line: 1 })));
    }
}
