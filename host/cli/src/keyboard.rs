//! What is typed or piped: a thread that reads standard input into a bounded queue, and the escapes that a person types
//! at the beginning of a line (`~.` closes, `~?` helps), as ssh knows them.

use std::io;

use ostler_app::core::SessionInput;
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use crate::terminal;

/// Chunks that wait to be sent. When they are full, reading stops, and whoever writes to us waits.
pub(crate) const QUEUE: usize = 16;

/// The most that is read at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// The character that begins an escape.
const ESCAPE: u8 = b'~';

const HELP: &[u8] = b"\r\n~.  close the session\r\n~?  show this\r\n~~  send the character ~\r\n(at the beginning of a line)\r\n";

/// What a person typed means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Close,
    Help,
}

/// Finds escapes at the beginning of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    LineStart,
    Pending,
    InLine,
}

impl Escapes {
    /// Takes what was typed; adds what goes to the session to `keys` and returns what was meant for us. What was typed
    /// behind a `~.` is dropped.
    fn feed(&mut self, typed: &[u8], keys: &mut Vec<u8>) -> Vec<Meaning> {
        let mut meanings = Vec::new();
        for &key in typed {
            let after = if key == b'\r' || key == b'\n' { Self::LineStart } else { Self::InLine };
            match (*self, key) {
                (Self::LineStart, ESCAPE) => *self = Self::Pending,
                (Self::Pending, b'.') => {
                    meanings.push(Meaning::Close);
                    return meanings;
                }
                (Self::Pending, b'?') => {
                    meanings.push(Meaning::Help);
                    *self = Self::LineStart;
                }
                (Self::Pending, ESCAPE) => {
                    keys.push(ESCAPE);
                    *self = Self::InLine;
                }
                (Self::Pending, _) => {
                    keys.extend([ESCAPE, key]);
                    *self = after;
                }
                _ => {
                    keys.push(key);
                    *self = after;
                }
            }
        }
        meanings
    }
}

/// Reads standard input on a thread of its own until it ends or nobody listens any more.
///
/// The thread is never waited for: it may sit in a read that nothing ends.
///
/// # Errors
/// Fails where no thread can be started.
pub(crate) fn read(
    input: mpsc::Sender<SessionInput>,
    escapes: Option<watch::Sender<bool>>,
) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("keyboard".to_owned());
    thread.spawn(move || pass_on(&input, escapes.as_ref())).map(drop)
}

fn pass_on(input: &mpsc::Sender<SessionInput>, close: Option<&watch::Sender<bool>>) {
    let mut buffer = Zeroizing::new(vec![0_u8; CHUNK]);
    let mut escapes = Escapes::LineStart;
    loop {
        let count = match rustix::io::read(rustix::stdio::stdin(), buffer.as_mut_slice()) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => {
                tracing::debug!(%error, "standard input can't be read");
                0
            }
        };
        let Some(typed) = buffer.get(..count).filter(|typed| !typed.is_empty()) else {
            // Nobody listens where the session is over already.
            input.blocking_send(SessionInput::EndOfInput).unwrap_or_default();
            return;
        };
        let mut keys = Vec::with_capacity(typed.len().saturating_add(1));
        let meanings = match close {
            Some(_) => escapes.feed(typed, &mut keys),
            None => {
                keys.extend_from_slice(typed);
                Vec::new()
            }
        };
        if !keys.is_empty() && input.blocking_send(SessionInput::Bytes(keys)).is_err() {
            return;
        }
        for meaning in meanings {
            match (meaning, close) {
                (Meaning::Help, _) => terminal::write_stderr(HELP).unwrap_or_default(),
                (Meaning::Close, Some(close)) => {
                    close.send_replace(true);
                }
                (Meaning::Close, None) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(chunks: &[&str]) -> (String, Vec<Meaning>) {
        let (mut escapes, mut keys, mut meanings) = (Escapes::LineStart, Vec::new(), Vec::new());
        for chunk in chunks {
            meanings.extend(escapes.feed(chunk.as_bytes(), &mut keys));
        }
        (String::from_utf8(keys).unwrap(), meanings)
    }

    #[test]
    fn a_tilde_and_a_dot_close_at_the_beginning_of_a_line_only() {
        assert_eq!(typed(&["~."]), (String::new(), vec![Meaning::Close]));
        assert_eq!(typed(&["ls\r~", "."]), ("ls\r".to_owned(), vec![Meaning::Close]));
        assert_eq!(typed(&["cd ~."]), ("cd ~.".to_owned(), vec![]));
    }

    #[test]
    fn other_keys_after_a_tilde_go_to_the_session_with_it() {
        assert_eq!(typed(&["~x\r"]), ("~x\r".to_owned(), vec![]));
        assert_eq!(typed(&["~~."]), ("~.".to_owned(), vec![]));
        assert_eq!(typed(&["~\r~."]), ("~\r".to_owned(), vec![Meaning::Close]));
    }

    #[test]
    fn help_keeps_the_beginning_of_the_line() {
        assert_eq!(typed(&["~?", "~."]), (String::new(), vec![Meaning::Help, Meaning::Close]));
    }
}
