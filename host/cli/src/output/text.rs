//! Foreign text for a terminal: names, notes and the words of plugins and servers must not steer it.

use std::fmt::Write as _;

/// Returns text for one line: control characters are shown, not sent, and so are those that turn the writing direction.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|c| push(&mut safe, c));
    safe
}

/// Returns text of several lines: as [`escape`], but lines stay lines.
pub(crate) fn escape_lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' { safe.push('\n') } else { push(&mut safe, c) }
    }
    safe
}

/// Tells whether a character steers a terminal or hides the order of text (Unicode's bidirectional controls).
pub(crate) fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn push(safe: &mut String, c: char) {
    match c {
        '\t' => safe.push_str("\\t"),
        '\n' => safe.push_str("\\n"),
        '\r' => safe.push_str("\\r"),
        c if steers(c) => write!(safe, "\\u{{{:x}}}", u32::from(c)).unwrap_or_default(),
        c => safe.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_sent() {
        assert_eq!(escape("a\u{1b}[2Jb\u{9b}c\nd"), "a\\u{1b}[2Jb\\u{9b}c\\nd");
        assert_eq!(escape("\u{202e}txt.exe"), "\\u{202e}txt.exe");
        assert_eq!(escape("Grüße, 東京"), "Grüße, 東京");
    }

    #[test]
    fn lines_stay_lines_where_they_may() {
        assert_eq!(escape_lines("a\nb\r"), "a\nb\\r");
    }
}
