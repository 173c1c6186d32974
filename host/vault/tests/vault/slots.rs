//! What opens a store: passphrase, key file, the keyring's secret, and how they change.

use crate::common::{PASSPHRASE, Store, apply, clock, one_of_each, text};
use ostler_core::SecretBytes;
use ostler_vault::{Factors, KdfParameters, KeyFile, LockedVault, RandomSecret, Vault, VaultError};

fn locked(store: &Store) -> LockedVault {
    LockedVault::open(&store.dir).unwrap()
}

fn key_file(store: &Store, name: &str) -> KeyFile {
    let path = store.home.path().join(name);
    KeyFile::create(&path).unwrap();
    KeyFile::read(&path).unwrap()
}

fn factors<'a>(passphrase: &'a SecretBytes, key_file: Option<&'a KeyFile>) -> Factors<'a> {
    Factors { passphrase, key_file }
}

/// Changes the key file and nothing else.
fn change(vault: &Vault, old: Option<&KeyFile>, new: Option<&KeyFile>) -> Result<bool, VaultError> {
    let passphrase = text(PASSPHRASE);
    vault.change_factors(factors(&passphrase, old), factors(&passphrase, new), KdfParameters::FLOOR, &clock())
}

fn enable_keyring(vault: &Vault, key_file: Option<&KeyFile>) -> RandomSecret {
    let (secret, slot) = vault.new_keyring_slot(factors(&text(PASSPHRASE), key_file), &clock()).unwrap();
    assert!(vault.set_keyring_slot(Some(slot)).unwrap());
    secret
}

#[test]
fn a_key_file_is_wanted_once_it_is_added_and_no_more_once_it_is_removed() {
    let store = Store::create();
    let passphrase = text(PASSPHRASE);
    let (own, other) = (key_file(&store, "own"), key_file(&store, "other"));
    let vault = store.unlock();
    let (changes, id) = one_of_each();
    apply(&vault, &changes);
    change(&vault, None, Some(&own)).unwrap();
    assert!(vault.info().unwrap().key_file);

    let unlock = |key_file| locked(&store).unlock(factors(&passphrase, key_file), &clock());
    assert_eq!(unlock(Some(&own)).unwrap().open_secret(id).unwrap(), changes.put_secrets[0]);
    assert!(matches!(unlock(Some(&other)), Err(VaultError::WrongFactors { .. })));
    for _ in 0..5 {
        assert!(matches!(unlock(None), Err(VaultError::KeyFileWanted)), "nothing was tried, so no wait");
    }
    assert!(matches!(change(&vault, Some(&other), None), Err(VaultError::WrongFactors { .. })));
    assert!(matches!(change(&vault, None, None), Err(VaultError::KeyFileWanted)));
    change(&vault, Some(&own), None).unwrap();
    unlock(None).unwrap();
    vault.verify().unwrap();
}

#[test]
fn a_store_can_be_made_with_a_key_file_and_in_the_fips_profile() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("key");
    KeyFile::create(&path).unwrap();
    let key_file = KeyFile::read(&path).unwrap();
    let passphrase = text(PASSPHRASE);
    let both = factors(&passphrase, Some(&key_file));
    let dir = home.path().join("store");
    let made = LockedVault::create(&dir, both, KdfParameters::FIPS_FLOOR, &clock()).unwrap();
    let vault = made.unlock(both, &clock()).unwrap();
    let info = vault.info().unwrap();
    assert_eq!((info.kdf, info.key_file), (KdfParameters::FIPS_FLOOR, true));
    drop(vault);

    // Made stronger, it stays in its profile and keeps its key file.
    let (vault, stronger) = made.unlock_and_strengthen(both, &clock()).unwrap();
    assert_eq!(stronger, Some(KdfParameters::FIPS));
    assert_eq!(vault.info().unwrap().kdf, KdfParameters::FIPS);
    assert!(matches!(made.unlock(&passphrase, &clock()), Err(VaultError::KeyFileWanted)));
    made.unlock(both, &clock()).unwrap();
}

#[test]
fn a_weak_slot_is_made_as_strong_as_a_new_stores_at_the_next_sign_in() {
    let store = Store::create();
    let passphrase = text(PASSPHRASE);
    let vault = store.unlock();
    assert_eq!(vault.info().unwrap().kdf, KdfParameters::FLOOR, "a plain sign-in changes nothing");
    let secret = enable_keyring(&vault, None);
    let (vault, stronger) = locked(&store).unlock_and_strengthen((&passphrase).into(), &clock()).unwrap();
    assert_eq!(stronger, Some(KdfParameters::DEFAULT));
    assert_eq!(vault.info().unwrap().kdf, KdfParameters::DEFAULT);
    let (_, again) = locked(&store).unlock_and_strengthen((&passphrase).into(), &clock()).unwrap();
    assert_eq!(again, None);
    locked(&store).unlock_with_secret(&secret, None).unwrap();
    let wrong = locked(&store).unlock_and_strengthen((&text("Wr0ng horse!")).into(), &clock());
    assert!(matches!(wrong, Err(VaultError::WrongPassphrase { .. })));
}

#[test]
fn the_keyrings_secret_opens_the_store_until_its_slot_is_removed() {
    let store = Store::create();
    let (changes, id) = one_of_each();
    let vault = store.unlock();
    apply(&vault, &changes);
    let unknown = RandomSecret::random().unwrap();
    let refused = locked(&store).unlock_with_secret(&unknown, None);
    assert!(matches!(refused, Err(VaultError::NoKeyringSlot)));
    assert!(!vault.set_keyring_slot(None).unwrap(), "there is none");

    let secret = enable_keyring(&vault, None);
    assert!(locked(&store).has_keyring_slot().unwrap() && vault.info().unwrap().keyring);
    let opened = locked(&store).unlock_with_secret(&secret, None).unwrap();
    assert_eq!(opened.open_secret(id).unwrap(), changes.put_secrets[0]);
    let refused = locked(&store).unlock_with_secret(&unknown, None);
    assert!(matches!(refused, Err(VaultError::KeySlot(_))), "{refused:?}");
    store.unlock();

    // A new passphrase does not touch it.
    let (old, new) = (text(PASSPHRASE), text("An0ther horse?"));
    let dropped = vault.change_factors((&old).into(), (&new).into(), KdfParameters::FLOOR, &clock()).unwrap();
    assert!(!dropped);
    locked(&store).unlock_with_secret(&secret, None).unwrap();

    assert!(vault.set_keyring_slot(None).unwrap());
    let refused = locked(&store).unlock_with_secret(&secret, None);
    assert!(matches!(refused, Err(VaultError::NoKeyringSlot)));
    vault.verify().unwrap();
}

#[test]
fn the_keyring_does_not_stand_in_for_the_key_file() {
    let store = Store::create();
    let (own, other) = (key_file(&store, "own"), key_file(&store, "other"));
    let vault = store.unlock();
    let secret = enable_keyring(&vault, None);
    assert!(change(&vault, None, Some(&own)).unwrap(), "the slot that knows of no key file is dropped");
    let refused = locked(&store).unlock_with_secret(&secret, None);
    assert!(matches!(refused, Err(VaultError::NoKeyringSlot)));

    let secret = enable_keyring(&vault, Some(&own));
    let unlock = |key_file| locked(&store).unlock_with_secret(&secret, key_file);
    assert!(matches!(unlock(None), Err(VaultError::KeyFileWanted)));
    assert!(matches!(unlock(Some(&other)), Err(VaultError::WrongFactors { .. })));
    unlock(Some(&own)).unwrap();
}

#[test]
fn a_rotation_drops_the_keyrings_slot() {
    let store = Store::create();
    let vault = store.unlock();
    let secret = enable_keyring(&vault, None);
    let slot = store.query("SELECT slot FROM key_slots WHERE id = 2").remove(0);
    let rekeyed = vault.rekey((&text(PASSPHRASE)).into(), &clock()).unwrap();
    assert!(rekeyed.keyring_dropped);
    let refused = locked(&store).unlock_with_secret(&secret, None);
    assert!(matches!(refused, Err(VaultError::NoKeyringSlot)));
    // The old slot put back opens the old root key, which is none of the store any more.
    store.tamper(&format!("INSERT INTO key_slots VALUES (2, x'{}')", crate::common::hex(&slot)));
    crate::common::damage(locked(&store).unlock_with_secret(&secret, None));
    crate::common::damage(store.try_unlock());
}

#[test]
fn a_keyring_slot_made_before_the_passphrase_changed_is_not_taken() {
    let store = Store::create();
    let vault = store.unlock();
    let passphrase = text(PASSPHRASE);
    let (_, slot) = vault.new_keyring_slot((&passphrase).into(), &clock()).unwrap();
    change(&vault, None, Some(&key_file(&store, "own"))).unwrap();
    assert!(matches!(vault.set_keyring_slot(Some(slot)), Err(VaultError::Conflict)));
}
