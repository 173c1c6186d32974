//! `ostler export`: connections to a file that others read, or that comes back.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ostler_app::{AppError, Command, ExportCommand, ExportForm};

use crate::context::Context;
use crate::error::CliError;
use crate::names;

/// Export connections to a new file.
///
/// Without secrets, unless --with-secrets says so. JSON is what `ostler import` takes in again as it was.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ostler export everything.json
  ostler export acme.json --folder Customers/Acme --with-secrets
  ostler export list.csv --folder Customers
  ostler export dc1.rdp --connection dc1
  ostler export config --format ssh-config")]
pub(crate) struct Export {
    /// The file.
    file: PathBuf,
    /// The form; without it, what the file's name says: .json, .csv or .rdp.
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Only what stands in this folder and below.
    #[arg(long, value_name = "FOLDER", default_value = "", add = names::folders())]
    folder: String,
    /// Only this connection.
    #[arg(long, value_name = "NAME", conflicts_with = "folder", add = names::connections())]
    connection: Option<String>,
    /// Write passwords and keys too, in clear text.
    #[arg(long)]
    with_secrets: bool,
}

/// The forms that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// All that there is, to be imported again.
    Json,
    /// A table.
    Csv,
    /// One RDP connection, for other clients.
    Rdp,
    /// SSH connections, for OpenSSH.
    SshConfig,
}

impl Export {
    pub(crate) async fn run(self, context: &Context) -> Result<u8, CliError> {
        let ending = self.file.extension().map(|ending| ending.to_ascii_lowercase());
        let by_name = match ending.as_ref().and_then(|ending| ending.to_str()) {
            Some("json") => Some(Format::Json),
            Some("csv") => Some(Format::Csv),
            Some("rdp") => Some(Format::Rdp),
            _ => None,
        };
        let Some(format) = self.format.or(by_name) else {
            let reason = "the file's name does not say it: name it with --format".to_owned();
            return Err(AppError::BadValue { what: "format".to_owned(), reason }.into());
        };
        if self.with_secrets {
            context
                .output
                .warning("the file holds passwords in clear text: delete it when it is not needed any more");
        }
        let command = ExportCommand {
            file: self.file,
            format: match format {
                Format::Json => ExportForm::Json,
                Format::Csv => ExportForm::Csv,
                Format::Rdp => ExportForm::Rdp,
                Format::SshConfig => ExportForm::SshConfig,
            },
            folder: self.folder,
            connection: self.connection,
            with_secrets: self.with_secrets,
        };
        context.run(Command::Export(command)).await
    }
}
