//! Text of plugins, made safe to show: no control characters, no invisible changes of direction, no endless lines.
//!
//! Cleans for showing only; data that must stay as it is (notes, values) never comes through here.

use std::borrow::Cow;

/// Returns one line of at most `most` bytes in which control and direction characters are replaced by U+FFFD.
pub(crate) fn line(text: &str, most: usize) -> Cow<'_, str> {
    clean(text, most, hidden)
}

/// Like [`line`], but line feeds and tabs stay.
pub(crate) fn paragraph(text: &str, most: usize) -> Cow<'_, str> {
    clean(text, most, |c| hidden(c) && !matches!(c, '\n' | '\t'))
}

/// Tells whether the character changes how the text around it looks instead of being seen itself.
pub(crate) fn hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn clean(text: &str, most: usize, bad: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    let cut = text.get(..text.floor_char_boundary(most)).unwrap_or_default();
    if cut.contains(bad) {
        Cow::Owned(cut.chars().map(|c| if bad(c) { '\u{fffd}' } else { c }).collect())
    } else {
        Cow::Borrowed(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_direction_marks_are_replaced() {
        assert_eq!(line("a\u{1b}[31mb\n\u{202e}c", 100), "a\u{fffd}[31mb\u{fffd}\u{fffd}c");
        assert_eq!(paragraph("a\nb\r", 100), "a\nb\u{fffd}");
        assert!(matches!(line("plain", 100), Cow::Borrowed("plain")));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(line("aäb", 2), "a");
        assert_eq!(line("aäb", 3), "aä");
    }
}
