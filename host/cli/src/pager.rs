//! Long lists, page by page: on a terminal, what does not fit goes through the person's pager.

use std::io::Write as _;
use std::process::Stdio;

use crate::terminal;

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
    let rows = terminal::size().map_or(usize::MAX, |size| usize::from(size.rows));
    if text.lines().count() < rows {
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
    let Ok(mut child) = command.spawn() else { return false };
    if let Some(mut pipe) = child.stdin.take() {
        // Who has seen enough leaves: the rest is not an error.
        pipe.write_all(text.as_bytes()).unwrap_or_default();
    }
    // 127: there is no such program, and nothing was shown.
    child.wait().is_ok_and(|ended| ended.code() != Some(127))
}
