//! Projects: a folder with `Cargo.toml` and `plugin.toml`, built with Cargo into a component; and what is found when a component is
//! looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ostler_plugin_api::{Capability, Manifest};
use ostler_registry::{Inspection, check_new, inspect, validate};
use serde_json::Value;

use crate::ToolError;

/// The target of components.
const TARGET: &str = "wasm32-wasip2";

/// What Cargo is asked to build.
const BUILD: [&str; 4] = ["build", "--release", "--target", TARGET];

/// A plugin project.
#[derive(Debug, Clone)]
pub struct Project {
    folder: PathBuf,
}

/// A component that fits this host.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The file.
    pub file: PathBuf,
    /// What it says of itself.
    pub inspection: Inspection,
    /// What is allowed and looks wrong, one sentence each.
    pub warnings: Vec<String>,
}

impl Project {
    /// Takes the project in a folder.
    ///
    /// # Errors
    /// [`ToolError::NoProject`] where `Cargo.toml` or `plugin.toml` is missing.
    pub fn open(folder: &Path) -> Result<Self, ToolError> {
        for needed in ["Cargo.toml", "plugin.toml"] {
            if !folder.join(needed).is_file() {
                let reason = format!("it has no {needed}");
                return Err(ToolError::NoProject { path: folder.to_owned(), reason });
            }
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Builds the component, optimized, and returns its file. What Cargo says goes to the standard error.
    ///
    /// # Errors
    /// [`ToolError::Command`] where Cargo fails, [`ToolError::NoProject`] where it makes no component.
    pub fn build(&self) -> Result<PathBuf, ToolError> {
        self.cargo(&BUILD)?;
        self.component()
    }

    /// Returns the component that was built last.
    ///
    /// # Errors
    /// [`ToolError::Command`] where Cargo does not tell where it is, [`ToolError::NoProject`] where there is none.
    pub fn component(&self) -> Result<PathBuf, ToolError> {
        let metadata = self.metadata()?;
        let missing =
            |reason: &str| ToolError::NoProject { path: self.folder.clone(), reason: reason.to_owned() };
        let target = metadata.get("target_directory").and_then(Value::as_str);
        let target = target.ok_or_else(|| missing("Cargo names no target folder"))?;
        let is_component = |target: &&Value| list(target, "crate_types").any(|of| of == "cdylib");
        let name = list(&metadata, "packages")
            .flat_map(|package| list(package, "targets"))
            .find(is_component)
            .and_then(|library| library.get("name")?.as_str())
            .ok_or_else(|| missing("no library has crate-type = [\"cdylib\"]"))?;
        let file =
            Path::new(target).join(TARGET).join("release").join(format!("{}.wasm", name.replace('-', "_")));
        if file.is_file() { Ok(file) } else { Err(missing("the build left no component")) }
    }

    /// Runs the project's own tests, natively.
    ///
    /// # Errors
    /// [`ToolError::Command`] where one fails.
    pub fn test(&self) -> Result<(), ToolError> {
        self.cargo(&["test"])
    }

    /// Returns the command that builds the component as [`Project::build`] does and speaks only of what is wrong, for who starts it himself.
    #[must_use]
    pub fn building(&self) -> Command {
        let mut command = self.command(&BUILD);
        command.arg("--quiet");
        command
    }

    /// Returns the command that runs the project's own tests, for who starts it himself.
    #[must_use]
    pub fn testing(&self) -> Command {
        self.command(&["test", "--quiet"])
    }

    /// Returns the project's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn cargo(&self, words: &[&str]) -> Result<(), ToolError> {
        let command = format!("cargo {}", words.join(" "));
        let status = self.command(words).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(ToolError::Command { command, reason: status.to_string() }),
            Err(error) => Err(ToolError::Command { command, reason: error.to_string() }),
        }
    }

    fn metadata(&self) -> Result<Value, ToolError> {
        let words = ["metadata", "--no-deps", "--format-version", "1"];
        let failed = |reason: String| ToolError::Command { command: "cargo metadata".to_owned(), reason };
        let output = self.command(&words).output().map_err(|error| failed(error.to_string()))?;
        serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
    }

    #[expect(clippy::disallowed_methods, reason = "an author asks for his own toolchain, in his own project")]
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.current_dir(&self.folder).args(words);
        command
    }

    /// Returns the project's manifest as it is written.
    ///
    /// # Errors
    /// Fails where the file can't be read.
    pub fn manifest(&self) -> Result<Vec<u8>, ToolError> {
        let path = self.folder.join("plugin.toml");
        fs::read(&path).map_err(ToolError::file(&path))
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Looks at a component as installing it would.
///
/// # Errors
/// Names everything that does not fit.
pub fn check_file(file: &Path) -> Result<Checked, ToolError> {
    let bytes = fs::read(file).map_err(ToolError::file(file))?;
    check_bytes(file, &bytes)
}

pub(crate) fn check_bytes(file: &Path, bytes: &[u8]) -> Result<Checked, ToolError> {
    let not_a_plugin = |source| ToolError::NotAPlugin { path: file.to_owned(), source };
    let inspection = inspect(bytes).map_err(not_a_plugin)?;
    check_new(&inspection).map_err(|source| ToolError::Unfit { path: file.to_owned(), source })?;
    validate(bytes).map_err(not_a_plugin)?;
    let warnings = warnings(&inspection);
    Ok(Checked { file: file.to_owned(), inspection, warnings })
}

fn warnings(inspection: &Inspection) -> Vec<String> {
    let manifest: &Manifest = &inspection.manifest;
    let mut warnings = Vec::new();
    for request in &manifest.capabilities {
        let interfaces = request.name.interfaces();
        let imported =
            inspection.imports.iter().any(|import| interfaces.contains(&import.interface.as_str()));
        // Slots in a plan need no import.
        if !imported && request.name != Capability::SecretsUse {
            warnings.push(format!("it asks for '{}' and never uses it", request.name));
        }
        if request.reason.chars().count() < 12 {
            warnings.push(format!(
                "the reason for '{}' tells a person little: {:?}",
                request.name, request.reason
            ));
        }
    }
    if manifest.license.is_none() {
        warnings.push("the manifest names no license".to_owned());
    }
    warnings
}
