//! Backups, facts, and moving a store aside.

use std::fs;

use crate::common::{PASSPHRASE, Store, apply, clock, connection, damage, one_of_each, text};
use ostler_vault::{Changes, KdfParameters, LockedVault, VaultError, move_aside};

#[test]
fn a_backup_restores_all_of_its_moment() {
    let store = Store::create();
    let vault = store.unlock();
    let (changes, id) = one_of_each();
    apply(&vault, &changes);
    vault.set_plugin_value("org.example.one", "a", Some(b"x")).unwrap();
    let to = store.home.path().join("copy.db");
    vault.backup(&to).unwrap();
    apply(&vault, &Changes { put_connections: vec![connection(None, "later")], ..Changes::default() });
    assert_eq!(fs::read_dir(store.home.path()).unwrap().count(), 2, "the store and the copy, nothing else");

    let restored = store.home.path().join("restored");
    fs::create_dir(&restored).unwrap();
    fs::copy(&to, restored.join("store.db")).unwrap();
    let copy = LockedVault::open(&restored).unwrap().unlock(&text(PASSPHRASE), &clock()).unwrap();
    assert_eq!(copy.store_id(), vault.store_id());
    let snapshot = copy.snapshot().unwrap();
    assert!(snapshot.tree.connections().eq(&changes.put_connections));
    assert_eq!(copy.open_secret(id).unwrap(), changes.put_secrets[0]);
    assert_eq!(copy.plugin_value("org.example.one", "a").unwrap(), Some(b"x".to_vec()));
    copy.verify().unwrap();
    apply(&copy, &Changes { put_connections: vec![connection(None, "goes on")], ..Changes::default() });
    assert!(restored.join("recordings").is_dir());
}

#[test]
fn a_backup_never_replaces_a_file_and_is_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::create();
    let vault = store.unlock();
    let to = store.home.path().join("copy.db");
    vault.backup(&to).unwrap();
    let before = fs::read(&to).unwrap();
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    apply(&vault, &one_of_each().0);
    assert!(matches!(vault.backup(&to), Err(VaultError::Exists { path }) if path == to));
    assert_eq!(fs::read(&to).unwrap(), before);
}

#[test]
fn a_damaged_store_gives_no_backup() {
    let store = Store::create();
    apply(&store.unlock(), &one_of_each().0);
    store.tamper("DELETE FROM secrets");
    let to = store.home.path().join("copy.db");
    assert!(damage(store.unlock().backup(&to)).contains("table secrets"));
    assert_eq!(fs::read_dir(store.home.path()).unwrap().count(), 1, "nothing is left behind");
    let nowhere = store.home.path().join("no").join("folder.db");
    assert!(matches!(store.unlock().backup(&nowhere), Err(VaultError::Io { .. })));
}

#[test]
fn the_facts_of_a_store_are_its_own() {
    let store = Store::create();
    let vault = store.unlock();
    apply(&vault, &one_of_each().0);
    vault.set_plugin_value("org.example.one", "a", Some(b"x")).unwrap();
    let info = vault.info().unwrap();
    assert_eq!(info.id, vault.store_id());
    assert_eq!(info.created, ostler_core::Clock::now(&clock()));
    assert_eq!((info.format, info.epoch), (2, 1));
    assert!(!info.key_file && !info.keyring);
    assert_eq!((info.folders, info.connections, info.secrets, info.known_hosts), (1, 1, 1, 1));
    assert_eq!((info.plugin_values, info.documents, info.generation.0), (1, 0, 1));
    assert_eq!(info.kdf, KdfParameters::FLOOR);
    assert!(info.database_bytes > 8 * 4096);
}

#[test]
fn the_public_key_can_be_read_while_the_store_is_locked() {
    let store = Store::create();
    let locked = LockedVault::open(&store.dir).unwrap();
    let wrapped = locked.envelope_key().wrap(b"recording", &[7; 32]).unwrap();
    assert_eq!(*store.unlock().envelope().unwrap(b"recording", &wrapped).unwrap(), [7; 32]);
}

#[test]
fn a_store_moved_aside_is_whole_and_leaves_its_place_free() {
    let store = Store::create();
    let (changes, id) = one_of_each();
    apply(&store.unlock(), &changes);
    fs::File::create(store.dir.join("recordings").join("1.segment")).unwrap();
    let moved = move_aside(&store.dir, &clock()).unwrap();
    assert_eq!(moved, store.home.path().join("store.old-20270115T080000Z"));
    assert!(moved.join("recordings").join("1.segment").exists());
    let old = LockedVault::open(&moved).unwrap().unlock(&text(PASSPHRASE), &clock()).unwrap();
    assert_eq!(old.open_secret(id).unwrap(), changes.put_secrets[0]);

    let create =
        || LockedVault::create(&store.dir, &text(PASSPHRASE), KdfParameters::FLOOR, &clock()).unwrap();
    assert_ne!(create().store_id(), old.store_id());
    let again = move_aside(&store.dir, &clock()).unwrap();
    assert_eq!(again, store.home.path().join("store.old-20270115T080000Z-2"), "in the same second");
    assert!(matches!(move_aside(&store.dir, &clock()), Err(VaultError::Missing { .. })));
}
