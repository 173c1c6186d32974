//! Colors: five of them, each with one meaning, and none where nobody sees them.

use ostler_app::LogLevel;

/// Colors text, or leaves it plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    /// Whether colors are used.
    pub(crate) colored: bool,
}

impl Style {
    /// For headings and names.
    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// For what matters less.
    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// For what failed.
    pub(crate) fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// For what is good.
    pub(crate) fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// For what should be looked after.
    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// For hints.
    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("36", text)
    }

    /// Colors the word for a state.
    pub(crate) fn state(self, state: &str) -> String {
        match state {
            "complete" | "ready" | "success" | "good" | "yes" => self.green(state),
            "damaged" | "missing" | "broken" | "given-up" | "failure" | "denied" | "bad" => self.red(state),
            _ => self.yellow(state),
        }
    }

    /// Paints the level of a line, five letters wide.
    pub(crate) fn level(self, level: LogLevel) -> String {
        let text = format!("{level:<5}");
        match level {
            LogLevel::Error => self.red(&text),
            LogLevel::Warn => self.yellow(&text),
            LogLevel::Info | LogLevel::Debug | LogLevel::Trace => text,
        }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colored { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
