//! Signing in: the right passphrase, wrong ones and their back-off, and the change of it.

use std::time::Duration;

use crate::common::{FixedClock, PASSPHRASE, Store, all_files, clock, one_of_each, text};
use ostler_core::{PassphraseFault, SecretBytes};
use ostler_sealing::SlotError;
use ostler_vault::{KdfParameters, LockedVault, Vault, VaultError};

fn open(store: &Store) -> LockedVault {
    LockedVault::open(&store.dir).unwrap()
}

/// Tries a wrong passphrase, and returns the seconds that the next try has to wait.
fn wrong(store: &Store, clock: &FixedClock) -> u64 {
    match open(store).unlock(&text("Wr0ng horse!"), clock) {
        Err(VaultError::WrongPassphrase { wait }) => wait.as_secs(),
        other => panic!("expected a wrong passphrase, got {other:?}"),
    }
}

fn too_soon(store: &Store, clock: &FixedClock) -> Duration {
    match open(store).unlock(&text(PASSPHRASE), clock) {
        Err(VaultError::TooSoon { wait }) => wait,
        other => panic!("expected a wait, got {other:?}"),
    }
}

#[test]
fn three_wrong_passphrases_are_free_then_the_wait_grows_across_restarts() {
    let (store, clock) = (Store::create(), clock());
    assert_eq!([wrong(&store, &clock), wrong(&store, &clock), wrong(&store, &clock)], [0, 0, 5]);
    assert_eq!(open(&store).wait_before_try(&clock), Duration::from_secs(5));
    assert_eq!(too_soon(&store, &clock), Duration::from_secs(5));
    clock.advance(4);
    assert_eq!(too_soon(&store, &clock), Duration::from_secs(1));
    clock.advance(1);
    assert_eq!(open(&store).wait_before_try(&clock), Duration::ZERO);
    assert_eq!(wrong(&store, &clock), 10);
    clock.advance(10);
    assert_eq!(wrong(&store, &clock), 15);
}

#[test]
fn a_right_passphrase_forgets_the_wrong_ones() {
    let (store, clock) = (Store::create(), clock());
    for _ in 0..3 {
        wrong(&store, &clock);
    }
    clock.advance(5);
    open(&store).unlock(&text(PASSPHRASE), &clock).unwrap();
    assert_eq!([wrong(&store, &clock), wrong(&store, &clock)], [0, 0]);
}

#[test]
fn a_try_that_must_wait_is_not_counted() {
    let (store, clock) = (Store::create(), clock());
    for _ in 0..3 {
        wrong(&store, &clock);
    }
    for _ in 0..10 {
        too_soon(&store, &clock);
    }
    clock.advance(5);
    assert_eq!(wrong(&store, &clock), 10);
}

#[test]
fn a_clock_that_ran_backwards_delays_but_never_locks_out() {
    let (store, clock) = (Store::create(), clock());
    for _ in 0..3 {
        wrong(&store, &clock);
    }
    clock.advance(-1_000_000);
    assert_eq!(open(&store).wait_before_try(&clock), Duration::from_secs(5));
    clock.advance(5);
    assert_eq!(open(&store).wait_before_try(&clock), Duration::ZERO);
    open(&store).unlock(&text(PASSPHRASE), &clock).unwrap();

    for _ in 0..3 {
        wrong(&store, &clock);
    }
    clock.advance(-1_000_000);
    assert_eq!(too_soon(&store, &clock), Duration::from_secs(5));
    clock.advance(5);
    open(&store).unlock(&text(PASSPHRASE), &clock).unwrap();
}

#[test]
fn the_try_is_counted_before_the_passphrase_is_checked() {
    let (store, clock) = (Store::create(), clock());
    // A slot that can't be checked stands for a program that was killed while it checked.
    let slot = crate::common::hex(&store.query("SELECT slot FROM key_slots")[0]);
    store.tamper("UPDATE key_slots SET slot = x'00'");
    for _ in 0..3 {
        let error = open(&store).unlock(&text(PASSPHRASE), &clock).unwrap_err();
        assert!(!matches!(error, VaultError::WrongPassphrase { .. }), "{error}");
    }
    store.tamper(&format!("UPDATE key_slots SET slot = x'{slot}'"));
    assert_eq!(too_soon(&store, &clock), Duration::from_secs(5));
}

#[test]
fn sign_ins_at_the_same_time_do_not_delay_each_other() {
    let store = Store::create();
    std::thread::scope(|scope| {
        let tries: Vec<_> = (0..6).map(|_| scope.spawn(|| store.try_unlock().map(drop))).collect();
        for tried in tries {
            tried.join().unwrap().unwrap();
        }
    });
}

/// Changes the passphrase and nothing else.
fn change(vault: &Vault, old: &SecretBytes, new: &SecretBytes) -> Result<bool, VaultError> {
    vault.change_factors(old.into(), new.into(), KdfParameters::FLOOR, &clock())
}

#[test]
fn wrong_passphrases_slow_a_change_of_it_as_they_slow_a_sign_in() {
    let (store, clock) = (Store::create(), clock());
    let vault = store.unlock();
    let try_with = |passphrase: &str| {
        let (old, new) = (text(passphrase), text("An0ther horse?"));
        vault.change_factors((&old).into(), (&new).into(), KdfParameters::FLOOR, &clock)
    };
    for _ in 0..3 {
        assert!(matches!(try_with("Wr0ng horse!"), Err(VaultError::WrongPassphrase { .. })));
    }
    assert!(matches!(try_with(PASSPHRASE), Err(VaultError::TooSoon { wait }) if wait.as_secs() == 5));
    assert_eq!(too_soon(&store, &clock), Duration::from_secs(5), "and the sign-in too");
    clock.advance(5);
    try_with(PASSPHRASE).unwrap();
}

#[test]
fn a_changed_passphrase_opens_the_store_and_the_old_one_does_not() {
    let (store, clock) = (Store::create(), clock());
    let (changes, id) = one_of_each();
    let vault = store.unlock();
    crate::common::apply(&vault, &changes);
    let old_slot = store_slot(&store);
    let new = text("An0ther horse?");
    change(&vault, &text(PASSPHRASE), &new).unwrap();
    // While the store is in use, the log beside it could still hold the old slot.
    assert_eq!(std::fs::metadata(store.dir.join("store.db-wal")).unwrap().len(), 0);
    assert_eq!(vault.open_secret(id).unwrap(), changes.put_secrets[0], "the open vault goes on");
    drop(vault);

    let error = open(&store).unlock(&text(PASSPHRASE), &clock).unwrap_err();
    assert!(matches!(error, VaultError::WrongPassphrase { .. }), "{error}");
    let vault = open(&store).unlock(&new, &clock).unwrap();
    assert_eq!(vault.open_secret(id).unwrap(), changes.put_secrets[0]);
    vault.verify().unwrap();
    drop(vault);
    let new_slot = store_slot(&store);
    let stands_somewhere = |slot: &[u8]| {
        all_files(&store.dir).iter().any(|path| {
            let bytes = std::fs::read(path).unwrap();
            // The salt is in no other slot.
            bytes.windows(32).any(|window| window == &slot[15..47])
        })
    };
    assert!(stands_somewhere(&new_slot), "the search finds what is there");
    assert!(!stands_somewhere(&old_slot), "the old slot is overwritten");
}

fn store_slot(store: &Store) -> Vec<u8> {
    store.query("SELECT slot FROM key_slots").remove(0)
}

#[test]
fn an_old_key_slot_put_back_is_found() {
    let store = Store::create();
    let old_slot = crate::common::hex(&store_slot(&store));
    let new = text("An0ther horse?");
    change(&store.unlock(), &text(PASSPHRASE), &new).unwrap();
    store.tamper(&format!("UPDATE key_slots SET slot = x'{old_slot}'"));
    assert!(crate::common::damage(store.try_unlock()).contains("key_slots"));
}

#[test]
fn the_passphrase_is_changed_only_by_who_knows_it_and_only_to_a_good_one() {
    let store = Store::create();
    let vault = store.unlock();
    let change = |old: &str, new: &str| change(&vault, &text(old), &text(new));
    assert!(matches!(change("Wr0ng horse!", "An0ther horse?"), Err(VaultError::WrongPassphrase { .. })));
    match change(PASSPHRASE, "short") {
        Err(VaultError::WeakPassphrase { faults }) => assert!(faults.contains(&PassphraseFault::TooShort)),
        other => panic!("{other:?}"),
    }
    let weak = KdfParameters::Argon2id { memory_kib: 1024, passes: 2, lanes: 1 };
    let (old, new) = (text(PASSPHRASE), text("An0ther horse?"));
    let refused = vault.change_factors((&old).into(), (&new).into(), weak, &clock());
    assert!(matches!(refused, Err(VaultError::KeySlot(SlotError::WeakKdf { .. }))), "{refused:?}");
    store.unlock();
}

#[test]
fn a_weak_passphrase_makes_no_store() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let made = LockedVault::create(&dir, &text("weak"), KdfParameters::FLOOR, &clock());
    assert!(matches!(made, Err(VaultError::WeakPassphrase { .. })), "{made:?}");
    let made = LockedVault::create(&dir, &SecretBytes::new(vec![0xFF; 20]), KdfParameters::FLOOR, &clock());
    assert!(matches!(made, Err(VaultError::PassphraseNotText)), "{made:?}");
    assert!(!dir.exists());
}

#[test]
fn weak_key_derivation_makes_no_store_and_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("store");
    let weak = KdfParameters::Argon2id { memory_kib: 19_456, passes: 1, lanes: 1 };
    let made = LockedVault::create(&dir, &text(PASSPHRASE), weak, &clock());
    assert!(matches!(made, Err(VaultError::KeySlot(SlotError::WeakKdf { .. }))), "{made:?}");
    assert!(!dir.exists());
}
