//! The terminal's modes and size. Whatever is changed here is put back on every way out: the end of a scope, an error,
//! a panic, a signal.

use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ostler_app::core::TerminalSize;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, OutputModes, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr,
};

/// The terminal's type where nobody says it.
const DEFAULT_TYPE: &str = "xterm";

/// The size of a terminal that does not know its own.
const DEFAULT_SIZE: TerminalSize = TerminalSize { columns: 80, rows: 24 };

/// Ends colors, hidden cursors, mouse reports, bracketed paste, application keys and foreign character sets.
const RESET: &[u8] = b"\x0f\x1b(B\x1b[0m\x1b[?25h\x1b[?7h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>\x1b[r";

/// Leaves the alternate screen. Sent only where it was entered: elsewhere it would move the cursor.
const LEAVE_ALTERNATE: &[u8] = b"\x1b[?1049l";

/// What to put back, the newest last.
static SAVED: Mutex<Vec<Saved>> = Mutex::new(Vec::new());

/// Whether a recording is being played to the terminal, and whether it has switched to the alternate screen.
static PLAYING: AtomicBool = AtomicBool::new(false);
static ALTERNATE: AtomicBool = AtomicBool::new(false);

struct Saved {
    terminal: OwnedFd,
    modes: Termios,
}

/// Modes that were changed; dropping it puts them back.
#[derive(Debug)]
pub(crate) struct ChangedModes(());

impl Drop for ChangedModes {
    fn drop(&mut self) {
        if let Some(saved) = saved().pop() {
            put_back(&saved);
        }
    }
}

fn saved() -> MutexGuard<'static, Vec<Saved>> {
    SAVED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn put_back(saved: &Saved) {
    // A terminal that is gone needs no modes.
    tcsetattr(&saved.terminal, OptionalActions::Now, &saved.modes).unwrap_or_default();
}

fn change(terminal: impl AsFd, when: OptionalActions, wanted: &Termios) -> std::io::Result<ChangedModes> {
    let modes = tcgetattr(&terminal)?;
    let own = terminal.as_fd().try_clone_to_owned()?;
    // Saved first: a signal between the two lines then finds it.
    saved().push(Saved { terminal: own, modes });
    let changed = ChangedModes(());
    tcsetattr(&terminal, when, wanted)?;
    Ok(changed)
}

/// Lets every key through as it is.
///
/// # Errors
/// Fails where it is no terminal.
pub(crate) fn raw(terminal: impl AsFd) -> std::io::Result<ChangedModes> {
    let mut modes = tcgetattr(&terminal)?;
    modes.make_raw();
    change(terminal, OptionalActions::Drain, &modes)
}

/// Reads lines, with or without showing what is typed. What was typed ahead of a hidden line is dropped.
///
/// # Errors
/// Fails where it is no terminal.
pub(crate) fn lines(terminal: impl AsFd, shown: bool) -> std::io::Result<ChangedModes> {
    let mut modes = tcgetattr(&terminal)?;
    modes.input_modes.insert(InputModes::ICRNL);
    modes.output_modes.insert(OutputModes::OPOST | OutputModes::ONLCR);
    modes.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG | LocalModes::ECHO | LocalModes::ECHOE);
    let mut when = OptionalActions::Now;
    if !shown {
        modes.local_modes.remove(LocalModes::ECHO);
        modes.local_modes.insert(LocalModes::ECHONL);
        when = OptionalActions::Flush;
    }
    change(terminal, when, &modes)
}

/// Puts back everything that was changed. Can be called at any time, also twice.
pub(crate) fn restore() {
    if PLAYING.swap(false, Ordering::SeqCst) {
        // Written past the locked standard output: its owner may be the one that is being interrupted.
        let out = rustix::stdio::stdout();
        if ALTERNATE.swap(false, Ordering::SeqCst) {
            rustix::io::write(out, LEAVE_ALTERNATE).unwrap_or_default();
        }
        rustix::io::write(out, RESET).unwrap_or_default();
    }
    let all: Vec<Saved> = saved().drain(..).collect();
    all.iter().rev().for_each(put_back);
}

/// Says that foreign control sequences go to the terminal from now on, until [`restore`].
pub(crate) fn playing() {
    PLAYING.store(true, Ordering::SeqCst);
}

/// Says whether what is played has switched to the alternate screen.
pub(crate) fn in_alternate_screen(inside: bool) {
    ALTERNATE.store(inside, Ordering::SeqCst);
}

/// Puts the terminal back before a panic is reported.
pub(crate) fn restore_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        restore();
        report(panic);
    }));
}

/// Returns the size and type of the terminal on standard output or input, if there is one.
pub(crate) fn describe() -> Option<(TerminalSize, String)> {
    let size = size()?;
    let kind = std::env::var("TERM").ok().filter(|kind| !kind.is_empty());
    Some((size, kind.unwrap_or_else(|| DEFAULT_TYPE.to_owned())))
}

/// Returns the size of the terminal on standard output or input, if there is one.
pub(crate) fn size() -> Option<TerminalSize> {
    let found = if isatty(rustix::stdio::stdout()) {
        tcgetwinsize(rustix::stdio::stdout())
    } else if isatty(rustix::stdio::stdin()) {
        tcgetwinsize(rustix::stdio::stdin())
    } else {
        return None;
    };
    let known = found.ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
    Some(known.map_or(DEFAULT_SIZE, |size| TerminalSize { columns: size.ws_col, rows: size.ws_row }))
}

/// Returns whether keys come from a terminal.
pub(crate) fn stdin_is_terminal() -> bool {
    isatty(rustix::stdio::stdin())
}

/// Returns whether messages go to a terminal.
pub(crate) fn stderr_is_terminal() -> bool {
    isatty(rustix::stdio::stderr())
}

/// Returns whether output goes to a terminal.
pub(crate) fn stdout_is_terminal() -> bool {
    isatty(rustix::stdio::stdout())
}

/// Writes to standard output at once.
///
/// # Errors
/// Fails as the operating system says.
pub(crate) fn write_stdout(bytes: &[u8]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes to standard error at once.
///
/// # Errors
/// Fails as the operating system says.
pub(crate) fn write_stderr(bytes: &[u8]) -> std::io::Result<()> {
    std::io::stderr().lock().write_all(bytes)
}
