//! `ostler import`: connections from a file, read by an importer plugin.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostler_app::{AppError, Command, ImportCommand, Reply};

use super::fields::pair;
use crate::context::Context;
use crate::error::CliError;
use crate::names;
use crate::new_file::write_new;
use crate::output::import_file;

/// Import connections from a file.
///
/// An importer plugin reads the file. What can't be imported is named with its line, and written to a file that can be
/// mended and imported again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostler import servers.csv --type ssh --dry-run                 see the mapping and what would happen
  ostler import servers.csv --type ssh --into Customers/Acme --report servers.report.csv
  ostler import servers.csv --type ssh --delimiter ';' --headers yes --map host=Address --map name=Title
  ostler import list.txt --plugin ostler.importer-csv --type ssh --headers no --map name=1 --map host=2")]
pub(crate) struct Import {
    /// The file.
    file: PathBuf,
    /// The importer's plugin id; without it, the one that recognizes the file.
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,
    /// The type of connections that the file holds, such as ssh or rdp.
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// What separates columns: a comma, a semicolon or 'tab'.
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// Whether the first line holds headings.
    #[arg(long, value_enum, value_name = "WHETHER")]
    headers: Option<Headers>,
    /// Take a field from this column (heading or number). May be given several times.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// Give the importer an option of its own. May be given several times.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    option: Vec<(String, String)>,
    /// The folder to import into; missing ones are made.
    #[arg(long, value_name = "FOLDER", default_value = "", add = names::folders())]
    into: String,
    /// Show what would happen and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Update also connections that were edited here since they were imported.
    #[arg(long)]
    overwrite_edited: bool,
    /// Write the report to this new file, too: CSV or JSON where its name ends so, else text.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Where to write the records that could not be imported; without it, beside the file.
    #[arg(long, value_name = "FILE")]
    mend: Option<PathBuf>,
}

/// Whether the first line holds headings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Headers {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// The importer finds out.
    Auto,
}

impl Headers {
    fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Auto => "auto",
        }
    }
}

impl Import {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let file = self.report.clone();
        let reply = context.execute(Command::Import(self.command())).await?;
        context.output.reply(&reply)?;
        if let (Some(file), Reply::Imported(report)) = (file, &reply) {
            let failed = |source| AppError::File { file: file.clone(), source };
            write_new("the report", &file, &import_file::content(report, &file).map_err(failed)?)?;
        }
        Ok(0)
    }

    fn command(self) -> ImportCommand {
        let named = [
            ("type", self.kind),
            ("delimiter", self.delimiter),
            ("headers", self.headers.map(|headers| headers.name().to_owned())),
        ];
        let named = named.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)));
        let mapped = self.map.into_iter().map(|(field, column)| (format!("map.{field}"), column));
        ImportCommand {
            file: self.file,
            plugin: self.plugin,
            options: named.chain(mapped).chain(self.option).collect(),
            into: self.into,
            dry_run: self.dry_run,
            overwrite_edited: self.overwrite_edited,
            mend_file: self.mend,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        import: Import,
    }

    #[test]
    fn words_become_options_of_the_importer() {
        let words =
            ["x", "f.csv", "--type", "ssh", "--headers", "no", "--map", "host=2", "--option", "quote='"];
        let command = Only::parse_from(words).import.command();
        let options: Vec<(&str, &str)> =
            command.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(options, [("type", "ssh"), ("headers", "no"), ("map.host", "2"), ("quote", "'")]);
        assert!(!command.dry_run);
    }
}
