//! Writes the good inputs of every parser as seeds: `ostler-seeds INTO [COMPONENTS..]`, a folder for each parser.

use std::path::PathBuf;

use anyhow::Context as _;
use ostler_oracles::{Input, PARSERS};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let into = arguments.next().context("usage: ostler-seeds INTO [COMPONENTS..]")?;
    let components: Vec<PathBuf> = arguments.collect();
    for parser in &PARSERS {
        let good = (parser.good)(&components).with_context(|| parser.name)?;
        let named =
            (0..).zip(&good).map(|(number, input): (u32, _)| (format!("good-{number}"), parser.bytes(input)));
        Input { files: named.collect() }.write(&into.join(parser.name))?;
    }
    Ok(())
}
