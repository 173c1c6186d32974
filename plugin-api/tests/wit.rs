//! Every WIT package of the contract parses, and the table of packages that the host provides names each.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what is wrong by panicking")]

use std::path::PathBuf;

use ostler_plugin_api::{Capability, HOST_PACKAGES, Kind};

fn packages() -> wit_parser::Resolve {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("wit");
    let mut resolve = wit_parser::Resolve::default();
    // Each before the ones that use it.
    let first = ["types-0.1.0", "prompt-0.1.0", "net-0.1.0"];
    let mut rest: Vec<String> = std::fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| !first.contains(&name.as_str()))
        .collect();
    rest.sort();
    for folder in first.iter().map(ToString::to_string).chain(rest) {
        let group = wit_parser::UnresolvedPackageGroup::parse_dir(root.join(&folder))
            .unwrap_or_else(|error| panic!("{folder}: {error:#}"));
        resolve.push_group(group).unwrap_or_else(|error| panic!("{folder}: {error:#}"));
    }
    resolve
}

#[test]
fn every_package_parses_and_stands_in_the_table() {
    let resolve = packages();
    let mut found: Vec<String> =
        resolve.packages.iter().map(|(_, package)| package.name.to_string()).collect();
    let mut known: Vec<String> =
        HOST_PACKAGES.iter().map(|package| format!("{}@{}", package.name, package.version)).collect();
    found.sort();
    known.sort();
    assert_eq!(found, known);
}

#[test]
fn every_capability_and_kind_names_an_interface_that_exists() {
    let resolve = packages();
    let interfaces: Vec<String> = resolve
        .interfaces
        .iter()
        .filter_map(|(id, _)| resolve.id_of(id))
        .filter_map(|name| name.split_once('@').map(|(interface, _)| interface.to_owned()))
        .collect();
    let provided = |name: &str| {
        name.split_once('/')
            .is_some_and(|(package, _)| HOST_PACKAGES.iter().any(|known| known.name == package))
    };
    for name in Capability::ALL.into_iter().flat_map(Capability::interfaces).filter(|name| provided(name)) {
        assert!(interfaces.iter().any(|interface| interface == name), "{name}");
    }
    for kind in [Kind::Launcher, Kind::Importer, Kind::CredentialSource, Kind::Workflow] {
        assert!(interfaces.iter().any(|interface| interface == kind.interface()), "{}", kind.interface());
    }
}
