//! Replies as JSON: the reply's own data, without the name of its kind around it.

use ostler_app::Reply;
use serde::Serialize;
use serde_json::json;

use super::text::steers;
use crate::error::CliError;

/// Renders a reply.
///
/// # Errors
/// Fails where a value has no form in JSON.
pub(crate) fn render(reply: &Reply) -> Result<String, CliError> {
    match reply {
        Reply::Done(message) => pretty(&json!({ "message": message })),
        Reply::Checkpoint(note) => pretty(&json!({ "checkpoint": note })),
        Reply::Store(inner) => pretty(inner),
        Reply::StoreVerified(inner) => pretty(inner),
        Reply::Folder(inner) => pretty(inner),
        Reply::Connection(inner) => pretty(inner),
        Reply::Connections(inner) => pretty(inner),
        Reply::Tree(inner) => pretty(inner),
        Reply::Imported(inner) => pretty(inner),
        Reply::Exported(inner) => pretty(inner),
        Reply::Plan(inner) => pretty(inner),
        Reply::Session(inner) => pretty(inner),
        Reply::Recordings(inner) => pretty(inner),
        Reply::RecordingsVerified(inner) => pretty(inner),
        Reply::Audit(inner) => pretty(inner),
        Reply::AuditVerified(inner) => pretty(inner),
        Reply::AuditExported(inner) => pretty(inner),
        Reply::Plugins(inner) => pretty(inner),
        Reply::Plugin(inner) => pretty(inner),
        Reply::PluginCrashes(inner) => pretty(inner),
        Reply::PluginLog(inner) => pretty(inner),
        Reply::Settings(inner) => pretty(inner),
        Reply::SourceEntries(inner) => pretty(inner),
        Reply::KnownHosts(inner) => pretty(inner),
        Reply::Checks(inner) => pretty(inner),
    }
}

/// Renders a value over several lines. Characters that steer a terminal stand as escapes, which JSON allows in strings,
/// the only place where they can be.
///
/// # Errors
/// Fails where the value has no form in JSON.
pub(crate) fn pretty<T: Serialize + ?Sized>(value: &T) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value).map_err(CliError::Json)?;
    let mut safe = String::with_capacity(text.len().saturating_add(1));
    text.lines().for_each(|line| push_line(&mut safe, line));
    Ok(safe)
}

/// Returns a line of JSON, or of something else that a program reads, with escapes for what steers a terminal.
pub(crate) fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().saturating_add(1));
    push_line(&mut safe, text);
    safe
}

fn push_line(safe: &mut String, text: &str) {
    // Nearly all lines; a list of 100,000 connections has millions.
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        safe.push_str(text);
    } else {
        for c in text.chars() {
            if steers(c) {
                // All of them are in the first plane, so four digits do.
                safe.push_str(&format!("\\u{:04x}", u32::from(c)));
            } else {
                safe.push(c);
            }
        }
    }
    safe.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_steer_a_terminal_are_escaped_and_read_back_the_same() {
        let evil = "a\u{1b}[2J\u{9b}\u{202e}\nb";
        let text = pretty(&json!({ "name": evil })).unwrap();
        assert!(
            text.trim_end().lines().count() == 3 && !text.contains(['\u{1b}', '\u{9b}', '\u{202e}']),
            "{text}"
        );
        let back: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], evil);
    }

    #[test]
    fn a_sentence_becomes_a_message() {
        assert_eq!(
            render(&Reply::Done("it is done".to_owned())).unwrap(),
            "{\n  \"message\": \"it is done\"\n}\n"
        );
    }
}
