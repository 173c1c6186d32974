//! Tables and lists of facts, lined up by the width that a terminal shows.

use unicode_width::UnicodeWidthStr as _;

use super::{Style, escape};

/// A table: a heading and rows. Cells are foreign text until they are painted here.
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// A cell: its text, and how it is painted.
pub(crate) struct Cell {
    text: String,
    paint: fn(Style, &str) -> String,
}

impl Cell {
    /// A cell that is painted.
    pub(crate) fn painted(text: &str, paint: fn(Style, &str) -> String) -> Self {
        Self { text: escape(text), paint }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::painted(text.as_ref(), |_, text| text.to_owned())
    }
}

impl Table {
    pub(crate) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Renders the table; nothing where it has no rows.
    pub(crate) fn render(&self, style: Style) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let widths: Vec<usize> = (0..self.headings.len()).map(|column| self.width(column)).collect();
        let headings = self.headings.iter().map(|heading| (*heading, style.bold(heading)));
        let mut text = line(headings, &widths);
        for row in &self.rows {
            let cells = row.iter().map(|cell| (cell.text.as_str(), (cell.paint)(style, &cell.text)));
            text.push_str(&line(cells, &widths));
        }
        text
    }

    fn width(&self, column: usize) -> usize {
        let heading = self.headings.get(column).map_or(0, |heading| heading.width());
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width());
        cells.fold(heading, usize::max)
    }
}

/// Renders one line; the last column is not padded.
fn line<'a>(cells: impl Iterator<Item = (&'a str, String)>, widths: &[usize]) -> String {
    let mut text = String::new();
    let mut gap = 0;
    for ((plain, painted), width) in cells.zip(widths) {
        text.push_str(&" ".repeat(gap));
        text.push_str(&painted);
        gap = width.saturating_sub(plain.width()).saturating_add(2);
    }
    format!("{}\n", text.trim_end())
}

/// Facts, one to a line: a name and what it is.
pub(crate) struct Facts(Vec<(&'static str, String)>);

impl Facts {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a fact of foreign text; an empty one is left out.
    pub(crate) fn add(&mut self, name: &'static str, value: impl AsRef<str>) -> &mut Self {
        let value = value.as_ref();
        if !value.is_empty() {
            self.0.push((name, escape(value)));
        }
        self
    }

    /// Adds a fact where there is one.
    pub(crate) fn maybe(&mut self, name: &'static str, value: Option<impl AsRef<str>>) -> &mut Self {
        match value {
            Some(value) => self.add(name, value),
            None => self,
        }
    }

    pub(crate) fn render(&self, style: Style) -> String {
        let width = self.0.iter().map(|(name, _)| name.width()).max().unwrap_or_default();
        let lines = self.0.iter().map(|(name, value)| {
            let gap = " ".repeat(width.saturating_sub(name.width()).saturating_add(2));
            format!("{}{gap}{value}\n", style.dim(name))
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { colored: false };

    #[test]
    fn columns_line_up_by_shown_width() {
        let mut table = Table::new(&["NAME", "HOST"]);
        table.row(["東京".into(), "a".into()]);
        table.row(["x".into(), "b".into()]);
        assert_eq!(table.render(PLAIN), "NAME  HOST\n東京  a\nx     b\n");
    }

    #[test]
    fn colors_do_not_move_columns() {
        let mut table = Table::new(&["S", "T"]);
        table.row([Cell::painted("ready", Style::state), "x".into()]);
        let colored = table.render(Style { colored: true });
        assert!(colored.ends_with("\u{1b}[32mready\u{1b}[0m  x\n"), "{colored:?}");
    }

    #[test]
    fn facts_without_a_value_are_left_out() {
        let mut facts = Facts::new();
        facts.add("name", "x").add("notes", "").maybe("longer", Some("y\u{7}"));
        assert_eq!(facts.render(PLAIN), "name    x\nlonger  y\\u{7}\n");
    }
}
