//! The parsers of foreign bytes: good inputs of each, and what taking one must never do.
//!
//! To take is to call all that reads the bytes; it returns whether they were refused, read, or proved to be what was
//! written. A panic needs no word here: it ends the process.

mod asciicast;
mod audit;
mod component;
mod known_hosts;
mod manifest;
mod recording;
mod sealed;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::input::Input;

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is not what it should be.
    Refused,
    /// It could be read; whether it is what was written can't be told.
    Read,
    /// It is claimed to be what was written, namely this.
    Proved(Vec<u8>),
}

/// A parser of foreign bytes.
pub(crate) struct Parser {
    pub(crate) name: &'static str,
    /// Makes good inputs; the directories hold components.
    pub(crate) good: fn(&[PathBuf]) -> anyhow::Result<Vec<Input>>,
    /// Takes an input. The directory is there for what has to be a file; nothing of before is of use in it.
    pub(crate) take: fn(&Input, &Path) -> anyhow::Result<Taken>,
}

pub(crate) static PARSERS: [Parser; 7] = [
    Parser { name: "manifest", good: manifest::good, take: manifest::take },
    Parser { name: "component", good: component::good, take: component::take },
    Parser { name: "known-hosts", good: known_hosts::good, take: known_hosts::take },
    Parser { name: "asciicast", good: asciicast::good, take: asciicast::take },
    Parser { name: "recording", good: recording::good, take: recording::take },
    Parser { name: "audit", good: audit::good, take: audit::take },
    Parser { name: "sealed", good: sealed::good, take: sealed::take },
];

/// Returns the parser of a name.
pub(crate) fn find(name: &str) -> anyhow::Result<&'static Parser> {
    PARSERS.iter().find(|parser| parser.name == name).with_context(|| format!("there is no parser '{name}'"))
}

/// Returns the parsers of these names, or all where there are none.
pub(crate) fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Parser>> {
    if names.is_empty() {
        return Ok(PARSERS.iter().collect());
    }
    names.iter().map(|name| find(name)).collect()
}

/// Reads the file at a path below the root of the project.
fn project_file(path: &str) -> anyhow::Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read(&path).with_context(|| format!("{} is missing", path.display()))
}

/// Lists the folders directly below a folder of the project.
fn project_folders(path: &str) -> anyhow::Result<Vec<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(format!("{path}/{}", entry.file_name().to_string_lossy()));
        }
    }
    if names.is_empty() {
        bail!("there are no folders in {path}");
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_inputs_do_no_harm_any_more() {
        let scratch = tempfile::tempdir().unwrap();
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions");
        for parser in &PARSERS {
            let Ok(inputs) = std::fs::read_dir(kept.join(parser.name)) else { continue };
            for input in inputs {
                let path = input.unwrap().path();
                println!("{}", path.display());
                (parser.take)(&Input::read(&path).unwrap(), scratch.path()).unwrap();
            }
        }
    }

    #[test]
    fn an_unknown_parser_is_refused() {
        assert!(chosen(&["manifest".to_owned()]).is_ok());
        assert!(chosen(&["manifold".to_owned()]).is_err());
        assert_eq!(chosen(&[]).unwrap().len(), PARSERS.len());
    }
}
