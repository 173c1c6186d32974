//! The cache of compiled code: used where it is authentic, ignored and replaced where it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ostler_runtime::Limits;

use crate::world::{DeviceKey, EVERYTHING, LogLines, World, guest, request};

const NOT_AUTHENTIC: &str = "compiled code is not authentic and is not used";

fn load(directory: &Path, key: u8) -> World {
    let world = World::start(Limits::default(), Some(directory.to_owned()), DeviceKey(key));
    world.load(&guest("no-manifest"), EVERYTHING).unwrap();
    world
}

fn only_file(directory: &Path) -> PathBuf {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 1, "{entries:?}");
    entries.remove(0)
}

fn written(file: &Path) -> SystemTime {
    fs::metadata(file).unwrap().modified().unwrap()
}

#[tokio::test]
async fn a_second_load_takes_the_code_from_the_cache() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("compiled");
    load(&cache, 1);
    let file = only_file(&cache);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    let first = written(&file);
    // A hit leaves the file as it is; a miss would write it anew.
    let log = LogLines::collect();
    let world = load(&cache, 1);
    assert_eq!(written(&only_file(&cache)), first);
    assert_eq!(log.lines(), Vec::<String>::new());
    let plugin = world.load(&guest("no-manifest"), EVERYTHING).unwrap();
    assert_eq!(plugin.plan(&request(&[])).await.unwrap_err().to_string(), "Database");
}

#[test]
fn a_file_that_was_tampered_with_is_ignored_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    load(directory.path(), 1);
    let file = only_file(directory.path());
    let good = fs::read(&file).unwrap();
    let last = good.len() - 1;
    // In the first bytes, in the tag, in the code's head and in the code.
    for at in [0, 20, 60, good.len() / 2, last] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&file, &bad).unwrap();
        let log = LogLines::collect();
        load(directory.path(), 1);
        assert!(log.lines().iter().any(|line| line.contains(NOT_AUTHENTIC)), "byte {at}");
        assert!(fs::read(&file).unwrap() == good, "byte {at}");
    }
}

#[test]
fn a_file_that_was_cut_short_is_ignored_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    load(directory.path(), 1);
    let file = only_file(directory.path());
    let good = fs::read(&file).unwrap();
    for length in [0, 10, 40, 48, good.len() - 1] {
        fs::write(&file, &good[..length]).unwrap();
        let log = LogLines::collect();
        load(directory.path(), 1);
        assert!(log.lines().iter().any(|line| line.contains(NOT_AUTHENTIC)), "{length} bytes");
        assert!(fs::read(&file).unwrap() == good, "{length} bytes");
    }
}

#[test]
fn a_file_of_another_device_is_ignored_and_replaced() {
    let directory = tempfile::tempdir().unwrap();
    load(directory.path(), 1);
    let foreign = fs::read(only_file(directory.path())).unwrap();
    let log = LogLines::collect();
    load(directory.path(), 2);
    assert!(log.lines().iter().any(|line| line.contains(NOT_AUTHENTIC)));
    assert!(fs::read(only_file(directory.path())).unwrap() != foreign);
}

#[test]
fn the_code_of_one_plugin_in_the_file_of_another_is_ignored() {
    let directory = tempfile::tempdir().unwrap();
    let world = load(directory.path(), 1);
    let file = only_file(directory.path());
    let good = fs::read(&file).unwrap();
    world.load(&guest("importer"), EVERYTHING).unwrap();
    let others = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let other = others.into_iter().find(|path| *path != file).unwrap();
    fs::copy(&other, &file).unwrap();
    let log = LogLines::collect();
    load(directory.path(), 1);
    assert!(log.lines().iter().any(|line| line.contains(NOT_AUTHENTIC)));
    assert!(fs::read(&file).unwrap() == good);
}

#[test]
fn without_a_place_for_a_cache_plugins_are_compiled_each_time() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a-file");
    fs::write(&file, "no directory").unwrap();
    load(&file, 1);
    let world = World::start(Limits::default(), None, DeviceKey(1));
    world.load(&guest("no-manifest"), EVERYTHING).unwrap();
}

#[test]
fn the_cache_keeps_a_bounded_number_of_files() {
    let directory = tempfile::tempdir().unwrap();
    for index in 0..200 {
        fs::write(directory.path().join(format!("{index}.code")), "old").unwrap();
    }
    load(directory.path(), 1);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 128);
    let log = LogLines::collect();
    load(directory.path(), 1);
    assert_eq!(log.lines(), Vec::<String>::new());
}
