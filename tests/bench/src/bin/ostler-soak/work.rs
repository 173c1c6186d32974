//! One parser's work: mutate, write down, take, and compare what was proved with what was good.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use fastrand::Rng;
use rustix::process::{Resource, Rlimit, setrlimit};
use tempfile::TempDir;

use crate::input::Input;
use crate::mutation::mutate;
use crate::parsers::{Parser, Taken};

/// The address space of a worker: an input of a megabyte has no business with more.
const MEMORY_BYTES: u64 = 4 << 30;
/// A file system in memory: most parsers' inputs are files.
const MEMORY: &str = "/dev/shm";

/// A parser with good inputs.
pub(crate) struct Work {
    parser: &'static Parser,
    good: Vec<Input>,
    /// What the good inputs prove.
    proved: Vec<Vec<u8>>,
    random: Rng,
    scratch: TempDir,
}

/// How many inputs were taken.
#[derive(Debug, Default)]
pub(crate) struct Done {
    inputs: u64,
    refused: u64,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} inputs, {} of them refused", self.inputs, self.refused)
    }
}

impl Work {
    /// Makes the good inputs, each of which has to be taken.
    pub(crate) fn new(parser: &'static Parser, components: &[PathBuf], seed: u64) -> anyhow::Result<Self> {
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
        let name = parser.name.bytes().fold(0_u64, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte));
        Ok(Self { parser, good, proved, random: Rng::with_seed(seed ^ name), scratch })
    }

    /// Takes inputs for so long; each is in the file `current` while it is taken.
    pub(crate) fn run(mut self, current: &Path, span: Duration) -> anyhow::Result<Done> {
        setrlimit(Resource::As, Rlimit { current: Some(MEMORY_BYTES), maximum: Some(MEMORY_BYTES) })?;
        let current = File::create(current).context("the current input can't be written")?;
        let (mut done, until) = (Done::default(), Instant::now() + span);
        while Instant::now() < until {
            let input = mutate(&self.good, &mut self.random);
            let frame = input.to_frame();
            current.set_len(0)?;
            current.write_all_at(&frame, 0)?;
            self.one(&input, &mut done)?;
        }
        Ok(done)
    }

    fn one(&self, input: &Input, done: &mut Done) -> anyhow::Result<()> {
        done.inputs += 1;
        match (self.parser.take)(input, self.scratch.path())? {
            Taken::Refused => done.refused += 1,
            Taken::Read => {}
            Taken::Proved(content) => {
                ensure!(self.proved.contains(&content), "what was proved was never written");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parsers::PARSERS;

    #[test]
    fn each_parser_takes_some_mutations_of_what_it_knows() {
        for parser in &PARSERS {
            let mut work = Work::new(parser, &[], 1).unwrap();
            let mut done = Done::default();
            for _ in 0..300 {
                let input = mutate(&work.good, &mut work.random);
                work.one(&input, &mut done).unwrap();
            }
            assert!(done.refused < done.inputs, "{}: {done}", parser.name);
        }
    }

    #[test]
    fn a_change_that_is_not_noticed_is_a_fault() {
        static BLIND: Parser = Parser {
            name: "blind",
            good: |_| Ok(vec![Input::of("good")]),
            take: |input, _| Ok(Taken::Proved(input.bytes().to_vec())),
        };
        let work = Work::new(&BLIND, &[], 1).unwrap();
        assert!(work.one(&Input::of("good"), &mut Done::default()).is_ok());
        assert!(work.one(&Input::of("evil"), &mut Done::default()).is_err());
    }
}
