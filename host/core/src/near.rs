//! Names that are like one that is not there: what a person may have meant.
//!
//! A pure function of the tree.

use std::cmp::Ordering;

use crate::Tree;

/// How like a name must be, from 0 to 1: one wrong letter in three.
const LIKE: f64 = 0.65;

/// A name that begins with what was typed is more like it than any other one.
const BEGINS: f64 = 1.0;

/// Returns the paths of folders and connections that are most like `wanted`, the best first, at most `most`. Case does not
/// matter; a path counts as a whole, and by its last name. What has exactly this path is none of them: it was not meant.
#[must_use]
pub fn near(tree: &Tree, wanted: &str, most: usize) -> Vec<String> {
    let folders = tree.folders().map(|folder| tree.folder_path(Some(folder.id)));
    let connections = tree.connections().map(|connection| tree.connection_path(connection));
    like(folders.chain(connections), wanted, most)
}

/// Returns those of the names that are most like `wanted`, the best first, at most `most`.
#[must_use]
pub fn like(paths: impl Iterator<Item = String>, wanted: &str, most: usize) -> Vec<String> {
    let wanted = wanted.trim_matches('/');
    let lower = wanted.to_lowercase();
    let mut found: Vec<(f64, String)> = paths
        .filter(|path| path != wanted)
        .map(|path| (likeness(&lower, &path.to_lowercase()), path))
        .filter(|(likeness, _)| *likeness >= LIKE)
        .collect();
    found.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(&b.1)));
    found.into_iter().take(most).map(|(_, path)| path).collect()
}

fn likeness(wanted: &str, path: &str) -> f64 {
    let name = path.rsplit('/').next().unwrap_or(path);
    // One letter begins too many names.
    if wanted.chars().count() > 1 && (name.starts_with(wanted) || path.starts_with(wanted)) {
        return BEGINS;
    }
    let last = wanted.rsplit('/').next().unwrap_or(wanted);
    let by_name = strsim::normalized_damerau_levenshtein(last, name);
    by_name.max(strsim::normalized_damerau_levenshtein(wanted, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near_to(wanted: &str) -> Vec<String> {
        let paths = ["Lab", "Lab/heron", "Lab/kestrel", "Office", "Office/printer"];
        like(paths.into_iter().map(str::to_owned), wanted, 3)
    }

    #[test]
    fn what_was_meant_is_found() {
        for wanted in ["kestrl", "Kestrel", "Lib/kestrel", "ketsrel", "/lab/kestrel"] {
            assert_eq!(near_to(wanted), ["Lab/kestrel"], "{wanted}");
        }
        assert_eq!(near_to("Lba"), ["Lab"]);
        assert_eq!(near_to("her"), ["Lab/heron"]);
        assert_eq!(near_to("lab"), ["Lab", "Lab/heron", "Lab/kestrel"]);
    }

    #[test]
    fn a_folder_in_the_place_of_a_connection_leads_to_what_is_in_it() {
        assert_eq!(near_to("Lab"), ["Lab/heron", "Lab/kestrel"]);
    }

    #[test]
    fn what_is_like_nothing_finds_nothing() {
        for wanted in ["", "x", "k", "production-database", "/", "東京"] {
            assert_eq!(near_to(wanted), Vec::<String>::new(), "{wanted}");
        }
    }
}
