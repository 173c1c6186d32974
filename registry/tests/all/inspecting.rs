//! What is read from a plugin file, and what refuses one.

use crate::components::{EXPORTS, IMPORTS, MANIFEST, component, plugin, section};
use ostler_plugin_api::Import;
use ostler_registry::{Digest, InspectError, check, inspect, validate};
use proptest::prelude::*;

/// Checks a component and returns every fault as text.
fn faults(manifest: &str, imports: &[&str], exports: &[&str]) -> Vec<String> {
    let bytes = component(&[manifest], imports, exports);
    match check(&inspect(&bytes).unwrap()) {
        Ok(()) => Vec::new(),
        Err(error) => error.faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_plugin_says_what_it_is_imports_and_exports() {
    let bytes = plugin();
    let inspection = inspect(&bytes).unwrap();
    assert_eq!(inspection.manifest.id.as_str(), "acme.importer-xyz");
    assert_eq!(inspection.imports, IMPORTS.map(Import::parse));
    assert_eq!(inspection.exports, EXPORTS);
    assert_eq!(inspection.size, bytes.len() as u64);
    assert_eq!(inspection.digest, Digest::of(&bytes));
    assert_eq!(check(&inspection), Ok(()));
    assert_eq!(validate(&bytes), Ok(()));
}

#[test]
fn what_is_no_plugin_is_refused_with_its_reason() {
    let core = wasm_encoder::Module::new().finish();
    let unknown_section = [plugin(), vec![0x7f, 0]].concat();
    let cases = [
        (Vec::new(), "not a WebAssembly file"),
        (b"#!/bin/sh\n".to_vec(), "not a WebAssembly file"),
        (b"\0asm".to_vec(), "broken component, at byte 4"),
        (core, "core WebAssembly module"),
        (component(&[], &IMPORTS, &EXPORTS), "no manifest"),
        (component(&[MANIFEST, MANIFEST], &IMPORTS, &EXPORTS), "2 manifests"),
        (component(&["id = 1"], &IMPORTS, &EXPORTS), "plugin.toml line 1"),
        (
            component(&[MANIFEST], &[IMPORTS[0], IMPORTS[0]], &EXPORTS),
            "the import 'ostler:importer/feed@0.1.0' is there twice",
        ),
        (
            component(&[MANIFEST], &IMPORTS, &[EXPORTS[0], EXPORTS[0]]),
            "the export 'ostler:importer/importer@0.1.0' is there twice",
        ),
        (unknown_section, "broken component"),
    ];
    for (bytes, expected) in cases {
        let error = inspect(&bytes).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} should contain {expected:?}");
        assert!(!error.advice().is_empty());
    }
}

#[test]
fn a_manifest_inside_a_nested_component_does_not_count() {
    let mut outer = wasm_encoder::Component::new();
    outer.section(&wasm_encoder::RawSection { id: 4, data: &plugin() });
    assert_eq!(inspect(&outer.finish()), Err(InspectError::NoManifest));
}

/// Makes a core module with code and then the section of a manifest, as a linker leaves it.
fn module_with_manifest() -> wasm_encoder::Module {
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], []);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut code = wasm_encoder::CodeSection::new();
    let mut body = wasm_encoder::Function::new([]);
    body.instruction(&wasm_encoder::Instruction::End);
    code.function(&body);
    let mut module = wasm_encoder::Module::new();
    module.section(&types).section(&functions).section(&code).section(&section(MANIFEST));
    module
}

#[test]
fn a_manifest_in_a_core_module_right_inside_the_component_is_read() {
    let mut builder = wasm_encoder::ComponentBuilder::default();
    builder.core_module(None, &module_with_manifest());
    let inspection = inspect(&builder.finish()).unwrap();
    assert_eq!(inspection.manifest.id.as_str(), "acme.importer-xyz");
}

#[test]
fn manifests_of_the_component_and_its_modules_count_together() {
    let mut builder = wasm_encoder::ComponentBuilder::default();
    builder.core_module(None, &module_with_manifest());
    builder.custom_section(&section(MANIFEST));
    assert_eq!(inspect(&builder.finish()), Err(InspectError::SeveralManifests { count: 2 }));
}

#[test]
fn a_core_module_that_is_cut_off_is_refused() {
    let module = module_with_manifest().finish();
    for length in 8..module.len() {
        let mut outer = wasm_encoder::Component::new();
        outer.section(&wasm_encoder::RawSection { id: 1, data: &module[..length] });
        assert!(inspect(&outer.finish()).is_err(), "{length}");
    }
}

#[test]
fn a_manifest_of_the_outer_component_itself_is_read() {
    let mut outer = wasm_encoder::Component::new();
    outer.section(&section(MANIFEST));
    assert!(inspect(&outer.finish()).is_ok());
}

#[test]
fn what_stands_behind_a_nested_component_is_read() {
    let mut outer = wasm_encoder::Component::new();
    let nested = component(&[MANIFEST], &["env"], &[]);
    outer.section(&wasm_encoder::RawSection { id: 4, data: &nested });
    outer.section(&section(MANIFEST));
    let inspection = inspect(&outer.finish()).unwrap();
    assert!(inspection.imports.is_empty());
}

#[test]
fn deep_nesting_costs_neither_stack_nor_time() {
    let mut bytes = wasm_encoder::Component::new().finish();
    for _ in 0..5_000 {
        let mut outer = wasm_encoder::Component::new();
        outer.section(&wasm_encoder::RawSection { id: 4, data: &bytes });
        bytes = outer.finish();
    }
    assert_eq!(inspect(&bytes), Err(InspectError::NoManifest));
    assert!(validate(&bytes).is_err());
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let mut bytes = plugin();
    bytes.resize(64 * 1024 * 1024 + 1, 0);
    assert_eq!(inspect(&bytes), Err(InspectError::TooLarge { bytes: 64 * 1024 * 1024 + 1 }));
}

#[test]
fn a_broken_function_body_is_found_by_validation() {
    let mut module = wasm_encoder::Module::new();
    let mut types = wasm_encoder::TypeSection::new();
    types.ty().function([], [wasm_encoder::ValType::I32]);
    let mut functions = wasm_encoder::FunctionSection::new();
    functions.function(0);
    let mut code = wasm_encoder::CodeSection::new();
    let mut body = wasm_encoder::Function::new([]);
    body.instruction(&wasm_encoder::Instruction::End);
    code.function(&body);
    module.section(&types).section(&functions).section(&code);
    let mut builder = wasm_encoder::ComponentBuilder::default();
    builder.core_module(None, &module);
    builder.custom_section(&section(MANIFEST));
    let bytes = builder.finish();
    assert!(inspect(&bytes).is_ok());
    assert!(matches!(validate(&bytes), Err(InspectError::Malformed { .. })));
}

#[test]
fn every_fault_is_listed_with_what_to_do() {
    let manifest = MANIFEST
        .replace("api = { importer = \"0.1\" }", "api = { importer = \"7\", nonsense = \"1\" }")
        .replace("[\"importer\"]", "[\"importer\", \"workflow\", \"importer\"]");
    let imports = [
        "ostler:prompt/prompt@0.1.0",
        "ostler:log/log@0.9.0",
        "ostler:secrets/read-all@0.1.0",
        "wasi:sockets/tcp@0.2.6",
    ];
    let exports = ["ostler:importer/importer@0.9.0", "ostler:launcher/launcher@0.1.0"];
    let found = faults(&manifest, &imports, &exports);
    let expected = [
        "built for ostler:importer ^7",
        "built for ostler:nonsense ^1; this host provides no version of it",
        "does not ask for the capability 'prompt'",
        "built for ostler:log 0.9.0; this host provides 0.1.0",
        "imports 'ostler:secrets/read-all'",
        "imports 'wasi:sockets/tcp'",
        "does not name the kind 'launcher'",
        "built for ostler:importer 0.9.0",
        "names the kind 'importer' twice",
        "does not export 'ostler:workflow/workflow'",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (fault, expected) in found.iter().zip(expected) {
        assert!(fault.contains(expected), "{fault:?} should contain {expected:?}");
    }
    let error = check(&inspect(&component(&[&manifest], &imports, &exports)).unwrap()).unwrap_err();
    for fault in &error.faults {
        assert!(!fault.advice().is_empty());
        assert!(error.to_string().contains(&fault.advice()));
    }
}

#[test]
fn an_import_that_the_manifest_asks_for_passes_and_one_that_it_does_not_is_refused() {
    let asked = MANIFEST.replace("\"log\"", "\"prompt\"");
    assert!(faults(&asked, &["ostler:prompt/prompt@0.1.0"], &EXPORTS).is_empty());
    assert_eq!(faults(MANIFEST, &["ostler:prompt/prompt@0.1.0"], &EXPORTS).len(), 1);
}

#[test]
fn a_plugin_that_is_too_new_or_too_old_is_refused_with_what_would_fit() {
    let manifest = MANIFEST.replace("\"importer\"", "\"launcher\"").replace("importer = ", "launcher = ");
    let export = |version: &str| format!("ostler:launcher/launcher@{version}");
    let refusal = |version: &str| {
        let inspection = inspect(&component(&[&manifest], &[], &[&export(version)])).unwrap();
        check(&inspection).map_err(|error| error.to_string())
    };
    // Both versions are alive.
    for version in ["0.1.0", "0.2.0"] {
        assert_eq!(refusal(version), Ok(()), "{version}");
    }
    for (version, advice) in [
        ("0.0.9", "use a version of the plugin that was built for"),
        ("0.2.1", "a newer version of this program"),
        ("0.3.0", "a newer version of this program"),
        ("1.0.0", "a newer version of this program"),
    ] {
        let error = refusal(version).unwrap_err();
        assert!(error.contains(&format!("built for ostler:launcher {version}")), "{error}");
        assert!(error.contains("this host provides 0.1.0, 0.2.0") && error.contains(advice), "{error}");
    }
    assert!(!refusal("0.0.9").unwrap_err().contains("newer version of this program"));
}

#[test]
fn an_export_without_a_version_is_refused() {
    assert_eq!(faults(MANIFEST, &[], &["ostler:importer/importer"]).len(), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(inspect(&bytes).is_err());
    }

    #[test]
    fn any_bytes_behind_the_header_are_survived(tail in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let bytes = [b"\0asm\x0d\0\x01\0".as_slice(), &tail].concat();
        prop_assert!(inspect(&bytes).is_err());
        let _either = validate(&bytes);
    }

    #[test]
    fn a_truncated_plugin_does_not_fit(length in 0..plugin().len()) {
        // Its exports stand last; where the cut falls between two sections, they are missing.
        let fits = inspect(&plugin()[..length]).is_ok_and(|inspection| check(&inspection).is_ok());
        prop_assert!(!fits);
    }

    #[test]
    fn a_changed_byte_never_keeps_the_digest(index in 0..plugin().len(), bit in 0..8) {
        let mut bytes = plugin();
        bytes[index] ^= 1_u8 << bit;
        match inspect(&bytes) {
            Ok(inspection) => prop_assert_ne!(inspection.digest, Digest::of(&plugin())),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
