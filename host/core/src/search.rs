//! Searching the tree by text (feature CM-16), fast enough for every keystroke at 100,000 connections.
//!
//! A pure function of the tree; keeps no index, so that nothing of a locked store is left behind.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};

use crate::{Connection, FolderId, Tree};

/// Words that count; what a person types has fewer.
const MOST_WORDS: usize = 16;

/// Where a word was found, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Name,
    NameBegin,
    NameInside,
    Host,
    Tag,
    Folder,
    Notes,
}

/// Finds the connections in which every word of `text` stands: in the name, the host, a tag, the path of its folders or the
/// notes, whatever the case of its letters. The best `most` are returned: those whose name is the text, then those whose
/// name begins with it, has it inside, then by the other places in this order; the same are ordered by name.
///
/// Where nothing has all words, names that have the letters of `text` in their order are found instead: `pdb` finds
/// `prod-db1`. An empty text finds everything.
#[must_use]
pub fn search<'a>(tree: &'a Tree, text: &str, most: usize) -> Vec<&'a Connection> {
    let words: Vec<Word> = text.split_whitespace().take(MOST_WORDS).map(Word::new).collect();
    let folders = Folders::new(tree, &words);
    let in_all = |connection| Some(Found { place: place(connection, &words, &folders)?, connection });
    let found = best(tree.connections().filter_map(in_all), most);
    if !found.is_empty() {
        return found;
    }
    let letters: Vec<char> =
        text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let near = tree.connections().filter(|connection| has_in_order(&connection.name, &letters));
    best(near.map(|connection| Found { place: Place::NameInside, connection }), most)
}

/// A connection that was found; the better is the less.
struct Found<'a> {
    place: Place,
    connection: &'a Connection,
}

impl Ord for Found<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place
            .cmp(&other.place)
            .then_with(|| self.connection.name.cmp(&other.connection.name))
            .then_with(|| self.connection.id.cmp(&other.connection.id))
    }
}

impl PartialOrd for Found<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found<'_> {}

/// Returns the best, in order. Each is compared with the worst that is kept, and hardly one more often: the first letter that
/// is typed finds nearly everything.
fn best<'a>(all: impl Iterator<Item = Found<'a>>, most: usize) -> Vec<&'a Connection> {
    let mut kept = BinaryHeap::new();
    for found in all {
        if kept.len() < most {
            kept.push(found);
        } else if let Some(mut worst) = kept.peek_mut()
            && found < *worst
        {
            *worst = found;
        }
    }
    let mut kept = kept.into_vec();
    kept.sort_unstable();
    kept.into_iter().map(|found| found.connection).collect()
}

/// Returns the worst of the words' best places; none where a word is nowhere.
fn place(connection: &Connection, words: &[Word], folders: &Folders) -> Option<Place> {
    let mut worst = Place::Name;
    for (number, word) in words.iter().enumerate() {
        let best = if let Some(at) = word.find(&connection.name) {
            match at {
                0 if connection.name.len() == word.text.len() => Place::Name,
                0 => Place::NameBegin,
                _ => Place::NameInside,
            }
        } else if word.is_in(&connection.host) {
            Place::Host
        } else if connection.tags.iter().any(|tag| word.is_in(tag)) {
            Place::Tag
        } else if folders.have(connection.folder, number) {
            Place::Folder
        } else if word.is_in(&connection.notes) {
            Place::Notes
        } else {
            return None;
        };
        worst = worst.max(best);
    }
    Some(worst)
}

/// The folders whose paths have words, as bits by the words' numbers: there are far fewer of them than connections.
struct Folders(BTreeMap<FolderId, u16>);

impl Folders {
    fn new(tree: &Tree, words: &[Word]) -> Self {
        let bits = |path: &str| {
            words
                .iter()
                .enumerate()
                .filter(|(_, word)| word.is_in(path))
                .fold(0, |bits, (number, _)| bits | 1 << number)
        };
        let of = |folder: FolderId| bits(&tree.folder_path(Some(folder)));
        Self(tree.folders().map(|folder| (folder.id, of(folder.id))).filter(|(_, bits)| *bits != 0).collect())
    }

    fn have(&self, folder: Option<FolderId>, number: usize) -> bool {
        !self.0.is_empty()
            && folder.and_then(|folder| self.0.get(&folder)).is_some_and(|bits| bits & 1 << number != 0)
    }
}

/// A word that is looked for, in lower case.
struct Word {
    text: String,
    /// The first byte in both cases.
    first: [u8; 2],
}

impl Word {
    fn new(word: &str) -> Self {
        let text = word.to_lowercase();
        let first = text.as_bytes().first().copied().unwrap_or_default();
        Self { text, first: [first, first.to_ascii_uppercase()] }
    }

    fn is_in(&self, text: &str) -> bool {
        self.find(text).is_some()
    }

    /// Returns where in `text` the word begins, in bytes.
    fn find(&self, text: &str) -> Option<usize> {
        if !self.text.is_ascii() {
            // Letters beyond ASCII change their length with their case.
            return if text.is_ascii() { None } else { text.to_lowercase().find(&self.text) };
        }
        let (text, word) = (text.as_bytes(), self.text.as_bytes());
        let last = text.len().checked_sub(word.len())?;
        let first = |from: usize| {
            let rest = text.get(from..=last)?;
            rest.iter().position(|byte| self.first.contains(byte)).map(|at| from + at)
        };
        let mut at = first(0)?;
        while !text.get(at..at + word.len())?.eq_ignore_ascii_case(word) {
            at = first(at + 1)?;
        }
        Some(at)
    }
}

/// Tells whether the letters stand in the text in this order.
fn has_in_order(text: &str, letters: &[char]) -> bool {
    let mut rest = letters.iter();
    let mut next = rest.next();
    for c in text.chars().flat_map(char::to_lowercase) {
        if next == Some(&c) {
            next = rest.next();
        }
    }
    next.is_none()
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::{ConnectionId, CredentialMode, Folder, Settings, Timestamp};

    fn connection(name: &str, host: &str) -> Connection {
        Connection {
            id: ConnectionId::random(),
            folder: None,
            name: name.to_owned(),
            kind: "ssh".to_owned(),
            host: host.to_owned(),
            port: 22,
            credential: CredentialMode::None,
            settings: Settings::default(),
            notes: String::new(),
            tags: BTreeSet::new(),
            custom_fields: BTreeMap::new(),
            source: None,
            created: Timestamp(0),
            updated: Timestamp(0),
        }
    }

    fn found(tree: &Tree, text: &str) -> Vec<String> {
        search(tree, text, usize::MAX).into_iter().map(|found| found.name.clone()).collect()
    }

    /// One connection for each place in which `db` can stand.
    fn tree() -> Tree {
        let folder = Folder {
            id: FolderId::random(),
            parent: None,
            name: "DB servers".to_owned(),
            notes: String::new(),
            credential: CredentialMode::None,
            settings: Settings::default(),
            source: None,
        };
        let mut filed = connection("filed", "a");
        filed.folder = Some(folder.id);
        let mut noted = connection("noted", "b");
        noted.notes = "the old DB".to_owned();
        let mut tagged = connection("tagged", "c");
        tagged.tags.insert("db".to_owned());
        let others = ["prod-db1", "db", "DB2"].map(|name| connection(name, "d"));
        Tree::new(
            [folder],
            [filed, noted, tagged, connection("hosted", "db.example")].into_iter().chain(others),
        )
    }

    #[test]
    fn the_best_place_comes_first_and_the_case_does_not_count() {
        let expected = ["db", "DB2", "prod-db1", "hosted", "tagged", "filed", "noted"];
        assert_eq!(found(&tree(), "db"), expected);
        assert_eq!(found(&tree(), "DB"), expected);
    }

    #[test]
    fn only_the_best_are_returned_where_fewer_are_wanted() {
        let tree = tree();
        let names: Vec<&str> = search(&tree, "db", 3).into_iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["db", "DB2", "prod-db1"]);
    }

    #[test]
    fn every_word_must_stand_somewhere() {
        let tree = tree();
        assert_eq!(found(&tree, "file db"), ["filed"]);
        assert_eq!(found(&tree, "  example   host "), ["hosted"]);
        assert!(found(&tree, "db nowhere").is_empty());
        assert_eq!(found(&tree, " ").len(), 7);
    }

    #[test]
    fn letters_in_their_order_count_where_no_text_does() {
        let tree = tree();
        assert_eq!(found(&tree, "pdb"), ["prod-db1"]);
        assert!(found(&tree, "bdp").is_empty());
    }

    #[test]
    fn letters_beyond_ascii_are_found_in_any_case() {
        let tree =
            Tree::new([], [connection("Zürich", "z"), connection("Straße", "s"), connection("plain", "p")]);
        assert_eq!(found(&tree, "ZÜ"), ["Zürich"]);
        assert_eq!(found(&tree, "rich"), ["Zürich"]);
        assert_eq!(found(&tree, "aß"), ["Straße"]);
    }
}
