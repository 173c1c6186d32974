//! OpenSSH client configurations, through the importer's native build: no name comes in twice, and none without a host and a port.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use importer_ssh_config::SshConfig;
use ostler_sdk::importer::{Importer as _, Item, parse_in_memory};

use super::{Taken, project_file, project_folders};
use crate::Input;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let cases = project_folders("plugins/importer-ssh-config/cases")?;
    cases.iter().map(|case| Ok(Input::of(project_file(&format!("{case}/input.config"))?))).collect()
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let file = input.bytes();
    ensure!(SshConfig::detect(file, "config") <= 100, "more than sure");
    let parsed = parse_in_memory::<SshConfig>(file, &[]);
    if parsed.outcome.is_err() {
        return Ok(Taken::Refused);
    }
    let mut names = BTreeSet::new();
    for entry in &parsed.entries {
        let Item::Connection(connection) = &entry.item else { continue };
        ensure!(connection.port > 0, "'{}' has no port", connection.name);
        ensure!(names.insert(entry.identity.clone()), "'{}' comes twice", entry.identity);
    }
    Ok(Taken::Read)
}
