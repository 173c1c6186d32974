//! The lines that a plugin writes: each goes into the host's own log under the plugin's id, and the newest ones are kept until
//! somebody takes them.
//!
//! A line is cleaned of control characters and cut at 4 KiB. Kept in memory, and no more than a few hundred kilobytes of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use ostler_core::{Clock, LogLevel, Timestamp};
use serde::{Deserialize, Serialize};

use crate::text;

/// Bytes of a line that are kept, as the WIT document says.
pub(crate) const LONGEST_LINE: usize = 4096;
/// Lines that are kept until they are taken.
const MOST_LINES: usize = 1000;
/// Bytes of text that are kept until they are taken.
const MOST_BYTES: usize = 256 << 10;

/// A line that a plugin wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub time: Timestamp,
    /// How much it matters; what it writes to its standard output and error is `info`.
    pub level: LogLevel,
    /// One line without control characters, at most 4 KiB.
    pub text: String,
}

/// The log of one plugin.
pub(crate) struct LogBook {
    plugin: Arc<str>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<LogLine>,
    bytes: usize,
}

impl LogBook {
    pub(crate) fn new(plugin: Arc<str>, clock: Arc<dyn Clock>) -> Self {
        Self { plugin, clock, kept: Mutex::default() }
    }

    /// Writes a line, cleaned and cut.
    pub(crate) fn write(&self, level: LogLevel, line: &str) {
        let text = text::line(line, LONGEST_LINE).into_owned();
        let plugin = &*self.plugin;
        // The level of an event is part of its static description, hence the repetition.
        match level {
            LogLevel::Trace => tracing::trace!(target: "ostler::plugin", plugin, "{text}"),
            LogLevel::Debug => tracing::debug!(target: "ostler::plugin", plugin, "{text}"),
            LogLevel::Info => tracing::info!(target: "ostler::plugin", plugin, "{text}"),
            LogLevel::Warn => tracing::warn!(target: "ostler::plugin", plugin, "{text}"),
            LogLevel::Error => tracing::error!(target: "ostler::plugin", plugin, "{text}"),
        }
        // What is written for its author alone must not drive out what others need.
        if level >= LogLevel::Info {
            self.keep(LogLine { time: self.clock.now(), level, text });
        }
    }

    /// Writes that lines over a limit were dropped.
    pub(crate) fn dropped(&self, lines: u64) {
        if lines > 0 {
            self.write(LogLevel::Warn, &format!("{lines} lines over the limit of a call were dropped"));
        }
    }

    fn keep(&self, line: LogLine) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes = kept.bytes.saturating_add(line.text.len());
        kept.lines.push_back(line);
        while kept.lines.len() > MOST_LINES || kept.bytes > MOST_BYTES {
            let Some(oldest) = kept.lines.pop_front() else { break };
            kept.bytes = kept.bytes.saturating_sub(oldest.text.len());
        }
    }

    /// Returns what is kept, the oldest first, and begins anew.
    pub(crate) fn take(&self) -> Vec<LogLine> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner)).lines.into()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A clock that stands.
    pub(crate) struct Still;

    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp(7)
        }
        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    fn book() -> LogBook {
        LogBook::new("test.one".into(), Arc::new(Still))
    }

    #[test]
    fn the_newest_lines_stay_and_are_taken_once() {
        let book = book();
        (0..MOST_LINES + 2).for_each(|number| book.write(LogLevel::Info, &number.to_string()));
        let taken = book.take();
        assert_eq!(taken.len(), MOST_LINES);
        assert_eq!(taken[0], LogLine { time: Timestamp(7), level: LogLevel::Info, text: "2".into() });
        assert_eq!(book.take(), []);
    }

    #[test]
    fn long_lines_are_cut_and_fill_no_memory() {
        let book = book();
        (0..MOST_LINES).for_each(|_| book.write(LogLevel::Error, &"x".repeat(1 << 20)));
        let bytes: Vec<usize> = book.take().iter().map(|line| line.text.len()).collect();
        assert!(bytes.iter().all(|bytes| *bytes <= LONGEST_LINE), "{bytes:?}");
        assert!(bytes.iter().sum::<usize>() <= MOST_BYTES, "{bytes:?}");
    }

    #[test]
    fn what_is_for_the_author_alone_is_not_kept() {
        let book = book();
        book.write(LogLevel::Trace, "a");
        book.write(LogLevel::Debug, "b");
        book.write(LogLevel::Warn, "c\u{1b}[2J");
        book.dropped(0);
        book.dropped(3);
        let taken: Vec<String> = book.take().into_iter().map(|line| line.text).collect();
        assert_eq!(taken.len(), 2);
        assert!(!taken[0].contains('\u{1b}'));
        assert_eq!(taken[1], "3 lines over the limit of a call were dropped");
    }
}
