//! Words of a server, made fit to be shown: a server must not move the cursor of whoever reads its excuses.

/// The most characters of a server's words that are kept.
const LONGEST_WORDS: usize = 400;

/// Returns the words on one line, without control characters, cut where they get long.
pub(crate) fn one_line(words: &str) -> String {
    let visible = words.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    visible.take(LONGEST_WORDS).collect()
}

/// Returns the words with their line ends and tabs, but no other control character.
pub(crate) fn lines(words: &str) -> String {
    words.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_server_carry_no_escape_sequence() {
        assert_eq!(one_line("too many\u{1b}[2J\r\ntries\n"), "too many [2J  tries");
        assert_eq!(lines("a\u{7}\u{1b}b\r\n\tc"), "ab\n\tc");
        assert_eq!(one_line(&"x".repeat(1000)).len(), LONGEST_WORDS);
    }
}
