//! What is there: the workspace's crates with their dependencies, and its text files.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata};

/// A crate of the workspace.
#[derive(Debug, Clone)]
pub(super) struct Crate {
    pub(super) name: String,
    /// Its folder below the root, such as `host/core`.
    pub(super) folder: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// A dependency that a crate names.
#[derive(Debug, Clone)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Whether only tests and examples have it.
    pub(super) for_tests: bool,
}

/// Files by their path below the root, written with `/`; the text of those that are text, nothing of all others.
pub(super) type Files = BTreeMap<String, String>;

/// Endings of the files that are looked at.
const TEXT: [&str; 6] = ["rs", "toml", "md", "wit", "mjs", "sh"];

/// Folders that are made by tools.
const MADE: [&str; 2] = ["target", "node_modules"];

pub(super) fn crates(metadata: &Metadata) -> Vec<Crate> {
    let folder = |path: &cargo_metadata::camino::Utf8Path| {
        let folder = path.strip_prefix(&metadata.workspace_root).ok().and_then(|path| path.parent());
        folder.map(|folder| folder.as_str().replace('\\', "/")).unwrap_or_default()
    };
    let mut crates: Vec<Crate> = metadata
        .packages
        .iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            folder: folder(&package.manifest_path),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    for_tests: dependency.kind == DependencyKind::Development,
                })
                .collect(),
        })
        .collect();
    crates.sort_by(|one, other| one.folder.cmp(&other.folder));
    crates
}

/// Finds every file below the root; folders that begin with a dot and folders that tools make are left out.
pub(super) fn files(root: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !name.starts_with('.') && !MADE.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else {
                let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
                let is_text = path.extension().is_some_and(|ending| TEXT.iter().any(|text| ending == *text));
                // Fixtures may hold any bytes.
                let bytes = if is_text { fs::read(&path)? } else { Vec::new() };
                files.insert(relative, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
    }
    Ok(files)
}
