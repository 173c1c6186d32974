//! A real terminal: a program in a tmux pane, typed at and looked at as a person would.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A tmux server with one pane.
pub(crate) struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// Runs a shell command line in a pane of this size.
    pub(crate) fn start(socket: PathBuf, columns: u16, rows: u16, line: &str) -> Self {
        let tmux = Self { socket };
        let (columns, rows) = (columns.to_string(), rows.to_string());
        tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, line]);
        tmux.run(&["set-option", "-g", "remain-on-exit", "on"]);
        tmux
    }

    /// Types text as it is.
    pub(crate) fn type_text(&self, text: &str) {
        self.run(&["send-keys", "-l", text]);
    }

    /// Presses a key by tmux's name of it, such as `Enter`.
    pub(crate) fn press(&self, key: &str) {
        self.run(&["send-keys", key]);
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        self.run(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
    }

    /// Returns what the pane shows.
    pub(crate) fn screen(&self) -> String {
        self.run(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows the text, and returns the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let shown = self.shows_within(Duration::from_mins(1), text);
        shown.unwrap_or_else(|| panic!("the screen never showed {text:?}:\n{}", self.screen()))
    }

    /// Asks again and again until the screen shows the answer.
    pub(crate) fn ask_until(&self, answer: &str, ask: impl Fn(&Self)) {
        let shown = (0..20).any(|_| {
            ask(self);
            self.shows_within(Duration::from_secs(3), answer).is_some()
        });
        assert!(shown, "the screen never showed {answer:?}:\n{}", self.screen());
    }

    fn shows_within(&self, patience: Duration, text: &str) -> Option<String> {
        let until = Instant::now() + patience;
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return Some(screen);
            }
            if Instant::now() > until {
                return None;
            }
            // tmux is asked a few times a second: it would be kept from its work otherwise.
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(&self.socket)
            .args(arguments)
            .env("LANG", "C.UTF-8")
            .env("TERM", "xterm-256color")
            .output()
            .expect("tmux is missing: install tmux");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        drop(Command::new("tmux").arg("-S").arg(&self.socket).arg("kill-server").output());
    }
}
