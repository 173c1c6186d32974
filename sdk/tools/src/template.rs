//! New projects: the skeletons of `sdk/template`, with names filled in.
//!
//! Never writes over anything.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_plugin_api::PluginId;

use crate::ToolError;

/// A file of a skeleton: its place in the project, and its text.
type Skeleton = &'static [(&'static str, &'static str)];

/// The kinds of plugin that there are skeletons for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TemplateKind {
    /// Reads files of other tools.
    Importer,
    /// Plans sessions of a protocol that the host speaks.
    Launcher,
    /// Speaks a protocol of its own.
    Driver,
}

/// A project that is to be made.
#[derive(Debug, Clone)]
pub struct NewPlugin {
    /// Of which kind.
    pub kind: TemplateKind,
    /// Its name: the second part of the plugin's id, the name of the package.
    pub name: String,
    /// The publisher: the first part of the id.
    pub publisher: String,
    /// The folder to make; none is the name, here.
    pub path: Option<PathBuf>,
    /// The folder `sdk/rust` of a checkout; none looks for it here and above.
    pub sdk: Option<PathBuf>,
}

const COMMON: Skeleton = &[
    ("Cargo.toml", include_str!("../../template/Cargo.toml.in")),
    (".gitignore", include_str!("../../template/gitignore.in")),
];
const IMPORTER: Skeleton = &[
    ("plugin.toml", include_str!("../../template/importer/plugin.toml")),
    ("README.md", include_str!("../../template/importer/README.md")),
    ("src/lib.rs", include_str!("../../examples/importer-hosts/src/lib.rs")),
    ("tests/cases.rs", include_str!("../../template/importer/tests/cases.rs")),
    ("cases/first/input.hosts", include_str!("../../template/importer/cases/first/input.hosts")),
    ("cases/first/expected.json", include_str!("../../template/importer/cases/first/expected.json")),
];
const LAUNCHER: Skeleton = &[
    ("plugin.toml", include_str!("../../template/launcher/plugin.toml")),
    ("README.md", include_str!("../../template/launcher/README.md")),
    ("src/lib.rs", include_str!("../../template/launcher/src/lib.rs")),
    ("tests/cases.rs", include_str!("../../template/launcher/tests/cases.rs")),
    ("cases/first/request.json", include_str!("../../template/launcher/cases/first/request.json")),
    ("cases/first/expected.json", include_str!("../../template/launcher/cases/first/expected.json")),
];
const DRIVER: Skeleton = &[
    ("plugin.toml", include_str!("../../template/driver/plugin.toml")),
    ("README.md", include_str!("../../template/driver/README.md")),
    ("src/lib.rs", include_str!("../../template/driver/src/lib.rs")),
];

/// Makes a project and returns its folder.
///
/// # Errors
/// The name or publisher makes no id, the folder exists, the SDK is not found, or a file can't be written. What was written stays.
pub fn create(new: &NewPlugin) -> Result<PathBuf, ToolError> {
    let id = PluginId::new(&format!("{}.{}", new.publisher, new.name))?;
    let folder = new.path.clone().unwrap_or_else(|| PathBuf::from(&new.name));
    if folder.exists() {
        return Err(ToolError::Exists(folder));
    }
    let sdk = find_sdk(new.sdk.as_deref(), &folder)?;
    let files = match new.kind {
        TemplateKind::Importer => IMPORTER,
        TemplateKind::Launcher => LAUNCHER,
        TemplateKind::Driver => DRIVER,
    };
    for (place, text) in COMMON.iter().chain(files) {
        let text = text
            .replace("PLUGIN_ID", id.as_str())
            .replace("PLUGIN_NAME", &new.name)
            .replace("PLUGIN_CRATE", &new.name.replace('-', "_"))
            .replace("SDK_PATH", &sdk.display().to_string());
        write_new(&folder.join(place), &text)?;
    }
    Ok(folder)
}

/// Finds the SDK: what is named, or `sdk/rust` above the new folder or above the current one.
fn find_sdk(named: Option<&Path>, folder: &Path) -> Result<PathBuf, ToolError> {
    let is_sdk = |path: &Path| path.join("Cargo.toml").is_file() && path.join("src/lib.rs").is_file();
    let absolute = |path: &Path| fs::canonicalize(path).map_err(ToolError::file(path));
    if let Some(named) = named {
        return if is_sdk(named) { absolute(named) } else { Err(ToolError::NoSdk) };
    }
    let start = std::path::absolute(folder).map_err(ToolError::file(folder))?;
    let found = start.ancestors().map(|above| above.join("sdk/rust")).find(|path| is_sdk(path));
    absolute(&found.ok_or(ToolError::NoSdk)?)
}

fn write_new(path: &Path, text: &str) -> Result<(), ToolError> {
    use std::io::Write as _;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(ToolError::file(folder))?;
    }
    let mut file =
        fs::OpenOptions::new().write(true).create_new(true).open(path).map_err(ToolError::file(path))?;
    file.write_all(text.as_bytes()).map_err(ToolError::file(path))
}
