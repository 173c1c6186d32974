//! The whole import: finds out what the file looks like, then takes it row by row.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher};
use std::io::{Cursor, Read};

use ostler_sdk::importer::{Failure, Feed, MappedField, Options, Output, Position, Problem, Summary};

use crate::columns::Columns;
use crate::dialect;
use crate::mend::{self, Mending};
use crate::records::{Broken, Record, Records};
use crate::row::{Fault, Made, Row, place};
use crate::target::{Kind, Target};
use crate::text::{Mark, Source};

/// Bytes that tell the delimiter and the ends of lines.
const HEAD: u64 = 64 << 10;

/// Reads a file.
pub(crate) fn import(options: &Options, feed: &mut Feed) -> Result<Summary, Failure> {
    let (file, found) = feed.split();
    let mut source = Source::open(file)?;
    let mut head = Vec::new();
    source.by_ref().take(HEAD).read_to_end(&mut head)?;
    let delimiter = delimiter(&head, options)?;
    let mark = source.mark();
    let carriage_return = head.windows(2).any(|pair| pair == b"\r\n");
    let mut records = Records::new(Cursor::new(head).chain(source), delimiter);

    let mut record = Record::default();
    if !records.next(&mut record).map_err(broken)? {
        return Err(Failure::file(Position::line(1), "the file is empty"));
    }
    mend::strip_marked(&mut record);
    if let Some(name) = options.get("delimiter").filter(|name| *name != "auto")
        && record.len() < 2
    {
        let reason = format!("there is no {name} in the first row, '{}'", shown(record.field(0)));
        return Err(Failure::option("delimiter", reason));
    }
    let kind = options.get("type").and_then(Kind::parse);
    let columns = Columns::new(&record, kind, options)?;
    let mut import = Import {
        kind,
        columns,
        mending: Mending { delimiter, carriage_return },
        found,
        taken: Taken::default(),
        seen: Seen::default(),
    };
    let mut wanted = import.columns.has_headings() || import.take(&mut record);
    while wanted && records.next(&mut record).map_err(broken)? {
        wanted = import.take(&mut record);
    }
    Ok(import.summary(mark))
}

fn delimiter(head: &[u8], options: &Options) -> Result<u8, Failure> {
    let chosen = options.get("delimiter").and_then(|name| {
        dialect::CHOICES.into_iter().find(|(choice, _)| *choice == name).and_then(|(_, delimiter)| delimiter)
    });
    match chosen {
        // Also looks for what is no text at all.
        Some(delimiter) => dialect::check_text(head).map(|()| delimiter),
        None => dialect::delimiter(head),
    }
}

fn broken(broken: Broken) -> Failure {
    let file = |line, reason: &str| Failure::file(Position::line(line), reason);
    match broken {
        Broken::Read(error) => error.into(),
        Broken::TooLarge { line } => file(line, "a row has more than 1 MiB; is a quote missing?"),
        Broken::TooManyColumns { line } => file(line, "a row has more than 10000 columns"),
        Broken::OpenQuote { line } => file(line, "a quote in the row that begins here is never closed"),
    }
}

/// Characters that were seen so far.
#[derive(Default)]
struct Seen {
    utf8: bool,
    other: bool,
}

/// The lines of what was taken, by a hash of its place in the tree and of its id: a file may have a million rows.
#[derive(Default)]
struct Taken {
    lines: HashMap<u64, u64, BuildHasherDefault<Hashed>>,
    hasher: RandomState,
}

/// The hash of what is a hash already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Taken {
    /// No two connections of a folder have one name, and no two rows one id.
    fn check(&mut self, made: &Made<'_>, line: u64) -> Result<(), Fault> {
        // Where there is no id, the place is the identity.
        let identity = self.hasher.hash_one(&made.entry.identity);
        let (place, id) = if made.id.is_empty() {
            (identity, None)
        } else {
            (self.hasher.hash_one(place(&made.entry.folder, made.name)), Some(identity))
        };
        if let Some(earlier) = self.lines.get(&place) {
            let reason = format!("'{}' is already on line {earlier}, in the same folder", made.name);
            return Err(Fault { target: Target::Name, reason });
        }
        if let Some(earlier) = id.and_then(|id| self.lines.get(&id)) {
            return Err(Fault { target: Target::Id, reason: format!("it is already on line {earlier}") });
        }
        self.lines.extend([Some(place), id].into_iter().flatten().map(|key| (key, line)));
        Ok(())
    }
}

/// An import that is going on.
struct Import<'a> {
    /// The type of rows that name none.
    kind: Option<Kind>,
    columns: Columns,
    mending: Mending,
    found: &'a mut Output,
    taken: Taken,
    seen: Seen,
}

impl Import<'_> {
    /// Takes a row; false where the host wants no more.
    fn take(&mut self, record: &mut Record) -> bool {
        mend::strip_reason(record, &self.columns);
        if record.is_blank() {
            return true;
        }
        self.note_encoding(record);
        self.columns.keep_examples(record);
        if let Err(reason) = self.check_width(record) {
            self.refuse(record, Position::line(record.line), reason);
            return true;
        }
        let row = Row { record, columns: &self.columns, kind: self.kind };
        let made = row.connection().and_then(|made| {
            self.taken.check(&made, record.line)?;
            Ok(made)
        });
        match made {
            Ok(Made { entry, left_out, .. }) => {
                for fault in left_out {
                    self.found.problem(warning(record, &self.columns, &fault));
                }
                self.found.entry(entry)
            }
            Err(Fault { target, reason }) => {
                let position = Position::line(record.line).field(self.columns.label(target));
                self.refuse(record, position, format!("{}: {reason}", target.name()));
                true
            }
        }
    }

    /// Columns that are empty may be too many; all others would be lost.
    fn check_width(&self, record: &Record) -> Result<(), String> {
        let (own, expected) = (record.len(), self.columns.count);
        if own < expected || record.fields().skip(expected).any(|field| !field.trim().is_empty()) {
            let first = if self.columns.has_headings() { "the heading" } else { "the first row" };
            let columns = if own == 1 { "1 column".to_owned() } else { format!("{own} columns") };
            return Err(format!(
                "the row has {columns}, {first} has {expected}; is a delimiter or a quote missing?"
            ));
        }
        Ok(())
    }

    fn note_encoding(&mut self, record: &Record) {
        if !record.utf8 {
            if self.seen.utf8 {
                let reason =
                    "the row is not UTF-8 as those before are, and was read as Windows-1252; check its text";
                let name = self.columns.of(Target::Name).map_or("", |column| record.field(column));
                self.found.problem(Problem::warning(Position::line(record.line), reason).entry(name));
            }
            self.seen.other = true;
        } else if !self.seen.utf8 {
            self.seen.utf8 = !record.is_ascii();
        }
    }

    fn refuse(&mut self, record: &Record, position: Position, reason: String) {
        let mendable = self.mending.row(record, &reason);
        let mut problem = Problem::not_imported(position, reason).mendable(mendable);
        let name = self.columns.of(Target::Name).map_or("", |column| record.field(column));
        problem.entry = (!name.is_empty()).then(|| name.to_owned());
        self.found.problem(problem);
    }

    fn summary(&self, mark: Mark) -> Summary {
        let headings = if self.columns.has_headings() { "headings" } else { "no headings" };
        let mut format = format!("CSV, {}, {headings}", dialect::name(self.mending.delimiter));
        let encoding = match mark {
            Mark::Utf16Le | Mark::Utf16Be => Some("UTF-16"),
            Mark::None | Mark::Utf8 if self.seen.other => Some("Windows-1252"),
            Mark::None | Mark::Utf8 => None,
        };
        if let Some(encoding) = encoding {
            format.push_str(", ");
            format.push_str(encoding);
        }
        let mapping: Vec<MappedField> = self.columns.mapping();
        Summary {
            format,
            mapping,
            unused: self.columns.unused(),
            mendable_head: self.mending.head(&self.columns, mark != Mark::None || self.seen.other),
        }
    }
}

/// Says what was left out of a row that was taken.
fn warning(record: &Record, columns: &Columns, fault: &Fault) -> Problem {
    let position = Position::line(record.line).field(columns.label(fault.target));
    let reason = format!("{}: {}", fault.target.name(), fault.reason);
    let name = columns.of(Target::Name).map_or("", |column| record.field(column));
    Problem::warning(position, reason).entry(name)
}

/// As much of a text as fits an error.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
