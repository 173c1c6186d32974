//! .rdp files, through the importer's native build: each gives a connection, or the one reason why not.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use importer_rdp_file::RdpFile;
use ostler_sdk::importer::{Importer as _, Severity, parse_in_memory};

use super::{Taken, project_file, project_folders};
use crate::Input;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut good = Vec::new();
    for case in project_folders("plugins/importer-rdp-file/cases")? {
        let input = Input::of(project_file(&format!("{case}/input.rdp"))?);
        // Some cases are there to be refused.
        if take(&input, Path::new(""))? == Taken::Read {
            good.push(input);
        }
    }
    Ok(good)
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let file = input.bytes();
    ensure!(RdpFile::detect(file, "x.rdp") <= 100, "more than sure");
    let parsed = parse_in_memory::<RdpFile>(file, &[]);
    if parsed.outcome.is_err() {
        return Ok(Taken::Refused);
    }
    let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
    ensure!(parsed.entries.len() + refused == 1, "{} entries and {refused} refusals", parsed.entries.len());
    Ok(if refused == 0 { Taken::Read } else { Taken::Refused })
}
