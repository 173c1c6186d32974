//! The lines of a configuration, in blocks with the names that they are for.

use ostler_sdk::importer::{Feed, Position, Problem};

/// A keyword with its words.
pub(crate) struct Line {
    /// In lower case.
    pub(crate) keyword: String,
    /// As it is written.
    pub(crate) written: String,
    pub(crate) words: Vec<String>,
    pub(crate) number: u64,
}

/// Lines for some names.
struct Block {
    /// None is for all: before the first `Host`, and `Match all`.
    patterns: Option<Vec<String>>,
    first: u64,
    lines: Vec<Line>,
    /// Whether `Host` begins it, so that its plain names are connections.
    hosts: bool,
}

/// A configuration.
pub(crate) struct Config {
    blocks: Vec<Block>,
}

impl Config {
    /// Reads a text; what can't be decided from it is named.
    pub(crate) fn read(text: &str, feed: &mut Feed) -> Self {
        let block = |patterns, first, hosts| Block { patterns, first, lines: Vec::new(), hosts };
        let mut blocks = vec![block(None, 1, false)];
        for (number, line) in (1..).zip(text.lines()) {
            let mut warn = |reason: String| feed.problem(Problem::warning(Position::line(number), reason));
            let mut words = match words(line) {
                Ok(words) => words,
                Err(reason) => {
                    warn(format!("the line was left out: {reason}"));
                    continue;
                }
            };
            if words.is_empty() {
                continue;
            }
            let written = words.remove(0);
            let keyword = written.to_ascii_lowercase();
            match keyword.as_str() {
                _ if words.is_empty() => warn("the line was left out: it has no value".to_owned()),
                "host" => blocks.push(block(Some(words), number, true)),
                "match" => blocks.push(match matched(&words) {
                    Ok(patterns) => block(patterns, number, false),
                    Err(criterion) => {
                        warn(format!("'Match {criterion}' can't be decided from the file, and is not tried: its lines were left out"));
                        block(Some(Vec::new()), number, false)
                    }
                }),
                "include" => warn(format!("'Include {}' is not followed: import that file too", clean(&words.join(" ")))),
                _ => {
                    if let Some(block) = blocks.last_mut() {
                        block.lines.push(Line { keyword, written, words, number });
                    }
                }
            }
        }
        Self { blocks }
    }

    /// Returns the plain names of `Host` lines, each once, with the number of its line.
    pub(crate) fn hosts(&self) -> Vec<(&str, u64)> {
        let mut seen = std::collections::BTreeSet::new();
        let blocks = self.blocks.iter().filter(|block| block.hosts);
        let names =
            blocks.flat_map(|block| block.patterns.iter().flatten().map(|name| (name.as_str(), block.first)));
        names.filter(|(name, _)| !name.contains(['*', '?', '!']) && seen.insert(*name)).collect()
    }

    /// Returns the lines that are for a name, in the order in which they count.
    pub(crate) fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Line> {
        let name = name.to_owned();
        self.blocks.iter().filter(move |block| block.fits(&name)).flat_map(|block| &block.lines)
    }

    /// Returns the text of the block that a line stands in.
    pub(crate) fn block_at(&self, text: &str, line: u64) -> String {
        let begin =
            self.blocks.iter().map(|block| block.first).filter(|first| *first <= line).max().unwrap_or(1);
        let end = self.blocks.iter().map(|block| block.first).filter(|first| *first > line).min();
        let numbered = (1..).zip(text.lines());
        let own = numbered.filter(|(number, _)| *number >= begin && end.is_none_or(|end| *number < end));
        own.map(|(_, line)| format!("{line}\n")).collect()
    }
}

impl Block {
    /// Tells whether the block is for a name: one pattern fits, and none with a `!` does.
    fn fits(&self, name: &str) -> bool {
        let Some(patterns) = &self.patterns else { return true };
        let not = |pattern: &String| pattern.strip_prefix('!').is_some_and(|pattern| fits(pattern, name));
        patterns.iter().any(|pattern| fits(pattern, name)) && !patterns.iter().any(not)
    }
}

/// Returns the patterns of a `Match` line that is about names only; none for all.
fn matched(words: &[String]) -> Result<Option<Vec<String>>, String> {
    match words {
        [all] if all.eq_ignore_ascii_case("all") => Ok(None),
        [criterion, patterns]
            if ["host", "originalhost"].contains(&criterion.to_ascii_lowercase().as_str()) =>
        {
            Ok(Some(patterns.split(',').map(str::to_owned).collect()))
        }
        words => Err(clean(&words.join(" "))),
    }
}

/// Tells whether a pattern of OpenSSH fits a text: `*` stands for any characters, `?` for one.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut in_text, mut star) = (0, 0, None);
    while in_text < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, in_text));
                at += 1;
            }
            Some(c) if *c == '?' || text.get(in_text) == Some(c) => {
                at += 1;
                in_text += 1;
            }
            // Back to the last star, which takes one more.
            _ => match star {
                Some((begin, taken)) => {
                    star = Some((begin, taken + 1));
                    at = begin + 1;
                    in_text = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.iter().skip(at).all(|c| *c == '*')
}

/// Splits a line into words: blanks or one `=` behind the keyword, double quotes, a comment from `#` on.
pub(crate) fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut rest = line.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, behind) = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or("a quotation mark is not closed")?,
            None => {
                let keyword = words.is_empty();
                let end = rest
                    .find(|c: char| c.is_whitespace() || c == '"' || (keyword && c == '='))
                    .unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        words.push(word.to_owned());
        rest = behind.trim_start();
        if words.len() == 1 {
            rest = rest.strip_prefix('=').unwrap_or(rest).trim_start();
        }
    }
    Ok(words)
}

/// Returns a text that can be shown.
pub(crate) fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
