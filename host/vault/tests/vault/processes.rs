//! Several programs and threads on one store.

use crate::common::{PASSPHRASE, Store, apply, clock, connection, text};
use ostler_core::Connection;
use ostler_vault::{Changes, LockedVault, Vault, VaultError};

const EACH: usize = 12;

fn adds(connection: Connection) -> Changes {
    Changes { put_connections: vec![connection], ..Changes::default() }
}

/// Adds connections and counts in a document, working out each change again where another writer was faster.
fn write(vault: &Vault, writer: &str) {
    for number in 0..EACH {
        let changes = adds(connection(None, &format!("{writer}-{number}")));
        loop {
            match vault.apply(&changes, vault.snapshot().unwrap().generation) {
                Ok(_) => break,
                Err(VaultError::Conflict) => {}
                Err(error) => panic!("{error}"),
            }
        }
        vault.update_document("count", &mut |old| Some(vec![old.map_or(0, |old| old[0]) + 1])).unwrap();
    }
}

fn check(store: &Store, writers: usize) {
    let vault = store.unlock();
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.tree.connections().count(), writers * EACH);
    assert_eq!(snapshot.generation.0, (writers * EACH) as u64);
    assert_eq!(vault.document("count").unwrap(), Some(vec![u8::try_from(writers * EACH).unwrap()]));
    vault.verify().unwrap();
}

#[test]
fn threads_with_vaults_of_their_own_lose_no_update() {
    let store = Store::create();
    std::thread::scope(|scope| {
        for writer in ["one", "two", "three"] {
            let vault = store.unlock();
            scope.spawn(move || write(&vault, writer));
        }
    });
    check(&store, 3);
}

#[test]
fn threads_that_share_a_vault_lose_no_update() {
    let store = Store::create();
    let vault = store.unlock();
    std::thread::scope(|scope| {
        for writer in ["one", "two", "three"] {
            let vault = vault.clone();
            scope.spawn(move || write(&vault, writer));
        }
    });
    check(&store, 3);
}

const STORE_OF_THE_CHILD: &str = "OSTLER_TEST_STORE";

/// What the other process of the next test does; nothing where it runs as a test of its own.
#[test]
fn the_other_process_writes_where_it_is_told_to() {
    if let Some(dir) = std::env::var_os(STORE_OF_THE_CHILD) {
        let vault = LockedVault::open(dir.as_ref()).unwrap().unlock(&text(PASSPHRASE), &clock()).unwrap();
        write(&vault, "other");
    }
}

#[test]
fn two_processes_lose_no_update() {
    let store = Store::create();
    let vault = store.unlock();
    #[expect(clippy::disallowed_methods, reason = "the second process is this test's own program")]
    let mut other = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::the_other_process_writes_where_it_is_told_to"])
        .env(STORE_OF_THE_CHILD, &store.dir)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    write(&vault, "own");
    assert!(other.wait().unwrap().success());
    check(&store, 2);
}

#[test]
fn changes_worked_out_from_an_older_state_are_refused_and_change_nothing() {
    let store = Store::create();
    let (one, two) = (store.unlock(), store.unlock());
    let based_on = two.snapshot().unwrap().generation;
    apply(&one, &adds(connection(None, "first")));
    let late = two.apply(&adds(connection(None, "second")), based_on);
    assert!(matches!(late, Err(VaultError::Conflict)), "{late:?}");
    assert_eq!(two.snapshot().unwrap().tree.connections().count(), 1);
}

#[test]
fn a_snapshot_stays_as_it_was_while_others_write() {
    let store = Store::create();
    let (one, two) = (store.unlock(), store.unlock());
    apply(&one, &adds(connection(None, "first")));
    let seen = two.snapshot().unwrap();
    apply(&one, &adds(connection(None, "second")));
    assert_eq!(seen.tree.connections().count(), 1);
    assert_eq!(two.snapshot().unwrap().tree.connections().count(), 2);
}

#[test]
fn a_passphrase_changed_by_another_program_leaves_this_one_signed_in() {
    let store = Store::create();
    let (one, two) = (store.unlock(), store.unlock());
    let change = |vault: &Vault, new: &str| {
        let (old, new) = (text(PASSPHRASE), text(new));
        vault.change_factors((&old).into(), (&new).into(), ostler_vault::KdfParameters::FLOOR, &clock())
    };
    change(&two, "An0ther horse?").unwrap();
    apply(&one, &adds(connection(None, "first")));
    let stale = change(&one, "Th1rd horse...");
    assert!(matches!(stale, Err(VaultError::WrongPassphrase { .. })), "{stale:?}");
    two.verify().unwrap();
}
