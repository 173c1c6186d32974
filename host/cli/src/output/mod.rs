//! What the program prints: replies as words or JSON on standard output, notes and errors on standard error. All of it
//! goes through one writer, for which a reader that went away is no error.

mod access;
mod checks;
mod entries;
pub(crate) mod import_file;
mod imported;
mod json;
mod plugins;
mod records;
mod style;
mod table;
mod text;

use std::io;

use clap::ValueEnum;
use ostler_app::{AuditView, Reply};

use crate::error::CliError;
use crate::{pager, terminal};

pub(crate) use style::Style;
pub(crate) use text::{escape, escape_lines};

/// When colors are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The one writer.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    out: Style,
    err: Style,
    json: bool,
    paged: bool,
}

impl Output {
    /// Decides about colors, once.
    pub(crate) fn new(color: ColorChoice, json: bool, paged: bool) -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let wanted = |is_terminal: bool| match color {
            ColorChoice::Auto => colored(&variable, is_terminal),
            ColorChoice::Always => true,
            ColorChoice::Never => false,
        };
        Self {
            out: Style { colored: wanted(terminal::stdout_is_terminal()) },
            err: Style { colored: wanted(terminal::stderr_is_terminal()) },
            json,
            paged: paged && !json,
        }
    }

    /// Returns whether JSON is wanted.
    pub(crate) fn json(&self) -> bool {
        self.json
    }

    /// Prints a reply.
    ///
    /// # Errors
    /// Fails where standard output can't be written.
    pub(crate) fn reply(&self, reply: &Reply) -> Result<(), CliError> {
        let text = if self.json { json::render(reply)? } else { words(reply, self.out) };
        if self.paged && pager::show(&text) {
            return Ok(());
        }
        self.text(&text)
    }

    /// Prints a reply as JSON on standard error, where standard output belongs to a session.
    ///
    /// # Errors
    /// Fails where it can't be written as JSON.
    pub(crate) fn report(&self, reply: &Reply) -> Result<(), CliError> {
        complain(&json::render(reply)?);
        Ok(())
    }

    /// Prints a value as JSON.
    ///
    /// # Errors
    /// Fails where standard output can't be written.
    pub(crate) fn value(&self, value: &serde_json::Value) -> Result<(), CliError> {
        self.text(&json::pretty(value)?)
    }

    /// Prints text, which must be safe for a terminal.
    ///
    /// # Errors
    /// Fails where standard output can't be written.
    pub(crate) fn text(&self, text: &str) -> Result<(), CliError> {
        match terminal::write_stdout(text.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Output(error)),
            _ => Ok(()),
        }
    }

    /// Prints an audit event that just came, on one line.
    pub(crate) fn audited(&self, event: &AuditView) {
        let line = match serde_json::to_string(event) {
            Ok(json) if self.json => json,
            _ => records::audited(event, self.out),
        };
        self.lines(&[line]);
    }

    /// Prints lines for other programs. Where they can't be written any more, there is nobody to tell.
    pub(crate) fn lines(&self, lines: &[String]) {
        self.text(&lines.iter().map(|line| json::line(line)).collect::<String>()).unwrap_or_default();
    }

    /// Says something that is good to know.
    pub(crate) fn note(&self, text: &str) {
        complain(&format!("{} {}\n", self.err.dim("note:"), escape_lines(text)));
    }

    /// Says something that should be looked after.
    pub(crate) fn warning(&self, text: &str) {
        complain(&format!("{} {}\n", self.err.yellow("warning:"), escape_lines(text)));
    }

    /// Says what went wrong, why, and what to do.
    pub(crate) fn error(&self, error: &CliError) {
        let mut text = format!("{} {}\n", self.err.red("error:"), escape_lines(&error.to_string()));
        for cause in error.causes() {
            text.push_str(&format!("  {} {}\n", self.err.dim("because:"), escape_lines(&cause)));
        }
        if let Some(hint) = error.hint() {
            text.push_str(&format!("{} {}\n", self.err.cyan("hint:"), escape_lines(&hint)));
        }
        complain(&text);
    }
}

/// Decides about colors by the environment, as <https://no-color.org> and <https://bixense.com/clicolors> have it: NO_COLOR goes
/// before CLICOLOR_FORCE, and that before what the terminal is.
fn colored(variable: &dyn Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    if variable("NO_COLOR").is_some() {
        return false;
    }
    if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let dumb = variable("TERM").is_none_or(|kind| kind == "dumb");
    is_terminal && !dumb && variable("CLICOLOR").is_none_or(|value| value != "0")
}

/// Writes to standard error. Where nobody can be told, there is nobody to tell that.
fn complain(text: &str) {
    terminal::write_stderr(text.as_bytes()).unwrap_or_default();
}

/// Puts a reply into words.
fn words(reply: &Reply, style: Style) -> String {
    match reply {
        Reply::Done(text) => format!("{}\n", escape_lines(text)),
        Reply::Store(store) => entries::store(store, style),
        Reply::StoreVerified(verified) => entries::store_verified(verified, style),
        Reply::Folder(folder) => entries::folder(folder, style),
        Reply::Connection(connection) => entries::connection(connection, style),
        Reply::Connections(list) => entries::connections(list, style),
        Reply::Tree(nodes) => entries::tree(nodes, style),
        Reply::Imported(report) => imported::report(report, style),
        Reply::Exported(report) => imported::exported(report),
        Reply::Plan(plan) => access::plan(plan, style),
        Reply::Session(report) => access::session(report, style),
        Reply::KnownHosts(hosts) => access::known_hosts(hosts, style),
        Reply::Recordings(list) => records::recordings(list, style),
        Reply::RecordingsVerified(list) => records::recordings_verified(list, style),
        Reply::Audit(events) => records::audit(events, style),
        Reply::AuditVerified(verified) => records::audit_verified(verified, style),
        Reply::AuditExported(exported) => records::audit_exported(exported),
        Reply::Checkpoint(note) => escape_lines(note),
        Reply::Plugins(list) => plugins::list(list, style),
        Reply::Plugin(plugin) => plugins::detail(plugin, style),
        Reply::PluginLog(lines) => plugins::log(lines, style),
        Reply::PluginCrashes(reports) => plugins::crashes(reports, style),
        Reply::Settings(settings) => plugins::settings(settings, style),
        Reply::SourceEntries(entries) => plugins::entries(entries, style),
        Reply::Checks(list) => checks::list(list, style),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_where_the_environment_wants_them() {
        let decided = |variables: &[(&str, &str)], is_terminal| {
            let known = |name: &str| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            colored(&known, is_terminal)
        };
        let xterm = ("TERM", "xterm");
        assert!(decided(&[xterm], true));
        assert!(!decided(&[xterm], false));
        assert!(!decided(&[("TERM", "dumb")], true));
        assert!(!decided(&[], true));
        assert!(!decided(&[xterm, ("NO_COLOR", "1")], true));
        assert!(!decided(&[xterm, ("CLICOLOR", "0")], true));
        assert!(decided(&[("CLICOLOR_FORCE", "1")], false));
        assert!(!decided(&[("CLICOLOR_FORCE", "0")], false));
        assert!(!decided(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], true));
    }
}
