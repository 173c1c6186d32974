//! Exports of the registry with sessions of PuTTY, through the importer's native build: there are no more of them than keys.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use importer_putty::Putty;
use ostler_sdk::importer::{Importer as _, Severity, parse_in_memory};

use super::{Taken, project_file, project_folders};
use crate::Input;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut good = Vec::new();
    for case in project_folders("plugins/importer-putty/cases")? {
        let input = Input::of(project_file(&format!("{case}/input.reg"))?);
        // Some cases are there to be refused.
        if take(&input, Path::new(""))? == Taken::Read {
            good.push(input);
        }
    }
    Ok(good)
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let file = input.bytes();
    ensure!(Putty::detect(file, "x.reg") <= 100, "more than sure");
    let parsed = parse_in_memory::<Putty>(file, &[]);
    if parsed.outcome.is_err() {
        return Ok(Taken::Refused);
    }
    let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
    let keys =
        file.split(|byte| *byte == b'\n' || *byte == b'\r').filter(|line| line.contains(&b'[')).count();
    let accounted = parsed.entries.len() + refused;
    ensure!(accounted <= keys, "{accounted} sessions of {keys} lines that may be keys");
    Ok(Taken::Read)
}
