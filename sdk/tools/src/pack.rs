//! Packing: one file to hand on, named by id and version.

use std::fs;
use std::path::{Path, PathBuf};

use ostler_plugin_api::MANIFEST_SECTION;
use ostler_registry::InspectError;

use crate::project::check_bytes;
use crate::{Checked, ToolError};

/// A custom section, by its number.
const CUSTOM: u8 = 0;

/// A component that was packed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The component, checked.
    pub checked: Checked,
    /// Whether the manifest was put into it.
    pub manifest_embedded: bool,
}

/// Writes a component as `ID-VERSION.wasm` into a folder. One that has no manifest, since it was not built with the SDK for Rust, gets the one
/// that is given. The same component and manifest give the same bytes.
///
/// # Errors
/// Names everything that does not fit; a file that is there with other content is not written over.
pub fn pack(component: &Path, manifest: Option<&[u8]>, folder: &Path) -> Result<Packed, ToolError> {
    let mut bytes = fs::read(component).map_err(ToolError::file(component))?;
    let mut manifest_embedded = false;
    let checked = match (check_bytes(component, &bytes), manifest) {
        (Err(ToolError::NotAPlugin { source: InspectError::NoManifest, .. }), Some(manifest)) => {
            append_section(&mut bytes, manifest);
            manifest_embedded = true;
            check_bytes(component, &bytes)?
        }
        (checked, _) => checked?,
    };
    let about = &checked.inspection.manifest;
    let file = folder.join(format!("{}-{}.wasm", about.id, about.version));
    write(&file, &bytes)?;
    Ok(Packed { checked: Checked { file, ..checked }, manifest_embedded })
}

fn write(file: &PathBuf, bytes: &[u8]) -> Result<(), ToolError> {
    use std::io::Write as _;
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(ToolError::file(folder))?;
    }
    match fs::read(file) {
        Ok(present) if present == bytes => return Ok(()),
        Ok(_) => return Err(ToolError::Exists(file.clone())),
        Err(_) => {}
    }
    let mut out =
        fs::OpenOptions::new().write(true).create_new(true).open(file).map_err(ToolError::file(file))?;
    out.write_all(bytes).and_then(|()| out.sync_all()).map_err(ToolError::file(file))
}

/// Puts a manifest behind a component, as a custom section (WebAssembly core specification, 5.5.3).
fn append_section(component: &mut Vec<u8>, manifest: &[u8]) {
    let mut content = leb128(MANIFEST_SECTION.len());
    content.extend_from_slice(MANIFEST_SECTION.as_bytes());
    content.extend_from_slice(manifest);
    component.push(CUSTOM);
    component.extend(leb128(content.len()));
    component.extend(content);
}

/// Writes a number as LEB128.
fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}
