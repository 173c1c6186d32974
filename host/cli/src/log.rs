//! The program's log: a file of its own that only the user can read, bounded in size. It never goes to the terminal,
//! and no level makes protocol libraries write down what they send.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

/// The size at which the log is set aside when the program starts, in bytes. One older log is kept.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The levels, as configuration and environment name them.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// The level where nothing is said.
const DEFAULT_LEVEL: &str = "info";

/// Returns the log's file.
pub(crate) fn file(state: &Path) -> PathBuf {
    state.join("log").join("ostler.log")
}

/// Chooses the level: the environment's, then the configuration's. Returns it with a complaint about one that is none.
pub(crate) fn level(
    environment: Option<&str>,
    configured: Option<&'static str>,
) -> (&'static str, Option<String>) {
    let wanted = environment.map(str::trim).filter(|wanted| !wanted.is_empty());
    let Some(wanted) = wanted else { return (configured.unwrap_or(DEFAULT_LEVEL), None) };
    match LEVELS.iter().find(|known| known.eq_ignore_ascii_case(wanted)) {
        Some(known) => (known, None),
        None => {
            let complaint = format!("OSTLER_LOG: '{wanted}' is no level; use one of {}", LEVELS.join(", "));
            (configured.unwrap_or(DEFAULT_LEVEL), Some(complaint))
        }
    }
}

/// Begins to log. Other crates than ours are heard from `warn` on only: at more, some write what goes over the wire.
///
/// # Errors
/// Fails where the file can't be written.
pub(crate) fn start(file: &Path, level: &str) -> io::Result<()> {
    let opened = open(file)?;
    let others = if level == "off" || level == "error" { level } else { "warn" };
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(format!("{others},ostler={level}")))
        .with_ansi(false)
        // A log that takes no more, on a full disk, must not fill the terminal with complaints.
        .log_internal_errors(false)
        .with_writer(Mutex::new(opened))
        .try_init()
        .map_err(io::Error::other)
}

fn open(file: &Path) -> io::Result<File> {
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    if std::fs::metadata(file).is_ok_and(|found| found.len() > LARGEST) {
        std::fs::rename(file, file.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_goes_before_the_configuration() {
        assert_eq!(level(Some("DEBUG"), Some("warn")), ("debug", None));
        assert_eq!(level(None, Some("warn")), ("warn", None));
        assert_eq!(level(Some(""), None), ("info", None));
    }

    #[test]
    fn a_word_that_is_no_level_is_complained_about_and_ignored() {
        let (level, complaint) = level(Some("russh=trace"), Some("warn"));
        assert_eq!(level, "warn");
        assert!(complaint.is_some_and(|text| text.contains("russh=trace")));
    }
}
