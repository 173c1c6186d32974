//! The test kit: a plugin's component on its folder of cases, in the real runtime, with its checks and bounds.
//!
//! A case is what the author's guide says; beside it may lie what the capabilities answer with (`settings.json`, `storage.json`,
//! `prompts.json`). Each case runs with all that the plugin asks for, and once more without each capability: the plugin has to come to an
//! end with a value then, and where `expected-without-<capability>.json` stands in the case, with that one. The hostile mode gives
//! importers broken files. Never opens a store, a wire or a window.
#![warn(missing_docs)]

mod case;
mod outcome;
mod ports;
mod report;

pub use case::KitError;
pub use report::{CaseReport, Coverage, Report, Variant};

use std::path::Path;

use ostler_plugin_api::{Capability, Grants, Kind};
use ostler_registry::inspect;
use ostler_runtime::{Plugin, Runtime, RuntimeConfig};

use crate::case::Case;
use crate::outcome::Outcome;
use crate::ports::Script;

/// What is run beside the cases as they stand.
#[derive(Debug, Clone, Default)]
pub struct Wishes {
    /// Only cases with this in their name.
    pub only: Option<String>,
    /// Also with broken files.
    pub hostile: bool,
}

/// Runs a component on every case of a folder.
///
/// # Errors
/// The component is no plugin or does not load; the folder has no case, or one that can't be read. What a plugin does wrong is in the report.
pub async fn run(component: &[u8], cases: &Path, wishes: &Wishes) -> Result<Report, KitError> {
    let inspection = inspect(component).map_err(|error| KitError::Plugin(error.to_string()))?;
    let manifest = &inspection.manifest;
    let asked: Vec<Capability> = manifest.capabilities.iter().map(|request| request.name).collect();
    let script = Script::new();
    let fault = |error: &dyn std::fmt::Display| KitError::Plugin(error.to_string());
    let runtime = Runtime::new(RuntimeConfig::default(), script.ports()).map_err(|error| fault(&error))?;
    let digest = inspection.digest.to_string();
    let loaded = runtime.load(manifest, &digest, component, Grants::default());
    let plugin = loaded.map_err(|error| fault(&error))?;
    let mut report = Report::default();
    for case in Case::all(cases)? {
        if wishes.only.as_ref().is_some_and(|only| !case.name.contains(only)) {
            continue;
        }
        let variants =
            std::iter::once(Variant::Granted).chain(asked.iter().map(|name| Variant::Without(*name)));
        let broken = if wishes.hostile { case.broken_inputs() } else { Vec::new() };
        let broken = broken.into_iter().map(|(how, bytes)| (Variant::Hostile(how), Some(bytes)));
        for (variant, input) in variants.map(|variant| (variant, None)).chain(broken) {
            let granted = asked.iter().copied().filter(|name| variant != Variant::Without(*name));
            plugin.set_grants(granted.collect());
            script.begin(&case)?;
            let outcome = outcome(&plugin, &manifest.kinds, &case, input).await?;
            report.add(&case, variant, &outcome, &plugin.take_usage());
        }
    }
    if report.cases.is_empty() {
        return Err(KitError::NoCase(cases.to_owned()));
    }
    Ok(report)
}

async fn outcome(
    plugin: &Plugin,
    kinds: &[Kind],
    case: &Case,
    input: Option<Vec<u8>>,
) -> Result<Outcome, KitError> {
    match &case.input {
        case::Input::File { name, bytes, options } if kinds.contains(&Kind::Importer) => {
            Ok(outcome::import(plugin, name, input.unwrap_or_else(|| bytes.clone()), options).await)
        }
        case::Input::Launch(request) if kinds.contains(&Kind::Launcher) => {
            Ok(outcome::plan(plugin, request).await)
        }
        _ => Err(KitError::Case {
            case: case.name.clone(),
            reason: "an importer's case has a file 'input.*', a launcher's 'request.json'".to_owned(),
        }),
    }
}
