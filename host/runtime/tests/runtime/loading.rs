//! Loading: what is refused before a line of the guest runs.

use ostler_plugin_api::{Grants, Kind};
use ostler_runtime::{Limits, LoadError, PluginError};

use crate::world::{EVERYTHING, LogLines, NOTHING, World, guest, request};

#[test]
fn a_component_that_imports_what_its_manifest_does_not_ask_for_is_refused() {
    let world = World::new();
    let error = world.load(&guest("slots-unasked"), EVERYTHING).unwrap_err();
    assert!(matches!(error, LoadError::Import(_)));
    assert!(error.to_string().contains("does not ask for the capability 'secrets.use'"), "{error}");
    let mut asking = guest("slots-unasked");
    asking.manifest.capabilities = guest("probe").manifest.capabilities;
    assert!(world.load(&asking, NOTHING).is_ok());
}

#[test]
fn a_component_that_imports_sockets_is_refused() {
    let error = World::new().load(&guest("sockets"), EVERYTHING).unwrap_err();
    assert!(matches!(error, LoadError::Import(_)));
    assert!(error.to_string().contains("wasi:sockets/"), "{error}");
}

#[tokio::test]
async fn a_component_is_loaded_by_the_manifest_that_was_checked_wherever_that_came_from() {
    let plugin = World::new().load(&guest("no-manifest"), NOTHING).unwrap();
    assert!(plugin.launcher_kinds().await.unwrap().is_empty());
}

#[test]
fn bytes_other_than_the_ones_that_were_checked_are_refused() {
    let world = World::new();
    let probe = guest("probe");
    let digest = format!("sha256:{}", "0".repeat(64));
    let error = world.runtime.load(&probe.manifest, &digest, &probe.bytes, Grants::default()).unwrap_err();
    assert!(matches!(error, LoadError::Digest { .. }), "{error}");
}

#[test]
fn bytes_that_are_no_component_are_refused() {
    let world = World::new();
    let mut probe = guest("probe");
    let half = probe.bytes.len() / 2;
    for bytes in
        [Vec::new(), b"\0asm\x01\0\0\0".to_vec(), b"no wasm at all".to_vec(), probe.bytes[..half].to_vec()]
    {
        probe.bytes = bytes;
        let error = world.load(&probe, NOTHING).unwrap_err();
        assert!(matches!(error, LoadError::Compile(_)), "{error}");
    }
}

#[test]
fn a_component_that_lacks_what_its_kind_exports_is_refused() {
    let world = World::new();
    let mut probe = guest("probe");
    probe.manifest.kinds = vec![Kind::Importer];
    let error = world.load(&probe, EVERYTHING).unwrap_err();
    assert!(matches!(error, LoadError::Export { kind: Kind::Importer, .. }), "{error}");
    assert!(error.to_string().contains("importer"), "{error}");
}

#[test]
fn a_manifest_for_an_unknown_version_of_the_contract_is_refused() {
    let mut probe = guest("probe");
    probe.manifest.api.insert("launcher".to_owned(), "7".parse().unwrap());
    let error = World::new().load(&probe, EVERYTHING).unwrap_err().to_string();
    assert!(error.contains("ostler:launcher") && error.contains("0.1.0"), "{error}");
}

#[tokio::test]
async fn a_component_that_does_not_fit_the_pool_runs_without_it() {
    let world = World::new();
    let log = LogLines::collect();
    world.probe(EVERYTHING).plan(&request(&[])).await.unwrap();
    assert_eq!(log.lines(), Vec::<String>::new());

    let mut large = guest("probe");
    add_core_instances(&mut large.bytes, 20);
    let large = world.load(&large, EVERYTHING).unwrap();
    large.plan(&request(&[("do", "plan")])).await.unwrap();
    assert!(log.lines()[0].contains("a plugin runs without the pool"), "{:?}", log.lines());
}

#[tokio::test]
async fn a_component_of_too_many_instances_is_stopped_by_the_limit() {
    let mut huge = guest("probe");
    add_core_instances(&mut huge.bytes, 100);
    let huge = World::new().load(&huge, EVERYTHING).unwrap();
    let error = huge.plan(&request(&[])).await.unwrap_err();
    assert!(matches!(error, PluginError::Limit { limit: "instances, memories and tables", .. }), "{error:?}");
}

#[tokio::test]
async fn a_first_memory_over_the_limit_is_stopped_by_the_limit() {
    let world = World::with(Limits { memory_bytes: 1 << 16, ..Limits::default() });
    let error = world.probe(EVERYTHING).plan(&request(&[])).await.unwrap_err();
    assert!(matches!(error, PluginError::Limit { limit: "memory", .. }), "{error:?}");
}

/// Appends an empty core module and instances of it to a component.
fn add_core_instances(component: &mut Vec<u8>, count: u8) {
    const CORE_MODULE: u8 = 1;
    const CORE_INSTANCE: u8 = 2;
    const EMPTY_MODULE: &[u8] = b"\0asm\x01\0\0\0";
    let mut modules = 0_u8;
    let mut at = 8;
    while at < component.len() {
        modules += u8::from(component[at] == CORE_MODULE);
        let (mut length, mut shift) = (0, 0);
        loop {
            at += 1;
            length |= usize::from(component[at] & 0x7f) << shift;
            shift += 7;
            if component[at] & 0x80 == 0 {
                break;
            }
        }
        at += 1 + length;
    }
    component.extend([CORE_MODULE, 8].iter().chain(EMPTY_MODULE));
    // Each: instantiate (0), the module, no arguments. The length as two bytes of LEB128.
    let length = 1 + 3 * u16::from(count);
    component.extend([CORE_INSTANCE, (length & 0x7f) as u8 | 0x80, (length >> 7) as u8, count]);
    (0..count).for_each(|_| component.extend([0, modules, 0]));
}
