//! Searching the tree by text (feature CM-16), fast enough for every keystroke at 100,000 connections.
//!
//! A [`Search`] is of one tree, and no longer right when that changes. It holds names, hosts, tags and notes, never a secret.

use std::collections::{BTreeSet, BinaryHeap};

use memchr::memmem::Finder;

use crate::{Connection, FolderId, Tree};

/// Words that count; what a person types has fewer.
const MOST_WORDS: usize = 16;

/// What stands behind each text: no word has it.
const END: char = '\n';

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

/// Everything of a tree that is searched, in lower case and in one piece: the time of a search is that of looking through
/// memory from its beginning to its end, not that of going from connection to connection.
pub struct Search<'a> {
    tree: &'a Tree,
    text: String,
    /// Ordered by name.
    rows: Vec<Row<'a>>,
}

/// Where a connection's texts begin: its name, its host, its tags, its notes. Each ends where the next begins.
struct Row<'a> {
    name: usize,
    host: usize,
    tags: usize,
    notes: usize,
    end: usize,
    connection: &'a Connection,
}

impl<'a> Search<'a> {
    /// Takes the texts of a tree.
    #[must_use]
    pub fn new(tree: &'a Tree) -> Self {
        let mut connections: Vec<&Connection> = tree.connections().collect();
        connections.sort_unstable_by(|a, b| a.name.cmp(&b.name).then_with(|| a.id.cmp(&b.id)));
        let mut text = String::new();
        let row = |connection: &'a Connection| {
            let name = add(&mut text, &connection.name);
            let host = add(&mut text, &connection.host);
            let tags = text.len();
            for tag in &connection.tags {
                add(&mut text, tag);
            }
            let notes = add(&mut text, &connection.notes);
            Row { name, host, tags, notes, end: text.len(), connection }
        };
        let rows = connections.into_iter().map(row).collect();
        Self { tree, text, rows }
    }

    /// Finds the connections in which every word of `text` stands: in the name, the host, a tag, the path of its folders or
    /// the notes, whatever the case of its letters. The best `most` are returned: those whose name is the text, then those
    /// whose name begins with it, has it inside, then by the other places in this order; the same are ordered by name.
    ///
    /// Where nothing has all words, names that have the letters of `text` in their order are found instead: `pdb` finds
    /// `prod-db1`. An empty text finds everything.
    #[must_use]
    pub fn find(&self, text: &str, most: usize) -> Vec<&'a Connection> {
        // Of each row, the worst of the words' best places; none where a word is nowhere.
        let mut places = vec![Some(Place::Name); self.rows.len()];
        for word in text.split_whitespace().take(MOST_WORDS) {
            for (worst, own) in places.iter_mut().zip(self.places(&word.to_lowercase())) {
                *worst = worst.zip(own).map(|(worst, own)| worst.max(own));
            }
        }
        let found = self.best(&places, most);
        if !found.is_empty() {
            return found;
        }
        let letters: Vec<char> =
            text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        for (row, place) in self.rows.iter().zip(&mut places) {
            let name = self.text.get(row.name..row.host).unwrap_or_default();
            *place = has_in_order(name, &letters).then_some(Place::NameInside);
        }
        self.best(&places, most)
    }

    /// Returns the best place of a word in each row.
    fn places(&self, word: &str) -> Vec<Option<Place>> {
        let mut places = vec![None; self.rows.len()];
        let finder = Finder::new(word);
        let mut from = 0;
        // A row's first hit is its best: the texts stand in the order of the places.
        for (row, place) in self.rows.iter().zip(&mut places) {
            if from >= row.end {
                continue;
            }
            let Some(at) = self.text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) else { break };
            from += at;
            if from < row.end {
                *place = Some(row.place(from, word.len()));
                from = row.end;
            }
        }
        let folders: BTreeSet<FolderId> = self
            .tree
            .folders()
            .map(|folder| folder.id)
            .filter(|folder| self.tree.folder_path(Some(*folder)).to_lowercase().contains(word))
            .collect();
        if !folders.is_empty() {
            for (row, place) in self.rows.iter().zip(&mut places) {
                let worse = place.is_none_or(|place| place > Place::Folder);
                if worse && row.connection.folder.is_some_and(|folder| folders.contains(&folder)) {
                    *place = Some(Place::Folder);
                }
            }
        }
        places
    }

    /// Returns the best, in order. Each is compared with the worst that is kept, and hardly one more often: the first letter
    /// that is typed finds nearly everything.
    fn best(&self, places: &[Option<Place>], most: usize) -> Vec<&'a Connection> {
        let mut kept: BinaryHeap<(Place, usize)> = BinaryHeap::new();
        for (row, place) in places.iter().enumerate() {
            let Some(place) = *place else { continue };
            if kept.len() < most {
                kept.push((place, row));
            } else if let Some(mut worst) = kept.peek_mut()
                && (place, row) < *worst
            {
                *worst = (place, row);
            }
        }
        let found = kept.into_sorted_vec();
        found.into_iter().filter_map(|(_, row)| Some(self.rows.get(row)?.connection)).collect()
    }
}

impl Row<'_> {
    /// Returns the place of a word of so many bytes that begins here.
    fn place(&self, at: usize, length: usize) -> Place {
        match at {
            at if at == self.name && at + length + END.len_utf8() == self.host => Place::Name,
            at if at == self.name => Place::NameBegin,
            at if at < self.host => Place::NameInside,
            at if at < self.tags => Place::Host,
            at if at < self.notes => Place::Tag,
            _ => Place::Notes,
        }
    }
}

/// Adds a text in lower case, and returns where it begins.
fn add(text: &mut String, part: &str) -> usize {
    let at = text.len();
    if part.is_ascii() {
        text.push_str(part);
        text.get_mut(at..).unwrap_or_default().make_ascii_lowercase();
    } else {
        text.push_str(&part.to_lowercase());
    }
    text.push(END);
    at
}

/// Tells whether the letters stand in the text, which is in lower case, in this order.
fn has_in_order(text: &str, letters: &[char]) -> bool {
    let mut rest = letters.iter();
    let mut next = rest.next();
    for c in text.chars() {
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
            imported: None,
            created: Timestamp(0),
            updated: Timestamp(0),
        }
    }

    fn found(tree: &Tree, text: &str) -> Vec<String> {
        Search::new(tree).find(text, usize::MAX).into_iter().map(|found| found.name.clone()).collect()
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
        let names: Vec<&str> =
            Search::new(&tree).find("db", 3).into_iter().map(|found| found.name.as_str()).collect();
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
