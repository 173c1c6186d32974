//! Files that this program makes for the user. Never replaces one that is there.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::error::CliError;

/// Writes a new file that only the user can read.
pub(crate) fn write_new(what: &str, file: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |source| CliError::File { what: format!("{what} {}", file.display()), source };
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(failed)
}
