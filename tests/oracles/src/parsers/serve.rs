//! Frames on the socket between a front end and an unlocked host. The first byte of an input says which end reads.
//!
//! What is read comes back as it was written.

use std::path::{Path, PathBuf};

use ostler_serve::fuzzing::{End, good as known, read};

use super::Taken;
use crate::Input;

const ENDS: [End; 3] = [End::Door, End::Server, End::Client];

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let input = |(end, bytes): (End, Vec<u8>)| {
        let first = (0..).zip(ENDS).find_map(|(number, known)| (known == end).then_some(number));
        Input::of([&[first.unwrap_or(0)], bytes.as_slice()].concat())
    };
    Ok(known().into_iter().map(input).collect())
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let Some((first, bytes)) = input.bytes().split_first() else { return Ok(Taken::Refused) };
    let Some(end) = ENDS.get(usize::from(*first) % ENDS.len()) else { return Ok(Taken::Refused) };
    let count = read(*end, bytes).map_err(anyhow::Error::msg)?;
    Ok(if count > 0 { Taken::Read } else { Taken::Refused })
}
