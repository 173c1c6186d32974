//! What the fuzz targets have in common: an oracle, asked again and again, and mutations that keep the files of an input
//! apart. Knows no parser: those are in `tests/oracles`.

use std::cell::OnceCell;

use fastrand::Rng;
use ostler_oracles::{Input, Oracle, Parser, change_files, find};

/// Of so many mutations of an input of several files, one changes which files there are.
const CHANGES_FILES_EVERY: u32 = 16;

thread_local! {
    static ORACLE: OnceCell<Oracle> = const { OnceCell::new() };
}

/// Makes a fuzz target of the oracle of this name.
#[macro_export]
macro_rules! target {
    ($name:literal) => {
        libfuzzer_sys::fuzz_target!(init: $crate::write_seeds($name), |bytes: &[u8]| $crate::take($name, bytes));

        libfuzzer_sys::fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
            $crate::mutate($name, bytes, size, most, seed)
        });
    };
}

/// Names the folder that seeds are written to, before libFuzzer reads it.
const SEEDS: &str = "OSTLER_FUZZ_SEEDS";
/// Names folders of components, which are good inputs too; separated as those of `PATH`.
const COMPONENTS: &str = "OSTLER_FUZZ_COMPONENTS";

/// Writes the good inputs of a parser as seeds, where the environment names a folder.
///
/// # Panics
/// Where they can't be made or written.
pub fn write_seeds(name: &str) {
    let Some(folder) = std::env::var_os(SEEDS) else { return };
    let parser = parser(name);
    let components = std::env::var_os(COMPONENTS).unwrap_or_default();
    let components: Vec<_> = std::env::split_paths(&components).collect();
    let good = (parser.good)(&components).expect("the good inputs can be made");
    let files =
        (0..).zip(&good).map(|(number, input): (u32, _)| (format!("good-{number}"), parser.bytes(input)));
    Input { files: files.collect() }.write(folder.as_ref()).expect("the seeds can be written");
}

/// Takes an input.
///
/// # Panics
/// Where something does not hold: that is how libFuzzer is told.
pub fn take(name: &str, bytes: &[u8]) {
    ORACLE.with(|oracle| {
        let oracle =
            oracle.get_or_init(|| Oracle::new(parser(name), &[]).expect("the oracle takes good inputs"));
        if let Err(error) = oracle.take_bytes(bytes) {
            panic!("{error:#}");
        }
    });
}

/// Changes an input in place and returns its new size.
#[must_use]
pub fn mutate(name: &str, bytes: &mut [u8], size: usize, most: usize, seed: u32) -> usize {
    let parser = parser(name);
    if !parser.several {
        return libfuzzer_sys::fuzzer_mutate(bytes, size, most);
    }
    let mut random = Rng::with_seed(seed.into());
    let mut input = bytes.get(..size).map(|bytes| parser.input(bytes)).unwrap_or_default();
    if random.u32(..CHANGES_FILES_EVERY) == 0 || input.files.is_empty() {
        if input.files.is_empty() || random.bool() {
            input.files.push((format!("seg-{:08}", input.files.len()), Vec::new()));
        } else {
            change_files(&mut input, &mut random);
        }
    } else {
        let spare = most.saturating_sub(size);
        mutate_one(&mut input, spare, &mut random);
    }
    let changed = parser.bytes(&input);
    match bytes.get_mut(..changed.len()) {
        Some(place) if changed.len() <= most => {
            place.copy_from_slice(&changed);
            changed.len()
        }
        _ => size,
    }
}

/// Lets libFuzzer change one of the files.
fn mutate_one(input: &mut Input, spare: usize, random: &mut Rng) {
    let Some((_, file)) = random.choice(&mut input.files) else { return };
    let size = file.len();
    file.resize(size + spare.min(size + 64), 0);
    let most = file.len();
    // An empty file where there is no room for more.
    if most == 0 {
        return;
    }
    let size = libfuzzer_sys::fuzzer_mutate(file, size, most);
    file.truncate(size);
}

fn parser(name: &str) -> &'static Parser {
    find(name).expect("each target is named after a parser")
}
