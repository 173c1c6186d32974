//! A parser with its good inputs: takes an input, and compares what was proved with what was good.

use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};
use tempfile::TempDir;

use crate::{Input, Parser, Taken};

/// A file system in memory: most parsers' inputs are files.
const MEMORY: &str = "/dev/shm";

/// A parser with good inputs.
pub struct Oracle {
    parser: &'static Parser,
    good: Vec<Input>,
    /// What the good inputs prove.
    proved: Vec<Vec<u8>>,
    scratch: TempDir,
}

impl Oracle {
    /// Makes the good inputs; the directories hold components.
    ///
    /// # Errors
    /// Fails where one can't be made, or is not taken.
    pub fn new(parser: &'static Parser, components: &[PathBuf]) -> anyhow::Result<Self> {
        let scratch =
            if Path::new(MEMORY).is_dir() { tempfile::tempdir_in(MEMORY) } else { tempfile::tempdir() }?;
        let good = (parser.good)(components)?;
        let mut proved = Vec::new();
        for (number, input) in good.iter().enumerate() {
            match (parser.take)(input, scratch.path())? {
                Taken::Refused => bail!("good input {number} of {} is refused", parser.name),
                Taken::Read => {}
                Taken::Proved(content) => proved.push(content),
            }
        }
        Ok(Self { parser, good, proved, scratch })
    }

    /// Returns the good inputs.
    #[must_use]
    pub fn good(&self) -> &[Input] {
        &self.good
    }

    /// Takes an input; returns whether it was refused.
    ///
    /// # Errors
    /// Says what does not hold. A panic and an input that is taken without an end speak for themselves.
    pub fn take(&self, input: &Input) -> anyhow::Result<bool> {
        match (self.parser.take)(input, self.scratch.path())? {
            Taken::Refused => Ok(true),
            Taken::Read => Ok(false),
            Taken::Proved(content) => {
                ensure!(self.proved.contains(&content), "what was proved was never written");
                Ok(false)
            }
        }
    }

    /// As [`Oracle::take`], of an input as it is kept in a file.
    ///
    /// # Errors
    /// As [`Oracle::take`].
    pub fn take_bytes(&self, bytes: &[u8]) -> anyhow::Result<bool> {
        self.take(&self.parser.input(bytes))
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::{PARSERS, mutate};

    #[test]
    fn each_parser_takes_what_it_knows_and_some_mutations_of_it() {
        for parser in &PARSERS {
            let oracle = Oracle::new(parser, &[]).unwrap();
            let (mut random, mut refused) = (Rng::with_seed(1), 0);
            for number in 0..300 {
                let input = mutate(oracle.good(), &mut random);
                let taken = oracle.take(&input);
                refused += u32::from(taken.unwrap_or_else(|error| {
                    panic!("{}: mutation {number}: {error:#}: {input:?}", parser.name)
                }));
            }
            assert!(refused < 300, "{}: all mutations are refused", parser.name);
        }
    }

    #[test]
    fn a_change_that_is_not_noticed_is_a_fault() {
        static BLIND: Parser = Parser {
            name: "blind",
            several: false,
            good: |_| Ok(vec![Input::of("good")]),
            take: |input, _| Ok(Taken::Proved(input.bytes().to_vec())),
        };
        let oracle = Oracle::new(&BLIND, &[]).unwrap();
        assert!(!oracle.take_bytes(b"good").unwrap());
        assert!(oracle.take_bytes(b"evil").is_err());
    }

    #[test]
    fn kept_inputs_do_no_harm_any_more() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions");
        let mut replayed = 0;
        for parser in &PARSERS {
            let Ok(inputs) = std::fs::read_dir(kept.join(parser.name)) else { continue };
            let oracle = Oracle::new(parser, &[]).unwrap();
            for input in inputs {
                let path = input.unwrap().path();
                println!("{}", path.display());
                let bytes = std::fs::read(&path).unwrap();
                oracle.take_bytes(&bytes).unwrap_or_else(|error| panic!("{}: {error:#}", path.display()));
                replayed += 1;
            }
        }
        println!("{replayed} kept inputs");
    }

    #[test]
    fn every_kept_input_is_of_a_parser_that_there_is() {
        let Ok(folders) = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../regressions"))
        else {
            return;
        };
        for folder in folders {
            let name = folder.unwrap().file_name().to_string_lossy().into_owned();
            assert!(crate::find(&name).is_ok(), "tests/regressions/{name} is of no parser");
        }
    }

    #[test]
    fn every_parser_has_a_fuzz_target() {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        let targets = manifest.matches("[[bin]]").count();
        for parser in &PARSERS {
            assert!(manifest.contains(&format!("name = \"{}\"\n", parser.name)), "{}", parser.name);
        }
        assert_eq!(targets, PARSERS.len());
    }
}
