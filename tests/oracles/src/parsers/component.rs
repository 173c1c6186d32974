//! Plugin files: WebAssembly components, and shared libraries, with a manifest inside.

use std::path::{Path, PathBuf};

use ostler_plugin_api::MANIFEST_SECTION;
use ostler_registry::{check, inspect, validate};
use wasm_encoder::{
    ComponentBuilder, ComponentExportKind, ComponentTypeRef, CustomSection, InstanceType, Module,
};

use super::Taken;
use crate::Input;

const MANIFEST: &str = r#"
id = "acme.importer-xyz"
name = "XYZ"
version = "1.2.3"
description = "Imports XYZ files."
kinds = ["importer"]
api = { importer = "0.1" }

[[capability]]
name = "log"
reason = "To tell what it does."
"#;

/// A small one, whose parts are all hit often, and those of the directories that are plugins.
pub(super) fn good(components: &[PathBuf]) -> anyhow::Result<Vec<Input>> {
    let mut good = vec![Input::of(small()), Input::of(library())];
    for directory in components {
        let files = Input::read(directory)?.files;
        good.extend(
            files.into_iter().map(|(_, bytes)| bytes).filter(|bytes| inspect(bytes).is_ok()).map(Input::of),
        );
    }
    Ok(good)
}

pub(super) fn take(input: &Input, _: &Path) -> anyhow::Result<Taken> {
    let valid = validate(input.bytes());
    Ok(match inspect(input.bytes()) {
        Ok(inspection) => {
            drop(check(&inspection).map_err(|error| error.to_string()));
            Taken::Read
        }
        Err(error) => {
            drop((error.to_string(), valid.map_err(|error| error.to_string())));
            Taken::Refused
        }
    })
}

fn small() -> Vec<u8> {
    let mut builder = ComponentBuilder::default();
    let instance = builder.type_instance(None, &InstanceType::new());
    for name in ["ostler:importer/feed@0.1.0", "ostler:log/log@0.1.0", "wasi:cli/stderr@0.2.6"] {
        builder.import(name, ComponentTypeRef::Instance(instance));
    }
    let mut module = Module::new();
    module.section(&CustomSection { name: MANIFEST_SECTION.into(), data: MANIFEST.as_bytes().into() });
    builder.core_module(None, &module);
    let none: [(&str, ComponentExportKind, u32); 0] = [];
    let index = builder.instantiate_exports(None, none);
    builder.export("ostler:importer/importer@0.1.0", ComponentExportKind::Instance, index, None);
    builder.finish()
}

/// A shared library (ELF, 64 bits) of nothing but the section with the manifest and the names of sections.
fn library() -> Vec<u8> {
    const HEADER: u64 = 64;
    const NAMES: &[u8] = b"\0.ostler.plugin\0.shstrtab\0";
    let machine: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };
    let names_at = HEADER + MANIFEST.len() as u64;
    let sections_at = names_at + NAMES.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for number in [3, machine, 1, 0] {
        file.extend(number.to_le_bytes());
    }
    for number in [0, 0, sections_at] {
        file.extend(number.to_le_bytes());
    }
    for number in [0_u16, 0, 64, 56, 0, 64, 3, 2] {
        file.extend(number.to_le_bytes());
    }
    file.extend_from_slice(MANIFEST.as_bytes());
    file.extend_from_slice(NAMES);
    // Name and kind, then flags, address, place, size, links, alignment and size of entries.
    let sections = [
        ([0_u32, 0], [0; 3], 0),
        ([1, 1], [0, 0, HEADER], MANIFEST.len() as u64),
        ([16, 3], [0, 0, names_at], NAMES.len() as u64),
    ];
    for (name_and_kind, places, size) in sections {
        file.extend(name_and_kind.iter().flat_map(|number| number.to_le_bytes()));
        file.extend(places.iter().chain(&[size, 0, 1, 0]).flat_map(|number| number.to_le_bytes()));
    }
    file
}
