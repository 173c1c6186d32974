//! Signals: while a session is open the first one asks it to close; otherwise, and the second time, the terminal is put
//! back and the program ends with 128 and the signal's number.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::{pager, terminal};

const HANGUP: u8 = 1;
const INTERRUPT: u8 = 2;
const TERMINATE: u8 = 15;

/// What an exit code of a signal begins at.
const SIGNAL_BASE: u8 = 128;

/// Hears signals.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    session: Mutex<Option<watch::Sender<bool>>>,
    received: AtomicU8,
}

impl Signals {
    /// Begins to hear them. Must be called inside of the async runtime.
    ///
    /// # Errors
    /// Fails where the operating system lets no handler be set.
    pub(crate) fn start() -> std::io::Result<Arc<Self>> {
        let (mut hangup, mut interrupt, mut terminate) = (
            signal(SignalKind::hangup())?,
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
        );
        let signals = Arc::new(Self::default());
        let own = Arc::clone(&signals);
        tokio::spawn(async move {
            loop {
                let number = tokio::select! {
                    _ = hangup.recv() => HANGUP,
                    _ = interrupt.recv() => INTERRUPT,
                    _ = terminate.recv() => TERMINATE,
                };
                own.heard(number);
            }
        });
        Ok(signals)
    }

    /// Names the session that the next signal closes.
    pub(crate) fn close_instead(&self, close: watch::Sender<bool>) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(close);
    }

    /// Names no session any more: the next signal ends the program.
    pub(crate) fn leave_at_once(&self) {
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Returns the exit code of the signal that was heard, if one was.
    pub(crate) fn exit_code(&self) -> Option<u8> {
        match self.received.load(Ordering::SeqCst) {
            0 => None,
            number => Some(SIGNAL_BASE.saturating_add(number)),
        }
    }

    fn heard(&self, number: u8) {
        if number == INTERRUPT && pager::has_started() {
            return;
        }
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.received.store(number, Ordering::SeqCst);
        match session {
            Some(close) => {
                close.send_replace(true);
            }
            None => leave(SIGNAL_BASE.saturating_add(number)),
        }
    }
}

#[expect(clippy::exit, reason = "whoever is waiting for a key or a disk can't be told to return")]
fn leave(code: u8) -> ! {
    terminal::restore();
    std::process::exit(i32::from(code))
}
