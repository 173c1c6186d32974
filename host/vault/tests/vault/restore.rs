//! Restoring a backup: checked before, whole after, and what it replaced is kept.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::common::{PASSPHRASE, Store, apply, clock, connection, damage, one_of_each, text};
use ostler_vault::{Anchors, Changes, DeviceKey, History, LockedVault, Restored, VaultError, restore};

fn anchors(store: &Store) -> Anchors {
    let key = DeviceKey::load_or_create(&store.home.path().join("device.key")).unwrap();
    Anchors::new(store.home.path().join("anchors"), Arc::new(key))
}

fn restore_to(store: &Store, dir: &Path, backup: &Path, passphrase: &str) -> Result<Restored, VaultError> {
    restore(dir, backup, (&text(passphrase)).into(), anchors(store), &clock())
}

/// A store whose backup has one of each, and which has one connection more.
fn with_backup() -> (Store, PathBuf) {
    let store = Store::create();
    let vault = store.unlock();
    apply(&vault, &one_of_each().0);
    let backup = store.home.path().join("backup.db");
    vault.backup(&backup).unwrap();
    apply(&vault, &Changes { put_connections: vec![connection(None, "later")], ..Changes::default() });
    (store, backup)
}

fn connections(dir: &Path) -> usize {
    let vault = LockedVault::open(dir).unwrap().unlock(&text(PASSPHRASE), &clock()).unwrap();
    vault.verify().unwrap();
    vault.snapshot().unwrap().tree.connections().count()
}

#[test]
fn a_restored_store_is_the_backup_and_the_replaced_one_lies_beside_it() {
    let (store, backup) = with_backup();
    LockedVault::open(&store.dir).unwrap().anchored(anchors(&store)).adopt().unwrap();
    let restored = restore_to(&store, &store.dir, &backup, PASSPHRASE).unwrap();
    let vault = restored.locked.unlock(&text(PASSPHRASE), &clock()).unwrap();
    assert_eq!(vault.history().unwrap(), History::Current, "it was put there on purpose");
    drop((vault, restored.locked));
    assert_eq!(connections(&store.dir), 1);

    let aside = restored.aside.unwrap();
    assert_eq!(aside, store.dir.join("store.db.old-20270115T080000Z"));
    let old = store.home.path().join("old");
    fs::create_dir(&old).unwrap();
    fs::rename(&aside, old.join("store.db")).unwrap();
    assert_eq!(connections(&old), 2);
    assert!(backup.exists());
}

#[test]
fn a_backup_can_be_restored_where_no_store_is() {
    let (store, backup) = with_backup();
    let elsewhere = store.home.path().join("new").join("store");
    let restored = restore_to(&store, &elsewhere, &backup, PASSPHRASE).unwrap();
    assert!(restored.aside.is_none());
    assert!(elsewhere.join("recordings").is_dir());
    drop(restored);
    assert_eq!(connections(&elsewhere), 1);
}

#[test]
fn a_store_that_can_not_be_opened_any_more_is_replaced_and_kept() {
    for (name, content) in
        [("zeros", vec![0; 100_000]), ("short", b"SQLite".to_vec()), ("text", vec![b'x'; 5000])]
    {
        let (store, backup) = with_backup();
        let mut file = fs::File::create(store.dir.join("store.db")).unwrap();
        std::io::Write::write_all(&mut file, &content).unwrap();
        fs::File::create(store.dir.join("store.db-wal")).unwrap().set_len(5000).unwrap();
        let restored = restore_to(&store, &store.dir, &backup, PASSPHRASE).unwrap();
        assert_eq!(fs::read(restored.aside.unwrap()).unwrap(), content, "{name}");
        drop(restored.locked);
        assert_eq!(connections(&store.dir), 1, "{name}");
    }
}

#[test]
fn nothing_is_replaced_while_a_program_has_the_store_open() {
    let (store, backup) = with_backup();
    let vault = store.unlock();
    assert!(matches!(restore_to(&store, &store.dir, &backup, PASSPHRASE), Err(VaultError::Busy)));
    apply(&vault, &Changes { put_connections: vec![connection(None, "more")], ..Changes::default() });
    drop(vault);
    assert_eq!(connections(&store.dir), 3);
    restore_to(&store, &store.dir, &backup, PASSPHRASE).unwrap();
    assert_eq!(connections(&store.dir), 1);
}

#[test]
fn what_is_no_sound_backup_of_this_store_replaces_nothing() {
    let (store, backup) = with_backup();
    let other = Store::create();
    let foreign = store.home.path().join("foreign.db");
    other.unlock().backup(&foreign).unwrap();
    let damaged = store.home.path().join("damaged.db");
    fs::copy(&backup, &damaged).unwrap();
    let tampered = rusqlite::Connection::open(&damaged).unwrap();
    tampered.execute_batch("DELETE FROM secrets").unwrap();
    drop(tampered);
    let files = || crate::common::all_files(&store.dir).len();
    let before = files();

    let attempt = |from: &Path, passphrase: &str| restore_to(&store, &store.dir, from, passphrase);
    assert!(matches!(attempt(&backup, "Wr0ng horse!"), Err(VaultError::WrongPassphrase { .. })));
    assert!(matches!(attempt(&foreign, PASSPHRASE), Err(VaultError::OtherStore)));
    assert!(matches!(attempt(&store.home.path().join("none"), PASSPHRASE), Err(VaultError::Io { .. })));
    assert!(damage(attempt(&damaged, PASSPHRASE)).contains("table secrets"));
    assert_eq!(files(), before, "nothing is left behind");
    assert_eq!(connections(&store.dir), 2);
}
