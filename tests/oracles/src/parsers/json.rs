//! JSON exports, through the importer's native build.
//!
//! What the library `serde_json` reads as a whole has as many elements in the lists of its root as are imported or named as problems.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use importer_json::Json;
use ostler_sdk::importer::{Importer as _, Severity, parse_in_memory};
use serde_json::Value;

use super::{Taken, project_file, project_folders};
use crate::Input;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut good = Vec::new();
    for case in project_folders("plugins/importer-json/cases")? {
        let input = Input::of(project_file(&format!("{case}/input.json"))?);
        // Some cases are there to be refused.
        if take(&input, Path::new(""))? == Taken::Read {
            good.push(input);
        }
    }
    Ok(good)
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let file = input.bytes();
    ensure!(Json::detect(file, "list.json") <= 100, "more than sure");
    let parsed = parse_in_memory::<Json>(file, &[]);
    if parsed.outcome.is_err() {
        return Ok(Taken::Refused);
    }
    let refused = parsed.problems.iter().filter(|problem| problem.severity == Severity::NotImported).count();
    let accounted = parsed.entries.len() + refused;
    if let Ok(Value::Object(root)) = serde_json::from_slice(file)
        && root.get("records").is_none()
    {
        let elements: usize = root.values().filter_map(Value::as_array).map(Vec::len).sum();
        ensure!(accounted == elements, "{accounted} records are accounted for, the library reads {elements}");
    }
    Ok(Taken::Read)
}
