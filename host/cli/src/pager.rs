//! Long lists, page by page: on a terminal, what does not fit goes through the person's pager.

use std::io::Write as _;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use unicode_width::UnicodeWidthStr as _;

use crate::terminal;

/// Whether a pager got the terminal.
static STARTED: AtomicBool = AtomicBool::new(false);

/// The pager where nobody names one.
const DEFAULT: &str = "less";

/// What `less` is told where nobody tells it: end where one page is enough, show colors, leave the text on the screen.
const LESS: &str = "FRX";

/// Shows text through the pager where standard output is a terminal that is too small for it. Returns whether it did; where
/// no pager can be started, it did not.
pub(crate) fn show(text: &str) -> bool {
    if !terminal::stdout_is_terminal() || !terminal::stdin_is_terminal() {
        return false;
    }
    let Some(size) = terminal::size() else { return false };
    if rows(text, usize::from(size.columns)) < usize::from(size.rows) {
        return false;
    }
    let named = ["OSTLER_PAGER", "PAGER"].iter().find_map(|name| std::env::var(name).ok());
    let pager = named.unwrap_or_else(|| DEFAULT.to_owned());
    if matches!(pager.trim(), "" | "cat") {
        return false;
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the person's own pager, as every program of the terminal starts it"
    )]
    let mut command = std::process::Command::new("/bin/sh");
    command.arg("-c").arg(&pager).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    // A pager has no business with what opens a store.
    command.env_remove("OSTLER_PASSPHRASE_FILE").env_remove("OSTLER_STORE_KEY_FILE");
    // An interrupt is the pager's key: it stops a search there, and must not end this program under it. It may be heard
    // only after the pager has ended; by then nothing is left that a person could want to stop.
    let handler = tokio::runtime::Handle::try_current().map(|_| signal(SignalKind::interrupt()));
    STARTED.store(true, Ordering::SeqCst);
    let shown = command.spawn().and_then(|mut child| {
        if let Some(mut pipe) = child.stdin.take() {
            // Who has seen enough leaves: the rest is not an error.
            pipe.write_all(text.as_bytes()).unwrap_or_default();
        }
        child.wait()
    });
    drop(handler);
    // The shell's numbers for a program that is not there or can't be run: nothing was shown.
    shown.is_ok_and(|ended| !matches!(ended.code(), Some(126 | 127)))
}

/// Returns whether a pager got the terminal, so that an interrupt is its business.
pub(crate) fn has_started() -> bool {
    STARTED.load(Ordering::SeqCst)
}

/// Counts the rows that text takes on a screen. Colors count as if they had a width: a pager that is started needlessly
/// shows one page and ends, a text that scrolls away is gone.
fn rows(text: &str, columns: usize) -> usize {
    text.lines().map(|line| line.width().div_ceil(columns.max(1)).max(1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_wider_than_the_screen_takes_several_rows() {
        assert_eq!(rows("", 80), 0);
        assert_eq!(rows("one\n\ntwo\n", 80), 3);
        assert_eq!(rows(&"x".repeat(80), 80), 1);
        assert_eq!(rows(&"x".repeat(81), 80), 2);
        assert_eq!(rows("\u{6f22}\u{5b57}", 3), 2, "wide characters");
    }
}
