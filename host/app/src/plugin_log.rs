//! The log of a plugin: what it wrote with the capability `log`, and to its standard output and error.
//!
//! It lies in the store, sealed, since it may name what only the user shall read. Each plugin has the newest lines. A line is kept when
//! the call ends that wrote it; `OSTLER_LOG` shows lines as they come. Never keeps what is for the author alone.

use ostler_core::LogLevel;
use ostler_registry::FoundPlugin;
use ostler_runtime::LogLine;
use ostler_vault::VaultError;
use serde::{Deserialize, Serialize};

use crate::host::rfc3339;
use crate::plugins::plugin_id;
use crate::{AppError, Host, Reply};

/// Lines that are kept of a plugin.
const MOST_LINES: usize = 2000;
/// Bytes of text that are kept of a plugin.
const MOST_BYTES: usize = 512 << 10;

/// A line of a plugin's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginLogLine {
    /// When, as RFC 3339 writes it.
    pub time: String,
    /// How much it matters.
    pub level: LogLevel,
    /// The version of the plugin.
    pub version: String,
    /// What it wrote: one line.
    pub text: String,
}

/// A line as it is kept.
#[derive(Serialize, Deserialize)]
struct KeptLine {
    #[serde(flatten)]
    line: LogLine,
    version: String,
}

impl Host {
    /// Keeps what a plugin just wrote.
    pub(crate) fn keep_log(&self, found: &FoundPlugin, lines: &[LogLine]) -> Result<(), VaultError> {
        if lines.is_empty() {
            return Ok(());
        }
        let version = found.inspection.manifest.version.to_string();
        self.vault()?.update_document(&document(&plugin_id(found)), &mut |bytes| {
            let mut all = read(bytes.as_deref());
            all.extend(lines.iter().map(|line| KeptLine { line: line.clone(), version: version.clone() }));
            all.drain(..surplus(&all));
            serde_json::to_vec(&all).ok().or(bytes)
        })
    }

    /// Returns the newest lines of a plugin's log that matter so much, the oldest of them first.
    pub(crate) fn plugin_log(&self, id: &str, level: LogLevel, last: usize) -> Result<Reply, AppError> {
        let document = self.vault()?.document(&document(id))?;
        if document.is_none() {
            // A name that was misspelt must not look like a plugin that never wrote anything.
            self.find_plugin(id)?;
        }
        let mut lines = read(document.as_deref());
        lines.retain(|kept| kept.line.level >= level);
        lines.drain(..lines.len().saturating_sub(last));
        let view = |kept: KeptLine| PluginLogLine {
            time: rfc3339(kept.line.time),
            level: kept.line.level,
            version: kept.version,
            text: kept.line.text,
        };
        Ok(Reply::PluginLog(lines.into_iter().map(view).collect()))
    }
}

/// The name of the sealed document that holds a plugin's log.
fn document(id: &str) -> String {
    format!("plugin-log/{id}")
}

/// A document that can't be read starts anew.
fn read(bytes: Option<&[u8]>) -> Vec<KeptLine> {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// Returns how many of the oldest lines have no room.
fn surplus(lines: &[KeptLine]) -> usize {
    let mut bytes = 0_usize;
    let fits = |kept: &&KeptLine| {
        bytes = bytes.saturating_add(kept.line.text.len());
        bytes <= MOST_BYTES
    };
    let room = lines.iter().rev().take(MOST_LINES).take_while(fits).count();
    lines.len().saturating_sub(room)
}

#[cfg(test)]
mod tests {
    use ostler_core::Timestamp;

    use super::*;

    fn lines(count: usize, bytes: usize) -> Vec<KeptLine> {
        let line = || LogLine { time: Timestamp(0), level: LogLevel::Info, text: "x".repeat(bytes) };
        (0..count).map(|_| KeptLine { line: line(), version: "1.0.0".to_owned() }).collect()
    }

    #[test]
    fn the_oldest_lines_make_room() {
        assert_eq!(surplus(&lines(MOST_LINES, 1)), 0);
        assert_eq!(surplus(&lines(MOST_LINES + 3, 1)), 3);
        assert_eq!(surplus(&lines(200, 4096)), 200 - MOST_BYTES / 4096);
        assert_eq!(surplus(&[]), 0);
    }
}
