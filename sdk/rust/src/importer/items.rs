//! Short ways to make descriptions, positions, problems and failures.

use std::io;

use super::{Failure, Info, OptionInfo, Position, Problem, Severity, Summary};

impl Info {
    /// Describes a format without file name endings and options.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), extensions: Vec::new(), options: Vec::new() }
    }

    /// Adds a file name ending, without the dot.
    #[must_use]
    pub fn extension(mut self, extension: impl Into<String>) -> Self {
        self.extensions.push(extension.into());
        self
    }

    /// Adds an option that takes any text. A name that ends in `.` takes any key behind it, such as `map.`.
    #[must_use]
    pub fn option(self, name: impl Into<String>, help: impl Into<String>) -> Self {
        self.option_of::<String>(name, help, [])
    }

    /// Adds an option that takes one of `choices`.
    #[must_use]
    pub fn option_of<T: Into<String>>(
        mut self,
        name: impl Into<String>,
        help: impl Into<String>,
        choices: impl IntoIterator<Item = T>,
    ) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        self.options.push(OptionInfo { name: name.into(), help: help.into(), choices });
        self
    }
}

impl Position {
    /// Names a line, counted from 1.
    #[must_use]
    pub fn line(line: u64) -> Self {
        Self { line: Some(line), column: None, field: None }
    }

    /// Names nothing: the whole file.
    #[must_use]
    pub fn nowhere() -> Self {
        Self { line: None, column: None, field: None }
    }

    /// Adds the field or path, such as `Port` or `Connections[3].Url`.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl Problem {
    /// Says why an entry was not imported: what is wrong and what to do, one clause.
    pub fn not_imported(position: Position, reason: impl Into<String>) -> Self {
        Self { position, entry: None, severity: Severity::NotImported, reason: reason.into(), mendable: None }
    }

    /// Says what was left out of an entry that was imported.
    pub fn warning(position: Position, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::not_imported(position, reason) }
    }

    /// Names the entry.
    #[must_use]
    pub fn entry(mut self, name: impl Into<String>) -> Self {
        self.entry = Some(name.into());
        self
    }

    /// Gives the record as it can be mended and imported again, with the line's end, behind [`Summary::mendable_head`].
    #[must_use]
    pub fn mendable(mut self, record: impl Into<Vec<u8>>) -> Self {
        self.mendable = Some(record.into());
        self
    }

    pub(super) fn weight(&self) -> usize {
        self.reason.len() + self.mendable.as_ref().map_or(0, Vec::len)
    }
}

impl Summary {
    /// Names the format as recognized, such as `CSV, semicolon, headings`.
    pub fn new(format: impl Into<String>) -> Self {
        Self { format: format.into(), mapping: Vec::new(), unused: Vec::new(), mendable_head: Vec::new() }
    }
}

impl Failure {
    /// Says why an option can't be used.
    pub fn option(name: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::BadOption((name.into(), reason.into()))
    }

    /// Says why the file is not of this format, or where it is broken beyond its records.
    pub fn file(position: Position, reason: impl Into<String>) -> Self {
        Self::BadFile((position, reason.into()))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::file(Position::nowhere(), error.to_string())
    }
}
