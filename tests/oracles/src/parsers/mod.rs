//! The parsers of foreign bytes: good inputs of each, and what taking one must never do.
//!
//! To take is to call all that reads the bytes; it returns whether they were refused, read, or proved to be what was
//! written. What else must hold of an input that is read (it comes back as it was written, another program reads the
//! same) is an error where it does not.

mod asciicast;
mod audit;
mod component;
mod config;
mod csv;
mod desktop;
mod event;
mod json;
mod known_hosts;
mod manifest;
mod native;
mod policy;
mod proof;
mod putty;
mod rdp_file;
mod recording;
mod row;
mod sealed;
mod segment;
mod serve;
mod signature;
mod slot;
mod ssh_config;
mod store;
mod telnet;
mod tree;
mod vnc;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use ostler_core::{Clock, Timestamp};
use serde::{Serialize, de::DeserializeOwned};

use crate::Input;

/// What came of an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is not what it should be.
    Refused,
    /// It could be read; whether it is what was written can't be told.
    Read,
    /// It is claimed to be what was written, namely this. The same in every run, so that kept inputs prove it too.
    Proved(Vec<u8>),
}

/// A parser of foreign bytes.
pub struct Parser {
    /// The name of its fuzz target and of its folder of kept inputs.
    pub name: &'static str,
    /// Whether an input is of several files; then it is kept as a frame.
    pub several: bool,
    /// Makes good inputs; the directories hold components.
    pub good: fn(&[PathBuf]) -> anyhow::Result<Vec<Input>>,
    /// Takes an input. The directory is there for what has to be a file; nothing of before is of use in it.
    pub take: fn(&Input, &Path) -> anyhow::Result<Taken>,
}

impl Parser {
    const fn of_one(
        name: &'static str,
        good: fn(&[PathBuf]) -> anyhow::Result<Vec<Input>>,
        take: fn(&Input, &Path) -> anyhow::Result<Taken>,
    ) -> Self {
        Self { name, several: false, good, take }
    }

    const fn of_several(
        name: &'static str,
        good: fn(&[PathBuf]) -> anyhow::Result<Vec<Input>>,
        take: fn(&Input, &Path) -> anyhow::Result<Taken>,
    ) -> Self {
        Self { name, several: true, good, take }
    }

    /// Makes an input of the bytes that it is kept as. Any bytes are one.
    #[must_use]
    pub fn input(&self, bytes: &[u8]) -> Input {
        if self.several { Input::from_frame(bytes) } else { Input::of(bytes) }
    }

    /// Returns the bytes that an input is kept as.
    #[must_use]
    pub fn bytes(&self, input: &Input) -> Vec<u8> {
        if self.several { input.to_frame() } else { input.bytes().to_vec() }
    }
}

/// All of them.
pub static PARSERS: [Parser; 27] = [
    Parser::of_one("manifest", manifest::good, manifest::take),
    Parser::of_one("component", component::good, component::take),
    Parser::of_one("csv", csv::good, csv::take),
    Parser::of_one("json", json::good, json::take),
    Parser::of_one("putty", putty::good, putty::take),
    Parser::of_one("ssh-config", ssh_config::good, ssh_config::take),
    Parser::of_one("rdp-file", rdp_file::good, rdp_file::take),
    Parser::of_one("known-hosts", known_hosts::good, known_hosts::take),
    Parser::of_one("config", config::good, config::take),
    Parser::of_one("store", store::good, store::take),
    Parser::of_one("row", row::good, row::take),
    Parser::of_one("tree", tree::good, tree::take),
    Parser::of_one("slot", slot::good, slot::take),
    Parser::of_one("sealed", sealed::good, sealed::take),
    Parser::of_one("asciicast", asciicast::good, asciicast::take),
    Parser::of_several("recording", recording::good, recording::take),
    Parser::of_several("segment", segment::good, segment::take),
    Parser::of_several("audit", audit::good, audit::take),
    Parser::of_several("proof", proof::good, proof::take),
    Parser::of_several("event", event::good, event::take),
    Parser::of_one("vnc", vnc::good, vnc::take),
    Parser::of_one("telnet", telnet::good, telnet::take),
    Parser::of_one("desktop", desktop::good, desktop::take),
    Parser::of_one("policy", policy::good, policy::take),
    Parser::of_one("serve", serve::good, serve::take),
    Parser::of_one("native", native::good, native::take),
    Parser::of_several("signature", signature::good, signature::take),
];

/// Returns the parser of a name.
///
/// # Errors
/// Fails where there is none.
pub fn find(name: &str) -> anyhow::Result<&'static Parser> {
    PARSERS.iter().find(|parser| parser.name == name).with_context(|| format!("there is no parser '{name}'"))
}

/// Writes a value as JSON and reads it again: it must be the same.
fn comes_back<T: Serialize + DeserializeOwned + PartialEq>(value: &T) -> anyhow::Result<Vec<u8>> {
    let written = serde_json::to_vec(value)?;
    let again: T = serde_json::from_slice(&written).context("what was written can't be read")?;
    ensure!(again == *value, "what was written came back as something else");
    Ok(written)
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

/// A clock that stands still.
struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parser_is_not_found() {
        assert!(find("manifest").is_ok());
        assert!(find("manifold").is_err());
    }

    #[test]
    fn every_input_comes_back_from_the_bytes_that_it_is_kept_as() {
        for parser in &PARSERS {
            for input in (parser.good)(&[]).unwrap() {
                assert_eq!(parser.input(&parser.bytes(&input)), input, "{}", parser.name);
            }
        }
    }
}
