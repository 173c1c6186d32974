//! The whole program listing a store: start, Argon2id, unlocking, reading, printing JSON. Beside it, KeePassXC's list.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use crate::keepassxc::{Database, NAME};
use crate::measure::{Limit, Measure, millis, pairs};
use crate::store::{LargeStore, PASSPHRASE};

/// How long a device waits before it signs in to a store that it has not seen before, and a little more.
const FIRST_WAIT: Duration = Duration::from_secs(6);

/// Measures `ostler connection list` on a store of so many connections, with a limit in milliseconds.
#[expect(clippy::disallowed_methods, reason = "starting a program is what is measured")]
pub(crate) fn measure(program: &Path, connections: usize, limit: f64) -> anyhow::Result<Measure> {
    let store = LargeStore::make(connections, 0)?;
    let home = store.directory.path();
    let mut passphrase = tempfile::NamedTempFile::new_in(home)?;
    passphrase.write_all(PASSPHRASE.as_bytes())?;
    let list = || {
        let output = Command::new(program)
            .args(["--json", "--store"])
            .arg(&store.path)
            .arg("--passphrase-file")
            .arg(passphrase.path())
            .args(["connection", "list"])
            .env_clear()
            .env("HOME", home)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("{} can't be run", program.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the list ended with {}: {said}", output.status);
        let listed = output.stdout.windows(8).filter(|part| part == b"\"server-").count();
        // A name and a path each.
        ensure!(
            listed == 2 * connections,
            "{listed} names and paths of {connections} connections were listed"
        );
        Ok(())
    };
    if list().is_err() {
        std::thread::sleep(FIRST_WAIT);
        list()?;
    }
    let database = Database::make(connections)?;
    let (own, peer) = pairs(|| millis(list), || millis(|| database.list()))?;
    Ok(Measure { unit: "ms", own, peer: Some((NAME, peer)), limit: Limit::Value(limit) })
}
