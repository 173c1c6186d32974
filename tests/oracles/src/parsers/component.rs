//! Plugin files: WebAssembly components with a manifest inside.

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
    let mut good = vec![Input::of(small())];
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
