//! A terminal with a program in it: what it shows, what is typed, how large it is.

use std::io::{Read as _, Write};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long something may take to be shown: long enough for a loaded machine, short enough to fail in.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program in a terminal. Dropping it ends the program.
pub struct Terminal {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    shown: Arc<Shown>,
}

/// What is shown, and a bell that rings when it changes.
struct Shown {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    screen: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Shown {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    /// Starts a program in a new terminal.
    ///
    /// # Errors
    /// Fails where no terminal can be made or the program can't be started.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        environment: &[(&'static str, PathBuf)],
        directory: &Path,
        columns: u16,
        rows: u16,
    ) -> anyhow::Result<Self> {
        let size = PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size)?;
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(directory);
        let child = pair.slave.spawn_command(command)?;
        // Ours must go, or the end of the program would never be seen.
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader()?;
        let screen = vt100::Parser::new(nonzero(rows)?, nonzero(columns)?, 0);
        let state = Mutex::new(State { screen, raw: Vec::new(), ended: false });
        let shown = Arc::new(Shown { state, changed: Condvar::new() });
        let own = Arc::clone(&shown);
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || {
            let mut buffer = [0_u8; 4096];
            // Linux reports the end of a terminal as an error.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                let bytes = buffer.get(..count).unwrap_or_default();
                let mut state = own.state();
                state.screen.process(bytes);
                state.raw.extend_from_slice(bytes);
                own.changed.notify_all();
            }
            own.state().ended = true;
            own.changed.notify_all();
        })?;
        let writer = pair.master.take_writer()?;
        Ok(Self { master: pair.master, writer, child, shown })
    }

    /// Returns the text on the screen.
    #[must_use]
    pub fn screen(&self) -> String {
        self.shown.state().screen.screen().contents()
    }

    /// Returns every byte that was shown.
    #[must_use]
    pub fn raw(&self) -> Vec<u8> {
        self.shown.state().raw.clone()
    }

    /// Waits until more was shown than so many bytes, and returns every byte; none where the program ended without.
    ///
    /// # Errors
    /// Fails with what is on the screen where that takes too long.
    pub fn raw_beyond(&self, seen: usize) -> anyhow::Result<Option<Vec<u8>>> {
        let waiting = |state: &mut State| state.raw.len() <= seen && !state.ended;
        let (state, timed_out) = self
            .shown
            .changed
            .wait_timeout_while(self.shown.state(), PATIENCE, waiting)
            .unwrap_or_else(PoisonError::into_inner);
        if timed_out.timed_out() {
            bail!("waited in vain for more; the screen was:\n{}", state.screen.screen().contents());
        }
        Ok((state.raw.len() > seen).then(|| state.raw.clone()))
    }

    /// Returns the terminal's modes, to be compared.
    ///
    /// # Errors
    /// Fails where the system does not tell.
    pub fn modes(&self) -> anyhow::Result<impl PartialEq + std::fmt::Debug + use<>> {
        self.master.get_termios().context("the terminal does not tell its modes")
    }

    /// Waits until the screen holds this text.
    ///
    /// # Errors
    /// Fails with what is on the screen where that takes too long.
    pub fn wait_for(&self, text: &str) -> anyhow::Result<()> {
        self.wait_until(&format!("'{text}' on the screen"), |screen| screen.contains(text))
    }

    /// Waits until the text on the screen fits.
    ///
    /// # Errors
    /// Fails with what is on the screen where that takes too long.
    pub fn wait_until(&self, what: &str, fits: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let deadline = Instant::now().checked_add(PATIENCE).context("the clock is at its end")?;
        let mut state = self.shown.state();
        loop {
            let screen = state.screen.screen().contents();
            if fits(&screen) {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                bail!("waited in vain for {what}; the screen was:\n{screen}");
            }
            state = self.shown.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types.
    ///
    /// # Errors
    /// Fails where the terminal is gone.
    pub fn keys(&mut self, keys: &str) -> anyhow::Result<()> {
        self.writer.write_all(keys.as_bytes())?;
        Ok(self.writer.flush()?)
    }

    /// Gives the terminal another size, as a person does who pulls at its window.
    ///
    /// # Errors
    /// Fails where the terminal is gone.
    pub fn resize(&self, columns: u16, rows: u16) -> anyhow::Result<()> {
        self.shown.state().screen.set_size(nonzero(rows)?, nonzero(columns)?);
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })
    }

    /// Waits for the program's end and returns its exit code.
    ///
    /// # Errors
    /// Fails with what is on the screen where that takes too long.
    pub fn end(&mut self) -> anyhow::Result<u32> {
        let deadline = Instant::now().checked_add(PATIENCE).context("the clock is at its end")?;
        let mut state = self.shown.state();
        while !state.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                bail!("the program does not end; the screen is:\n{}", state.screen.screen().contents());
            }
            state = self.shown.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        Ok(self.child.wait()?.exit_code())
    }

    /// Returns the program's process id.
    ///
    /// # Errors
    /// Fails where it has none any more.
    pub fn process_id(&self) -> anyhow::Result<u32> {
        self.child.process_id().context("the program has no process id")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Only what still runs: the number of one that was waited for may be another's by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().unwrap_or_default();
        }
    }
}

fn nonzero(number: u16) -> anyhow::Result<NonZeroU16> {
    NonZeroU16::new(number).context("a terminal has at least one row and column")
}
