//! What the clients of a fake server did, in order. It holds no password: only whether one was right.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long [`Log::wait_for`] waits: long enough for a loaded machine, short enough to fail in.
const PATIENCE: Duration = Duration::from_secs(20);

/// Something that a client did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// A password came and is kept without an answer.
    PasswordHeld,
    /// It opened a connection.
    Connected,
    /// It tried to log in.
    Login {
        /// The user name.
        user: String,
        /// The method, as RFC 4252 names it.
        method: &'static str,
        /// Whether it was right.
        accepted: bool,
    },
    /// It set a variable.
    Environment {
        /// The variable's name.
        name: String,
        /// Its value.
        value: String,
    },
    /// It asked for a terminal.
    Terminal {
        /// The terminal's type.
        kind: String,
        /// Characters in a row.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// It started a shell.
    Shell,
    /// It ran a command, by `exec` or in the shell.
    Command(String),
    /// What it ran by `exec`, or its shell, ended by itself, with all of its output taken.
    Finished,
    /// It changed the size of its terminal.
    Resized {
        /// Characters in a row.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// It said that no more input comes.
    EndOfInput,
    /// Its connection is over.
    Disconnected,
}

/// The log of one server.
#[derive(Debug, Default)]
pub(crate) struct Log {
    entries: Mutex<Vec<Observed>>,
    grown: Condvar,
}

impl Log {
    pub(crate) fn push(&self, entry: Observed) {
        self.locked().push(entry);
        self.grown.notify_all();
    }

    pub(crate) fn entries(&self) -> Vec<Observed> {
        self.locked().clone()
    }

    /// Waits until the log fits; tells whether it did.
    pub(crate) fn wait_for(&self, fits: impl Fn(&[Observed]) -> bool) -> bool {
        let until = Instant::now() + PATIENCE;
        let mut entries = self.locked();
        loop {
            if fits(&entries) {
                return true;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            entries = self.grown.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Observed>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
