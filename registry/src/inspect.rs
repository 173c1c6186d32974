//! What a plugin file says of itself: its manifest, its imports and its exports, read from the bytes.
//!
//! Total on any bytes. Looks at the outer component and at the custom sections of the core modules right inside it, where
//! linkers leave the manifest; steps over all else that is nested, so depth costs nothing.
//! Never compiles and never runs anything.

use std::collections::BTreeSet;
use std::ops::Range;

use ostler_plugin_api::{Import, MANIFEST_SECTION, Manifest, ManifestError};
use wasmparser::{Chunk, Encoding, Parser, Payload, Validator};

use crate::{Digest, native};

/// The largest plugin file that is read, in bytes. A component of an interpreted language has some 35 MB.
pub const LARGEST_PLUGIN: u64 = 64 * 1024 * 1024;

/// The most imports and exports together that are read. A component that uses the whole contract has some 40.
const MOST_NAMES: usize = 1000;

/// What a plugin is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// A WebAssembly component.
    Component,
    /// A shared library of this machine (feature NEW-88).
    Native,
}

/// What a plugin file says of itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// What it is made of.
    pub code: Code,
    /// The manifest that is embedded in it.
    pub manifest: Manifest,
    /// The digest of the whole file.
    pub digest: Digest,
    /// The interfaces that it imports, in their order.
    pub imports: Vec<Import>,
    /// The names that it exports, with their versions, in their order.
    pub exports: Vec<String>,
    /// The size of the file in bytes.
    pub size: u64,
}

/// Why a file is not a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// It is larger than any plugin.
    #[error("it has {bytes} bytes; a plugin has at most {LARGEST_PLUGIN}")]
    TooLarge {
        /// Its size.
        bytes: u64,
    },
    /// It does not begin like WebAssembly.
    #[error("it is not a WebAssembly file")]
    NotWasm,
    /// It is a core module.
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
    /// It is a component that is broken.
    #[error("it is a broken component, at byte {offset}: {reason}")]
    Malformed {
        /// Where, counted from the start of the file.
        offset: u64,
        /// What the parser said.
        reason: String,
    },
    /// It is a shared library that this host can't load.
    #[error("it is a shared library that can't be loaded here: {reason}")]
    Library {
        /// Why not.
        reason: String,
    },
    /// It has no manifest.
    #[error("it has no manifest: the custom section '{MANIFEST_SECTION}' is missing")]
    NoManifest,
    /// It has more than one manifest.
    #[error("it has {count} manifests; a plugin has one")]
    SeveralManifests {
        /// How many.
        count: usize,
    },
    /// Its manifest can't be used.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
}

impl InspectError {
    /// Returns what to do about it, one clause.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "build it with optimization and without debug information",
            Self::NotWasm => "choose the .wasm file that the plugin's build made",
            Self::CoreModule => "build it with 'cargo build --target wasm32-wasip2'",
            Self::Malformed { .. } => "build or download it again",
            Self::Library { .. } => "take the file that was built for this machine",
            Self::NoManifest | Self::SeveralManifests { .. } => {
                "export it with the macro of the SDK, once, which embeds plugin.toml"
            }
            Self::Manifest(_) => "correct plugin.toml and build it again",
        }
    }
}

/// Reads what a plugin file says of itself.
///
/// Fast enough for every start: function bodies are stepped over. [`validate`] looks at them.
///
/// # Errors
/// Says in which way the bytes are not a plugin.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, InspectError> {
    if native::is_library(bytes) {
        return native::inspect(bytes);
    }
    let outline = outline(bytes)?;
    let manifest = match outline.manifests.as_slice() {
        [] => return Err(InspectError::NoManifest),
        [manifest] => Manifest::parse(manifest)?,
        several => return Err(InspectError::SeveralManifests { count: several.len() }),
    };
    Ok(Inspection {
        code: Code::Component,
        manifest,
        digest: Digest::of(bytes),
        imports: outline.imports.iter().map(|name| Import::parse(name)).collect(),
        exports: outline.exports,
        size: bytes.len() as u64,
    })
}

/// Checks that the whole component is valid WebAssembly, down to every function body. There is no such check of a native
/// plugin.
///
/// # Errors
/// Names the first byte that is not.
pub fn validate(bytes: &[u8]) -> Result<(), InspectError> {
    check_size(bytes)?;
    if native::is_library(bytes) {
        return Ok(());
    }
    Validator::new().validate_all(bytes).map(|_| ()).map_err(|error| malformed(&error))
}

/// The outer component's own parts.
#[derive(Default)]
struct Outline<'a> {
    manifests: Vec<&'a [u8]>,
    imports: Vec<String>,
    exports: Vec<String>,
}

fn outline(bytes: &[u8]) -> Result<Outline<'_>, InspectError> {
    check_size(bytes)?;
    if !bytes.starts_with(b"\0asm") {
        return Err(InspectError::NotWasm);
    }
    let mut outline = Outline::default();
    let mut sections = Sections { parser: Parser::new(0), rest: bytes };
    loop {
        match sections.next()? {
            Payload::Version { encoding: Encoding::Module, .. } => return Err(InspectError::CoreModule),
            Payload::ModuleSection { parser, unchecked_range } => {
                let nested = Sections { parser, rest: sections.step_over(&unchecked_range)? };
                outline.manifests.extend(module_manifests(nested)?);
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                sections.step_over(&unchecked_range)?;
            }
            Payload::UnknownSection { id, range, .. } => {
                let reason = format!("there is no section {id}");
                return Err(InspectError::Malformed { offset: range.start, reason });
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                outline.manifests.push(section.data());
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.map_err(|error| malformed(&error))?;
                    outline.imports.push(import.name.full_name().into_owned());
                    check_count(&outline)?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.map_err(|error| malformed(&error))?;
                    outline.exports.push(export.name.full_name().into_owned());
                    check_count(&outline)?;
                }
            }
            Payload::End(_) => break,
            _ => {}
        }
    }
    check_repeats("import", &outline.imports)?;
    check_repeats("export", &outline.exports)?;
    Ok(outline)
}

/// Returns the manifests in a core module. A module holds no other one, so this goes no deeper.
fn module_manifests(mut sections: Sections<'_>) -> Result<Vec<&[u8]>, InspectError> {
    let mut manifests = Vec::new();
    loop {
        match sections.next()? {
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                manifests.push(section.data());
            }
            Payload::End(_) => return Ok(manifests),
            _ => {}
        }
    }
}

/// The sections of one component or module, in their order.
struct Sections<'a> {
    parser: Parser,
    rest: &'a [u8],
}

impl<'a> Sections<'a> {
    fn next(&mut self) -> Result<Payload<'a>, InspectError> {
        let offset = self.parser.offset();
        match self.parser.parse(self.rest, true).map_err(|error| malformed(&error))? {
            Chunk::Parsed { consumed, payload } => {
                self.rest = self.rest.get(consumed..).ok_or_else(|| cut_off(offset))?;
                Ok(payload)
            }
            Chunk::NeedMoreData(_) => Err(cut_off(offset)),
        }
    }

    /// Steps over what is nested here and returns its bytes; the parser has stepped over it already.
    fn step_over(&mut self, range: &Range<u64>) -> Result<&'a [u8], InspectError> {
        let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let (nested, rest) = self.rest.split_at_checked(length).ok_or_else(|| cut_off(range.start))?;
        self.rest = rest;
        Ok(nested)
    }
}

pub(crate) fn check_size(bytes: &[u8]) -> Result<(), InspectError> {
    let bytes = bytes.len() as u64;
    if bytes > LARGEST_PLUGIN { Err(InspectError::TooLarge { bytes }) } else { Ok(()) }
}

fn check_count(outline: &Outline<'_>) -> Result<(), InspectError> {
    if outline.imports.len() + outline.exports.len() > MOST_NAMES {
        let reason = format!("it has more than {MOST_NAMES} imports and exports");
        return Err(InspectError::Malformed { offset: 0, reason });
    }
    Ok(())
}

fn check_repeats(what: &str, names: &[String]) -> Result<(), InspectError> {
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        None => Ok(()),
        Some(name) => {
            Err(InspectError::Malformed { offset: 0, reason: format!("the {what} '{name}' is there twice") })
        }
    }
}

fn malformed(error: &wasmparser::Error) -> InspectError {
    InspectError::Malformed { offset: error.offset(), reason: error.message().to_owned() }
}

fn cut_off(offset: u64) -> InspectError {
    InspectError::Malformed { offset, reason: "the file ends too early".to_owned() }
}
