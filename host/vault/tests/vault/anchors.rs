//! What this device remembers of a store: an older copy is told, and the count of wrong passphrases is its own.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::common::{PASSPHRASE, Store, apply, clock, connection, text};
use ostler_core::SecretBytes;
use ostler_vault::{Anchors, Changes, DeviceKey, History, LockedVault, Vault, VaultError};

/// A device with its key and what it remembers.
struct Device {
    home: tempfile::TempDir,
}

impl Device {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn anchors(&self) -> Anchors {
        let key = DeviceKey::load_or_create(&self.home.path().join("device.key")).unwrap();
        Anchors::new(self.home.path().join("stores"), Arc::new(key))
    }

    fn open(&self, store: &Store) -> LockedVault {
        LockedVault::open(&store.dir).unwrap().anchored(self.anchors())
    }

    /// Makes a store as a program does that has a device.
    fn create(&self) -> Store {
        let store = Store::create();
        self.open(&store).adopt().unwrap();
        store
    }

    fn unlock(&self, store: &Store) -> Vault {
        self.open(store).unlock(&text(PASSPHRASE), &clock()).unwrap()
    }

    fn file(&self) -> PathBuf {
        let mut files = fs::read_dir(self.home.path().join("stores")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none(), "one store, one file");
        file
    }
}

fn change(vault: &Vault) {
    apply(vault, &Changes { put_connections: vec![connection(None, "x")], ..Changes::default() });
}

/// Puts the store's database back to an older copy of it.
fn set_back(store: &Store, copy: &std::path::Path) {
    fs::copy(copy, store.dir.join("store.db")).unwrap();
}

#[test]
fn an_older_copy_in_the_stores_place_is_told_until_it_is_accepted() {
    let device = Device::new();
    let store = device.create();
    let vault = device.unlock(&store);
    assert_eq!(vault.history().unwrap(), History::Current);
    let copy = store.home.path().join("copy.db");
    vault.backup(&copy).unwrap();
    change(&vault);
    change(&vault);
    drop(vault);
    assert_eq!(device.unlock(&store).history().unwrap(), History::Current);

    set_back(&store, &copy);
    let older = History::Older { seen: 2, found: 0 };
    let vault = device.unlock(&store);
    assert_eq!(vault.history().unwrap(), older);
    change(&vault);
    let older = History::Older { seen: 2, found: 1 };
    assert_eq!(vault.history().unwrap(), older, "a change does not make it new enough");
    drop(vault);
    let vault = device.unlock(&store);
    assert_eq!(vault.history().unwrap(), older, "and no sign-in silences it");
    vault.accept_history().unwrap();
    assert_eq!(vault.history().unwrap(), History::Current);
    drop(vault);
    assert_eq!(device.unlock(&store).history().unwrap(), History::Current);
}

#[test]
fn changes_that_another_program_or_device_made_are_no_reason_for_a_warning() {
    let (one, two) = (Device::new(), Device::new());
    let store = one.create();
    change(&one.unlock(&store));
    let file = one.file();
    let before = fs::read(&file).unwrap();
    change(&one.unlock(&store));
    // As after a crash between the commit and the writing down.
    write_file(&file, &before);
    assert_eq!(one.unlock(&store).history().unwrap(), History::Current);
    // The other device has its own count of wrong passphrases to begin.
    two.open(&store).adopt().unwrap();
    change(&two.unlock(&store));
    one.open(&store).adopt().unwrap();
    assert_eq!(one.unlock(&store).history().unwrap(), History::Current);
    assert_ne!(one.file(), two.file());
}

#[test]
fn a_store_not_seen_before_is_remembered_from_then_on() {
    let device = Device::new();
    let store = Store::create();
    let vault = store.unlock();
    change(&vault);
    drop(vault);
    let clock = clock();
    // The count of wrong passphrases is none of this device's: one short wait.
    let refused = device.open(&store).unlock(&text(PASSPHRASE), &clock);
    assert!(matches!(refused, Err(VaultError::TooSoon { wait }) if wait == Duration::from_secs(5)));
    clock.advance(5);
    let vault = device.open(&store).unlock(&text(PASSPHRASE), &clock).unwrap();
    assert_eq!(vault.history().unwrap(), History::New);
    assert_eq!(vault.history().unwrap(), History::Current);
    drop(vault);
    device.unlock(&store);
}

#[test]
fn what_is_remembered_can_not_be_written_by_others() {
    let device = Device::new();
    let store = device.create();
    change(&device.unlock(&store));
    let file = device.file();
    let good = fs::read(&file).unwrap();
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        write_file(&file, &bad);
        assert_eq!(device.unlock(&store).history().unwrap(), History::Unknown, "byte {place}");
        assert_eq!(device.unlock(&store).history().unwrap(), History::Current, "told once");
        if place % 16 != 0 {
            // A sign-in takes its time; every byte of the kinds that there are is proof enough.
            continue;
        }
        write_file(&file, &[]);
        assert_eq!(device.unlock(&store).history().unwrap(), History::Unknown, "an empty file");
    }
}

#[test]
fn the_count_of_wrong_passphrases_can_not_be_set_back_in_the_file() {
    let device = Device::new();
    let store = device.create();
    let clock = clock();
    let wrong = || device.open(&store).unlock(&text("Wr0ng horse!"), &clock);
    let right = || device.open(&store).unlock(&text(PASSPHRASE), &clock);
    for _ in 0..3 {
        assert!(matches!(wrong(), Err(VaultError::WrongPassphrase { .. })));
    }
    for tampering in [
        "UPDATE sign_in SET failures = 0",
        "UPDATE sign_in SET last_try = 0",
        "UPDATE sign_in SET failures = 0, last_try = 0, tag = x''",
        "UPDATE sign_in SET tag = zeroblob(32)",
    ] {
        store.tamper(tampering);
        let refused = right();
        assert!(
            matches!(refused, Err(VaultError::TooSoon { wait }) if wait == Duration::from_secs(5)),
            "{tampering}: {refused:?}"
        );
    }
    clock.advance(5);
    right().unwrap();
    // A device that does not authenticate the count would have let it in at once.
    store.tamper("UPDATE sign_in SET failures = 0, last_try = 0, tag = x''");
    store.unlock();
}

#[test]
fn a_rotation_goes_on_counting() {
    let device = Device::new();
    let store = device.create();
    let vault = device.unlock(&store);
    change(&vault);
    let copy = store.home.path().join("copy.db");
    vault.backup(&copy).unwrap();
    let passphrase: SecretBytes = text(PASSPHRASE);
    vault.rekey((&passphrase).into(), &clock()).unwrap();
    drop(vault);
    assert_eq!(device.unlock(&store).history().unwrap(), History::Current);
    set_back(&store, &copy);
    assert_eq!(device.unlock(&store).history().unwrap(), History::Older { seen: 2, found: 1 });
}

fn write_file(path: &std::path::Path, content: &[u8]) {
    std::io::Write::write_all(&mut fs::File::create(path).unwrap(), content).unwrap();
}
