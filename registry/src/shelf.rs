//! The shelf: plugins that came with the program, and plugins that the user installed.
//!
//! A file counts as bundled by its digest, never by its place alone. Every file is inspected and checked each time,
//! and its bytes are compared with the inspected digest when they are taken. Whether a plugin is enabled, and what it
//! was granted, is kept elsewhere.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use ostler_plugin_api::PluginId;
use serde::{Deserialize, Serialize};

use crate::{
    CheckError, Code, Digest, InspectError, Inspection, check, check_new, inspect, staging, validate,
};

/// Where a plugin came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// With the program: its digest is compiled in.
    Bundled,
    /// The user installed it.
    Installed,
}

/// A plugin that fits this host.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundPlugin {
    /// What it says of itself.
    pub inspection: Inspection,
    /// Where it came from.
    pub origin: Origin,
    /// Its file.
    pub path: PathBuf,
}

/// A file on the shelf that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPlugin {
    /// The file.
    pub path: PathBuf,
    /// Why not, and what to do.
    pub reason: String,
}

/// Why a plugin can't be found, installed or removed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// A file or directory can't be read.
    #[error("{} can't be read: {source}", .path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file or directory can't be written.
    #[error("{} can't be written: {source}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file changed since it was inspected.
    #[error("{} changed while it was used", .path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The file is not a plugin.
    #[error("{} can't be used as a plugin: {source}", .path.display())]
    NotAPlugin {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: InspectError,
    },
    /// The plugin does not fit this host.
    #[error("{} does not fit this program: {source}", .path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Everything that does not fit.
        source: CheckError,
    },
    /// The id belongs to a plugin that came with the program.
    #[error("'{id}' is the id of a plugin that comes with the program")]
    Bundled {
        /// The id.
        id: PluginId,
    },
}

impl ShelfError {
    /// Returns what to do about it, one clause, where something can be done.
    #[must_use]
    pub fn advice(&self) -> Option<String> {
        match self {
            Self::Read { .. } | Self::Write { .. } => None,
            Self::Changed { .. } => Some("try again".to_owned()),
            Self::NotAPlugin { source, .. } => Some(source.advice().to_owned()),
            Self::Unfit { source, .. } => source.faults.first().map(crate::CheckFault::advice),
            Self::Bundled { .. } => {
                Some("disable it instead, or give your plugin an id of your own".to_owned())
            }
        }
    }
}

/// Plugins that came with the program, and plugins that the user installed.
#[derive(Debug, Clone)]
pub struct Shelf {
    bundled_dir: Option<PathBuf>,
    installed_dir: PathBuf,
    bundled: Vec<(String, String)>,
}

/// A file's plugin, or the reason why it can't be used.
type Outcome = Result<Inspection, String>;

/// One file that was looked at.
struct Examined {
    path: PathBuf,
    /// The id, where the file has a manifest.
    id: Option<PluginId>,
    outcome: Outcome,
}

impl Shelf {
    /// Makes a shelf of two directories, either of which may be missing. Of the pairs of name and digest
    /// (`sha256:<hex>`) the digests decide which files of the bundled directory are genuine; names that are plugin ids
    /// can't be taken by installed plugins.
    #[must_use]
    pub fn new<I: AsRef<str>, D: AsRef<str>>(
        bundled_dir: Option<PathBuf>,
        installed_dir: PathBuf,
        bundled_digests: &[(I, D)],
    ) -> Self {
        let owned = |(id, digest): &(I, D)| (id.as_ref().to_owned(), digest.as_ref().to_owned());
        Self { bundled_dir, installed_dir, bundled: bundled_digests.iter().map(owned).collect() }
    }

    /// Looks at every file of both directories, bundled plugins first, each by file name.
    ///
    /// # Errors
    /// Fails where a directory can't be read. A file that can't be used is returned with its reason.
    pub fn scan(&self) -> Result<(Vec<FoundPlugin>, Vec<BrokenPlugin>), ShelfError> {
        let mut found: Vec<FoundPlugin> = Vec::new();
        let mut broken = Vec::new();
        let mut reserved = self.reserved_names();
        for Examined { path, id, outcome } in self.bundled_files()? {
            // The id of a bundled plugin that changed stays its own.
            reserved.extend(id.map(String::from));
            match outcome.and_then(|inspection| first_of_its_id(inspection, &found)) {
                Ok(inspection) => found.push(FoundPlugin { inspection, origin: Origin::Bundled, path }),
                Err(reason) => broken.push(BrokenPlugin { path, reason }),
            }
        }
        for Examined { path, id, outcome } in files(&self.installed_dir)? {
            let outcome = match id {
                Some(id) if reserved.contains(id.as_str()) => Err(format!(
                    "it takes the id '{id}' of a plugin that comes with the program; remove the file"
                )),
                _ => outcome.and_then(|inspection| first_of_its_id(inspection, &found)),
            };
            match outcome {
                Ok(inspection) => found.push(FoundPlugin { inspection, origin: Origin::Installed, path }),
                Err(reason) => broken.push(BrokenPlugin { path, reason }),
            }
        }
        Ok((found, broken))
    }

    /// Reads a plugin's bytes; they are the inspected ones.
    ///
    /// # Errors
    /// Fails where the file can't be read or is not the one that was inspected.
    pub fn bytes(&self, plugin: &FoundPlugin) -> Result<Vec<u8>, ShelfError> {
        let bytes = read(&plugin.path)?;
        if Digest::of(&bytes) == plugin.inspection.digest {
            Ok(bytes)
        } else {
            Err(ShelfError::Changed { path: plugin.path.clone() })
        }
    }

    /// Looks at a plugin file that is not installed, as [`Shelf::install`] would.
    ///
    /// # Errors
    /// Refuses a file that is not a plugin, and one that does not fit this host.
    pub fn look_at(&self, file: &Path) -> Result<FoundPlugin, ShelfError> {
        let bytes = read(file)?;
        let not_a_plugin = |source| ShelfError::NotAPlugin { path: file.to_owned(), source };
        let inspection = inspect(&bytes).map_err(not_a_plugin)?;
        check_new(&inspection).map_err(|source| ShelfError::Unfit { path: file.to_owned(), source })?;
        Ok(FoundPlugin { inspection, origin: Origin::Installed, path: file.to_owned() })
    }

    /// Installs a plugin file under its id, in place of an older one. Everything is checked before anything is written.
    ///
    /// # Errors
    /// Refuses a file that is not a plugin, one that does not fit this host, and one with the id of a bundled plugin;
    /// fails where the directory can't be written.
    pub fn install(&self, file: &Path) -> Result<FoundPlugin, ShelfError> {
        let bytes = read(file)?;
        let not_a_plugin = |source| ShelfError::NotAPlugin { path: file.to_owned(), source };
        let inspection = inspect(&bytes).map_err(not_a_plugin)?;
        check_new(&inspection).map_err(|source| ShelfError::Unfit { path: file.to_owned(), source })?;
        validate(&bytes).map_err(not_a_plugin)?;
        if self.is_bundled(&inspection.manifest.id)? {
            return Err(ShelfError::Bundled { id: inspection.manifest.id });
        }
        let name = file_name(&inspection.manifest.id, inspection.code);
        // Files that were laid there by hand under another name would stand in the way of this one.
        let older = self.installed_files_of(&inspection.manifest.id)?;
        let path = staging::write(&self.installed_dir, &name, &bytes)
            .map_err(|source| ShelfError::Write { path: self.installed_dir.join(&name), source })?;
        for other in older.into_iter().filter(|other| *other != path) {
            staging::remove(&other).map_err(|source| ShelfError::Write { path: other, source })?;
        }
        Ok(FoundPlugin { inspection, origin: Origin::Installed, path })
    }

    /// Removes an installed plugin, also a broken one. Returns false where there is none.
    ///
    /// # Errors
    /// Refuses to remove a bundled plugin; fails where the directory can't be written.
    pub fn remove(&self, id: &PluginId) -> Result<bool, ShelfError> {
        let files = self.installed_files_of(id)?;
        if files.is_empty() && self.is_bundled(id)? {
            return Err(ShelfError::Bundled { id: id.clone() });
        }
        for path in &files {
            staging::remove(path).map_err(|source| ShelfError::Write { path: path.clone(), source })?;
        }
        Ok(!files.is_empty())
    }

    /// Inspects the files of the bundled directory; one that is not genuine can't be used.
    fn bundled_files(&self) -> Result<Vec<Examined>, ShelfError> {
        let Some(directory) = &self.bundled_dir else { return Ok(Vec::new()) };
        let mut files = files(directory)?;
        for file in &mut files {
            if file.outcome.as_ref().is_ok_and(|inspection| !self.is_genuine(inspection)) {
                let reason = "it changed since the program was built; install the program again";
                file.outcome = Err(reason.to_owned());
            }
        }
        Ok(files)
    }

    fn is_genuine(&self, inspection: &Inspection) -> bool {
        let digest = inspection.digest.to_string();
        self.bundled.iter().any(|(_, known)| *known == digest)
    }

    fn is_bundled(&self, id: &PluginId) -> Result<bool, ShelfError> {
        let in_directory = self.bundled_files()?.into_iter().any(|file| file.id.as_ref() == Some(id));
        Ok(in_directory || self.reserved_names().contains(id.as_str()))
    }

    fn reserved_names(&self) -> BTreeSet<String> {
        self.bundled.iter().map(|(name, _)| name.clone()).collect()
    }

    /// Returns the installed files of an id: the one with its name, and any other whose manifest has it.
    fn installed_files_of(&self, id: &PluginId) -> Result<Vec<PathBuf>, ShelfError> {
        let named = [Code::Component, Code::Native].map(|code| self.installed_dir.join(file_name(id, code)));
        let list = staging::list(&self.installed_dir)
            .map_err(|source| ShelfError::Read { path: self.installed_dir.clone(), source })?;
        let is_of_id = |path: &PathBuf| {
            named.contains(path)
                || staging::read(path)
                    .ok()
                    .and_then(|bytes| inspect(&bytes).ok())
                    .is_some_and(|inspection| inspection.manifest.id == *id)
        };
        Ok(list.into_iter().filter(is_of_id).collect())
    }
}

fn file_name(id: &PluginId, code: Code) -> String {
    match code {
        Code::Component => format!("{id}.wasm"),
        Code::Native => format!("{id}.so"),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ShelfError> {
    staging::read(path).map_err(|source| ShelfError::Read { path: path.to_owned(), source })
}

fn files(directory: &Path) -> Result<Vec<Examined>, ShelfError> {
    let paths =
        staging::list(directory).map_err(|source| ShelfError::Read { path: directory.to_owned(), source })?;
    Ok(paths.into_iter().map(examine).collect())
}

fn examine(path: PathBuf) -> Examined {
    let inspected = staging::read(&path)
        .map_err(|error| format!("it can't be read: {error}"))
        .and_then(|bytes| inspect(&bytes).map_err(|error| format!("{error}; {}", error.advice())));
    let id = inspected.as_ref().ok().map(|inspection| inspection.manifest.id.clone());
    let outcome = inspected.and_then(|inspection| match check(&inspection) {
        Ok(()) => Ok(inspection),
        Err(error) => Err(error.to_string()),
    });
    Examined { path, id, outcome }
}

/// Refuses a second file of one id: which of the two would run must not depend on chance.
fn first_of_its_id(inspection: Inspection, found: &[FoundPlugin]) -> Outcome {
    match found.iter().find(|earlier| earlier.inspection.manifest.id == inspection.manifest.id) {
        None => Ok(inspection),
        Some(earlier) => {
            let path = earlier.path.display();
            Err(format!("it has the id '{}' of {path}; remove one of them", inspection.manifest.id))
        }
    }
}
