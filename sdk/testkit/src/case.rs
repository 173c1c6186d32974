//! Cases as they lie in their folders.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_core::LaunchRequest;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Where an input of a hostile run is cut, in parts of a hundred.
const CUTS: [usize; 4] = [0, 25, 50, 99];

/// Why cases can't be run.
#[derive(Debug, thiserror::Error)]
pub enum KitError {
    /// There is none.
    #[error("there is no such case in {}", .0.display())]
    NoCase(PathBuf),
    /// One can't be read.
    #[error("the case '{case}' can't be used: {reason}")]
    Case {
        /// Which.
        case: String,
        /// Why not.
        reason: String,
    },
    /// The component is no plugin, or does not load.
    #[error("the component can't be run: {0}")]
    Plugin(String),
}

/// What goes in.
#[derive(Debug, Clone)]
pub(crate) enum Input {
    File { name: String, bytes: Vec<u8>, options: Vec<(String, String)> },
    Launch(Box<LaunchRequest>),
}

/// One case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) input: Input,
    pub(crate) expected: Value,
}

impl Case {
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>, KitError> {
        let entries = fs::read_dir(folder).map_err(|_| KitError::NoCase(folder.to_owned()))?;
        let mut folders: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().map(Self::read).collect()
    }

    fn read(folder: PathBuf) -> Result<Self, KitError> {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let fault = |reason: String| KitError::Case { case: name.clone(), reason };
        let files = fs::read_dir(&folder).map_err(|error| fault(error.to_string()))?;
        let file = files
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.file_stem().is_some_and(|stem| stem == "input"));
        let input = match file {
            Some(file) => {
                let options: Map<String, Value> =
                    json(&folder, "options.json").map_err(fault)?.unwrap_or_default();
                let text = |(name, value): (String, Value)| Some((name, value.as_str()?.to_owned()));
                Input::File {
                    bytes: fs::read(&file).map_err(|error| fault(error.to_string()))?,
                    name: file
                        .file_name()
                        .map(|name| name.to_string_lossy().into_owned())
                        .unwrap_or_default(),
                    options: options.into_iter().filter_map(text).collect(),
                }
            }
            None => {
                let request = json(&folder, "request.json").map_err(fault)?;
                Input::Launch(Box::new(
                    request.ok_or_else(|| fault("it has neither 'input.*' nor 'request.json'".to_owned()))?,
                ))
            }
        };
        let expected = json(&folder, "expected.json").map_err(fault)?;
        let expected = expected.ok_or_else(|| fault("it has no 'expected.json'".to_owned()))?;
        Ok(Self { name, folder, input, expected })
    }

    /// Reads a further file of the case, if it is there.
    pub(crate) fn further<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, KitError> {
        json(&self.folder, name).map_err(|reason| KitError::Case { case: self.name.clone(), reason })
    }

    /// Returns the input of an importer's case, broken in ways that files get broken.
    pub(crate) fn broken_inputs(&self) -> Vec<(String, Vec<u8>)> {
        let Input::File { bytes, .. } = &self.input else { return Vec::new() };
        let mut broken = Vec::new();
        for cut in CUTS {
            let kept = bytes.len() * cut / 100;
            broken.push((format!("cut after {kept} bytes"), bytes.iter().copied().take(kept).collect()));
        }
        broken.push(("twice".to_owned(), bytes.repeat(2)));
        broken.push(("with bytes of zero".to_owned(), bytes.iter().flat_map(|byte| [*byte, 0]).collect()));
        broken.push(("with its high bits set".to_owned(), bytes.iter().map(|byte| byte | 0x80).collect()));
        broken.push((
            "without line ends".to_owned(),
            bytes.iter().copied().filter(|byte| *byte != b'\n').collect(),
        ));
        broken.push(("backwards".to_owned(), bytes.iter().rev().copied().collect()));
        broken.push(("as one line of a megabyte".to_owned(), vec![b'a'; 1 << 20]));
        broken
    }
}

fn json<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, String> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| format!("{name}: {error}")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{name}: {error}")),
    }
}
