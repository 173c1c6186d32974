//! Words for an import: how columns were taken, what was created, what was filled in, and what was not imported and why.

use ostler_app::core::{MappedField, MappingState, Position};
use ostler_app::{ExportReport, ImportReport, ProblemView, UpdateView};

use super::table::{Cell, Table};
use super::{Style, escape};

/// As many entries of a kind as fit a screen; `--report` and `--json` have all.
const MOST_NAMES: usize = 40;

pub(crate) fn report(report: &ImportReport, style: Style) -> String {
    let mut text = format!(
        "{} {}, read by {}\n",
        style.bold(if report.dry_run { "Preview:" } else { "Import:" }),
        escape(&report.format),
        escape(&report.plugin)
    );
    if !report.candidates.is_empty() {
        let others: Vec<String> = report
            .candidates
            .iter()
            .map(|other| format!("{} ({} of 100)", escape(&other.plugin), other.how_sure))
            .collect();
        text.push_str(&format!("{} {}\n", style.dim("recognized also by:"), others.join(", ")));
    }
    text.push_str(&mapping(report, style));
    text.push_str(&counts(report, style));
    text.push_str(&defaults(report, style));
    let (warned, refused): (Vec<&ProblemView>, Vec<&ProblemView>) =
        report.problems.iter().partition(|problem| problem.imported);
    text.push_str(&problems("Imported, but something was left out", &warned, style));
    text.push_str(&problems("Not imported", &refused, style));
    if let Some(file) = &report.mend_file {
        let file = escape(&file.display().to_string());
        text.push_str(&format!(
            "\nThe records that were not imported are in {file}; mend and import it, then delete it: it may hold passwords.\n"
        ));
    }
    if report.dry_run {
        text.push_str(&format!("\n{}\n", style.bold("Nothing was changed. Leave out --dry-run to import.")));
    }
    text
}

pub(crate) fn exported(report: &ExportReport) -> String {
    let file = escape(&report.file.display().to_string());
    let mut text = format!(
        "{} connection(s) and {} folder(s) are in {file}, with {} secret(s)\n",
        report.connections, report.folders, report.secrets
    );
    if !report.left_out.is_empty() {
        text.push_str("\nLeft out\n");
        text.push_str(&some(
            report.left_out.iter().map(|(path, reason)| format!("{}: {}", escape(path), escape(reason))),
        ));
    }
    text
}

fn mapping(report: &ImportReport, style: Style) -> String {
    let mut table = Table::new(&["FIELD", "COLUMN", "EXAMPLE", ""]);
    for field in &report.mapping {
        table.row([
            (&field.target).into(),
            field.source.as_deref().unwrap_or("-").into(),
            field.example.as_deref().unwrap_or_default().into(),
            Cell::painted(decided(field), Style::dim),
        ]);
    }
    let mut text = table.render(style);
    if !text.is_empty() {
        text.insert(0, '\n');
    }
    if !report.unused.is_empty() {
        let unused: Vec<String> = report.unused.iter().map(|column| escape(column)).collect();
        text.push_str(&format!("{} {}\n", style.dim("columns not used:"), unused.join(", ")));
    }
    text
}

fn decided(field: &MappedField) -> &'static str {
    match field.state {
        MappingState::Chosen => "chosen",
        MappingState::Guessed => "guessed",
        MappingState::Unmapped => "not mapped",
    }
}

fn counts(report: &ImportReport, style: Style) -> String {
    let would = if report.dry_run { "would be " } else { "" };
    let mut text = format!("\n{} connection(s) {would}created", report.created.len());
    if !report.folders.is_empty() {
        text.push_str(&format!(" in {} new folder(s)", report.folders.len()));
    }
    text.push_str(&format!(", with {} secret(s)\n", report.secrets));
    if !report.updated.is_empty() {
        text.push_str(&format!("{} connection(s) {would}updated\n", report.updated.len()));
    }
    if !report.present.is_empty() {
        text.push_str(&format!("{} {} already there\n", report.present.len(), style.dim("connection(s)")));
    }
    text.push_str(&tree(report, style));
    if !report.kept.is_empty() {
        text.push_str(&format!(
            "\n{}\n",
            style.yellow("Changed in the file, and edited here since: left as they are (--overwrite-edited updates them)")
        ));
        let line = |kept: &UpdateView| format!("{}: {}", escape(&kept.entry), kept.changes.join(", "));
        text.push_str(&some(report.kept.iter().map(line)));
    }
    if !report.stripped.is_empty() {
        text.push_str(&format!(
            "\n{}\n",
            style.yellow("Without their credential, since policy keeps none here (deny-local-credentials)")
        ));
        text.push_str(&some(report.stripped.iter().map(|path| escape(path))));
    }
    text
}

/// What changes, as the tree that it makes: `+` is new, `~` is updated.
fn tree(report: &ImportReport, style: Style) -> String {
    let created = report.created.iter().map(|path| (path, style.green("+"), String::new()));
    let updated = report.updated.iter().map(|update| {
        (&update.entry, style.yellow("~"), format!("  {}", style.dim(&update.changes.join(", "))))
    });
    let mut entries: Vec<_> = created.chain(updated).collect();
    entries.sort_by_key(|(path, ..)| folder_of(path).to_owned());
    let (mut text, mut shown) = (String::new(), "");
    for (path, mark, more) in entries.iter().take(MOST_NAMES) {
        let folder = folder_of(path);
        if folder != shown {
            text.push_str(&format!("  {}/\n", escape(folder)));
            shown = folder;
        }
        let (name, indented) = match path.rsplit_once('/') {
            Some((_, name)) => (name, "    "),
            None => (path.as_str(), "  "),
        };
        text.push_str(&format!("{indented}{mark} {}{more}\n", escape(name)));
    }
    let left = entries.len().saturating_sub(MOST_NAMES);
    if left > 0 {
        text.push_str(&format!("  and {left} more\n"));
    }
    text
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// As many lines as fit a screen.
fn some(lines: impl ExactSizeIterator<Item = String>) -> String {
    let left = lines.len().saturating_sub(MOST_NAMES);
    let mut text: String = lines.take(MOST_NAMES).map(|line| format!("  {line}\n")).collect();
    if left > 0 {
        text.push_str(&format!("  and {left} more\n"));
    }
    text
}

fn defaults(report: &ImportReport, style: Style) -> String {
    let mut text = String::new();
    for entry in &report.defaults {
        if text.is_empty() {
            text.push_str(&format!("\n{}\n", style.yellow("Imported with defaults")));
        }
        let filled: Vec<String> = entry.defaults.iter().map(|sentence| escape(sentence)).collect();
        text.push_str(&format!("  {}{}: {}\n", at(&entry.position), escape(&entry.entry), filled.join("; ")));
    }
    text
}

fn problems(title: &str, problems: &[&ProblemView], style: Style) -> String {
    let mut text = String::new();
    for problem in problems {
        if text.is_empty() {
            let painted = if problem.imported { style.yellow(title) } else { style.red(title) };
            text.push_str(&format!("\n{painted}\n"));
        }
        let entry = problem.entry.as_deref().filter(|entry| !entry.is_empty());
        let entry = entry.map(|entry| format!("'{}': ", escape(entry))).unwrap_or_default();
        text.push_str(&format!("  {}{entry}{}\n", at(&problem.position), escape(&problem.reason)));
    }
    text
}

fn at(position: &Position) -> String {
    let shown = escape(&position.to_string());
    if shown.is_empty() { shown } else { format!("{shown}: ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Style = Style { colored: false };

    fn sample() -> ImportReport {
        ImportReport {
            dry_run: true,
            plugin: "ostler.importer-csv".to_owned(),
            format: "CSV, semicolon, headings".to_owned(),
            mapping: vec![MappedField {
                target: "host".to_owned(),
                source: Some("Server".to_owned()),
                example: Some("db1.example".to_owned()),
                state: MappingState::Guessed,
            }],
            unused: vec!["Color".to_owned()],
            candidates: Vec::new(),
            created: vec!["db1".to_owned(), "Lab/db3".to_owned()],
            updated: vec![UpdateView {
                entry: "Lab/db4".to_owned(),
                position: Position::default(),
                changes: vec!["host".to_owned(), "secrets".to_owned()],
            }],
            kept: vec![UpdateView {
                entry: "db5".to_owned(),
                position: Position::default(),
                changes: vec!["port".to_owned()],
            }],
            stripped: vec!["db1".to_owned()],
            folders: vec!["Lab".to_owned()],
            present: Vec::new(),
            secrets: 1,
            defaults: Vec::new(),
            problems: vec![ProblemView {
                position: Position { line: Some(3), column: None, field: Some("Port".to_owned()) },
                entry: Some("db2".to_owned()),
                imported: false,
                reason: "the port 70000 is not between 1 and 65535".to_owned(),
            }],
            mend_file: None,
        }
    }

    #[test]
    fn a_preview_shows_mapping_problems_and_that_nothing_changed() {
        let expected = "Preview: CSV, semicolon, headings, read by ostler.importer-csv\n\
            \n\
            FIELD  COLUMN  EXAMPLE\n\
            host   Server  db1.example  guessed\n\
            columns not used: Color\n\
            \n\
            2 connection(s) would be created in 1 new folder(s), with 1 secret(s)\n\
            1 connection(s) would be updated\n  \
              + db1\n  \
              Lab/\n    \
                + db3\n    \
                ~ db4  host, secrets\n\
            \n\
            Changed in the file, and edited here since: left as they are (--overwrite-edited updates them)\n  \
              db5: port\n\
            \n\
            Without their credential, since policy keeps none here (deny-local-credentials)\n  \
              db1\n\
            \n\
            Not imported\n  \
              line 3, field 'Port': 'db2': the port 70000 is not between 1 and 65535\n\
            \n\
            Nothing was changed. Leave out --dry-run to import.\n";
        assert_eq!(report(&sample(), PLAIN), expected);
    }

    #[test]
    fn many_names_are_cut_short() {
        let created = (0..45).map(|number| format!("c{number}")).collect();
        let many = tree(&ImportReport { created, updated: Vec::new(), ..sample() }, PLAIN);
        assert!(many.starts_with("  + c0\n") && many.ends_with("  and 5 more\n"), "{many}");
    }
}
