//! Tidiness of single files: what it is for stands first, none is too long, nothing is left for later.

use super::tree::Files;

/// The most lines of a source file, tests apart.
const LONGEST: usize = 500;

/// Files that may be longer, with their limit and the reason.
const LONGER: [(&str, usize, &str); 0] = [];

/// Words that promise work; put together here, so that this file does not contain them.
const PROMISES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

pub(super) fn faults(files: &Files) -> Vec<String> {
    files.iter().flat_map(|(path, text)| file_faults(path, text)).collect()
}

fn file_faults(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if path.ends_with(".rs") {
        if !text.starts_with("//!") {
            faults.push(format!("{path}: must open with //! and say what it is for and what it never does"));
        }
        let (lines, limit) = (code_lines(path, text), limit(path));
        if lines > limit {
            faults.push(format!("{path}: has {lines} lines without its tests; the limit is {limit}"));
        }
    }
    for (index, line) in text.lines().enumerate() {
        if let Some(word) = PROMISES.iter().find(|word| has_word(line, word)) {
            faults.push(format!("{path}:{}: {word}: do it now or write an issue", index + 1));
        }
    }
    faults
}

fn limit(path: &str) -> usize {
    LONGER.iter().find(|(longer, ..)| *longer == path).map_or(LONGEST, |(_, limit, _)| *limit)
}

/// Counts the lines before the tests of a file; a file of tests has none that count.
fn code_lines(path: &str, text: &str) -> usize {
    if path.split('/').any(|folder| folder == "tests") && !path.starts_with("tests/xtask/") {
        return 0;
    }
    text.lines().take_while(|line| line.trim() != "#[cfg(test)]").count()
}

fn has_word(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        let behind = line.get(at + word.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(part) && !behind.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        faults(&Files::from([(path.to_owned(), text.to_owned())]))
    }

    #[test]
    fn a_source_file_without_its_purpose_is_a_fault() {
        assert_eq!(check("host/x/src/a.rs", "use a;\n").len(), 1);
        assert_eq!(check("host/x/build.rs", "").len(), 1);
        assert!(check("host/x/src/a.rs", "//! What it is for.\nuse a;\n").is_empty());
        assert!(check("README.md", "Ostler\n").is_empty());
    }

    #[test]
    fn a_long_file_is_a_fault_and_its_tests_do_not_count() {
        let long = |lines: usize| format!("//! Long.\n{}", "fn f() {}\n".repeat(lines - 1));
        assert!(check("host/x/src/a.rs", &long(500)).is_empty());
        assert_eq!(check("host/x/src/a.rs", &long(501)).len(), 1);
        assert!(check("host/x/tests/a.rs", &long(501)).is_empty());
        assert_eq!(check("tests/xtask/src/a.rs", &long(501)).len(), 1);
        let tested = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", long(400), "\n".repeat(400));
        assert!(check("host/x/src/a.rs", &tested).is_empty());
    }

    #[test]
    fn a_promise_is_a_fault_with_its_line() {
        let promise = concat!("//! A.\n// TO", "DO: later\n");
        assert_eq!(check("host/x/src/a.rs", promise).len(), 1);
        assert!(
            check("host/x/src/a.rs", promise).iter().all(|fault| fault.starts_with("host/x/src/a.rs:2:"))
        );
        assert_eq!(check("README.md", concat!("FIX", "ME")).len(), 1);
        assert!(check("README.md", concat!("FIX", "MENOT, a", "TO", "DO")).is_empty());
    }
}
