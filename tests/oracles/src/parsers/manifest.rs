//! Manifests of plugins, `plugin.toml`.

use std::path::{Path, PathBuf};

use ostler_plugin_api::Manifest;

use super::{Taken, comes_back, project_file, project_folders};
use crate::Input;

pub(super) fn good(_: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut folders = project_folders("plugins")?;
    folders.extend(project_folders("tests/guests")?);
    // Not every guest has a manifest: one is there to lack it.
    let manifests = folders.iter().filter_map(|folder| project_file(&format!("{folder}/plugin.toml")).ok());
    Ok(manifests.filter(|bytes| Manifest::parse(bytes).is_ok()).map(Input::of).collect())
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    Ok(match Manifest::parse(input.bytes()) {
        Ok(mut manifest) => {
            // What is read is worked out when a manifest is parsed, and not written with it.
            manifest.capabilities.iter_mut().for_each(|request| request.scope.reads = None);
            comes_back(&manifest)?;
            Taken::Read
        }
        Err(error) => {
            drop(error.to_string());
            Taken::Refused
        }
    })
}
