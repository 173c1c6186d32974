//! Makes small components for the tests, part by part.

use wasm_encoder::{
    ComponentBuilder, ComponentExportKind, ComponentTypeRef, CustomSection, InstanceType, Module,
};

/// A manifest that fits [`plugin`].
pub(crate) const MANIFEST: &str = r#"
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

/// What [`plugin`] imports.
pub(crate) const IMPORTS: [&str; 3] =
    ["ostler:importer/feed@0.1.0", "ostler:log/log@0.1.0", "wasi:cli/stderr@0.2.6"];

/// What [`plugin`] exports.
pub(crate) const EXPORTS: [&str; 1] = ["ostler:importer/importer@0.1.0"];

/// Makes a component with these imports and exports, and a core module that holds these manifests, as compilers make it.
pub(crate) fn component(manifests: &[&str], imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut builder = ComponentBuilder::default();
    let instance = builder.type_instance(None, &InstanceType::new());
    for name in imports {
        builder.import(*name, ComponentTypeRef::Instance(instance));
    }
    let mut module = Module::new();
    for manifest in manifests {
        module.section(&section(manifest));
    }
    builder.core_module(None, &module);
    for name in exports {
        let none: [(&str, ComponentExportKind, u32); 0] = [];
        let index = builder.instantiate_exports(None, none);
        builder.export(*name, ComponentExportKind::Instance, index, None);
    }
    builder.finish()
}

/// Makes a plugin that fits this host.
pub(crate) fn plugin() -> Vec<u8> {
    component(&[MANIFEST], &IMPORTS, &EXPORTS)
}

/// Makes a plugin that fits this host, with another id.
pub(crate) fn plugin_with_id(id: &str) -> Vec<u8> {
    component(&[&MANIFEST.replace("acme.importer-xyz", id)], &IMPORTS, &EXPORTS)
}

/// Makes the custom section of a manifest.
pub(crate) fn section(manifest: &str) -> CustomSection<'_> {
    CustomSection { name: ostler_plugin_api::MANIFEST_SECTION.into(), data: manifest.as_bytes().into() }
}
