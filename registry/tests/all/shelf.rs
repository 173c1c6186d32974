//! The shelf: what is found, what is broken, what installing and removing change.

use std::fs;
use std::path::PathBuf;

use crate::components::{EXPORTS, MANIFEST, component, plugin, plugin_with_id};
use ostler_plugin_api::PluginId;
use ostler_registry::{Digest, Origin, Shelf, ShelfError};

/// A shelf in a directory of its own, with one bundled plugin `ostler.launcher-x`.
struct Case {
    root: tempfile::TempDir,
    shelf: Shelf,
}

impl Case {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let bundled = plugin_with_id("ostler.launcher-x");
        fs::create_dir(root.path().join("bundled")).unwrap();
        fs::write(root.path().join("bundled/launcher-x.wasm"), &bundled).unwrap();
        let digest = Digest::of(&bundled).to_string();
        let shelf = Shelf::new(
            Some(root.path().join("bundled")),
            root.path().join("store/plugins"),
            &[("launcher-x", digest.as_str())],
        );
        Self { root, shelf }
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Names what was found, and returns the reasons of what is broken.
    fn scan(&self) -> (Vec<(String, Origin)>, Vec<String>) {
        let (found, broken) = self.shelf.scan().unwrap();
        let found =
            found.into_iter().map(|plugin| (plugin.inspection.manifest.id.to_string(), plugin.origin));
        (found.collect(), broken.into_iter().map(|plugin| plugin.reason).collect())
    }

    fn installed_files(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.root.path().join("store/plugins")) else { return Vec::new() };
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn id(text: &str) -> PluginId {
    PluginId::new(text).unwrap()
}

#[test]
fn bundled_and_installed_plugins_are_found() {
    let case = Case::new();
    let installed = case.shelf.install(&case.file("any-name.wasm", &plugin())).unwrap();
    assert_eq!(installed.origin, Origin::Installed);
    assert_eq!(case.installed_files(), ["acme.importer-xyz.wasm"]);
    let (found, broken) = case.scan();
    assert_eq!(
        found,
        [
            ("ostler.launcher-x".to_owned(), Origin::Bundled),
            ("acme.importer-xyz".to_owned(), Origin::Installed)
        ]
    );
    assert!(broken.is_empty());
    assert_eq!(case.shelf.bytes(&installed).unwrap(), plugin());
}

#[test]
fn directories_that_are_missing_hold_no_plugins() {
    let root = tempfile::tempdir().unwrap();
    let none: [(&str, &str); 0] = [];
    for bundled in [None, Some(root.path().join("nowhere"))] {
        let shelf = Shelf::new(bundled, root.path().join("nothing"), &none);
        assert_eq!(shelf.scan().unwrap(), (vec![], vec![]));
    }
}

#[test]
fn a_bundled_plugin_that_changed_is_broken() {
    let case = Case::new();
    // Still a plugin that fits, but not the one that the program was built with.
    let other = component(&[&MANIFEST.replace("acme.importer-xyz", "ostler.launcher-x")], &[], &EXPORTS);
    case.file("bundled/launcher-x.wasm", &other);
    let (found, broken) = case.scan();
    assert!(found.is_empty());
    assert_eq!(broken, ["it changed since the program was built; install the program again"]);
    case.file("store/plugins/mine.wasm", &plugin_with_id("ostler.launcher-x"));
    assert_eq!(case.scan().1.len(), 2, "the id of a changed bundled plugin is still its own");
}

#[test]
fn a_file_that_is_no_plugin_is_broken_and_hides_no_other() {
    let case = Case::new();
    case.file("store/plugins/a.wasm", b"garbage");
    case.file("store/plugins/b.wasm", &component(&[MANIFEST], &["wasi:sockets/tcp@0.2.6"], &EXPORTS));
    case.file("store/plugins/c.wasm", &plugin());
    case.file("store/plugins/notes.txt", b"not looked at");
    fs::create_dir(case.root.path().join("store/plugins/d.wasm")).unwrap();
    let (found, broken) = case.scan();
    assert_eq!(found.len(), 2);
    assert_eq!(broken.len(), 3, "{broken:?}");
    assert!(broken[0].contains("not a WebAssembly file"), "{broken:?}");
    assert!(broken[1].contains("wasi:sockets/tcp"), "{broken:?}");
    assert!(broken[2].contains("not a regular file"), "{broken:?}");
}

#[test]
fn an_installed_plugin_can_not_take_the_id_of_a_bundled_one() {
    let case = Case::new();
    let impostor = component(&[&MANIFEST.replace("acme.importer-xyz", "ostler.launcher-x")], &[], &EXPORTS);
    let file = case.file("impostor.wasm", &impostor);
    assert!(matches!(case.shelf.install(&file), Err(ShelfError::Bundled { .. })));
    assert!(case.installed_files().is_empty());
    case.file("store/plugins/impostor.wasm", &impostor);
    let (found, broken) = case.scan();
    assert_eq!(found, [("ostler.launcher-x".to_owned(), Origin::Bundled)]);
    assert!(broken[0].contains("takes the id 'ostler.launcher-x'"), "{broken:?}");
}

#[test]
fn of_two_files_with_one_id_the_second_is_broken() {
    let case = Case::new();
    case.file("store/plugins/a.wasm", &plugin());
    case.file("store/plugins/b.wasm", &plugin());
    let (found, broken) = case.scan();
    assert_eq!(found.len(), 2);
    assert!(broken[0].contains("remove one of them"), "{broken:?}");
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written() {
    let case = Case::new();
    let unfit = component(&[MANIFEST], &["ostler:prompt/prompt@0.1.0"], &EXPORTS);
    let garbage = case.shelf.install(&case.file("garbage.wasm", b"garbage"));
    assert!(matches!(garbage, Err(ShelfError::NotAPlugin { .. })), "{garbage:?}");
    let unfit = case.shelf.install(&case.file("unfit.wasm", &unfit));
    assert!(matches!(unfit, Err(ShelfError::Unfit { .. })), "{unfit:?}");
    let missing = case.shelf.install(&case.root.path().join("missing.wasm"));
    assert!(matches!(missing, Err(ShelfError::Read { .. })), "{missing:?}");
    assert!(case.installed_files().is_empty());
}

#[test]
fn installing_again_replaces_the_older_file_also_under_another_name() {
    let case = Case::new();
    case.file("store/plugins/laid-here.wasm", &plugin());
    let newer = component(&[&MANIFEST.replace("1.2.3", "1.3.0")], &[], &EXPORTS);
    let installed = case.shelf.install(&case.file("newer.wasm", &newer)).unwrap();
    assert_eq!(installed.inspection.manifest.version.to_string(), "1.3.0");
    assert_eq!(case.installed_files(), ["acme.importer-xyz.wasm"]);
}

#[test]
fn bytes_that_changed_after_the_scan_are_refused() {
    let case = Case::new();
    let installed = case.shelf.install(&case.file("plugin.wasm", &plugin())).unwrap();
    fs::write(&installed.path, plugin_with_id("acme.other")).unwrap();
    assert!(matches!(case.shelf.bytes(&installed), Err(ShelfError::Changed { .. })));
}

#[test]
fn removing_takes_installed_plugins_only() {
    let case = Case::new();
    case.shelf.install(&case.file("plugin.wasm", &plugin())).unwrap();
    assert!(case.shelf.remove(&id("acme.importer-xyz")).unwrap());
    assert!(!case.shelf.remove(&id("acme.importer-xyz")).unwrap());
    assert!(case.installed_files().is_empty());
    assert!(matches!(case.shelf.remove(&id("ostler.launcher-x")), Err(ShelfError::Bundled { .. })));
    case.file("store/plugins/acme.broken.wasm", b"garbage");
    assert!(case.shelf.remove(&id("acme.broken")).unwrap());
}
