//! Rotation: new keys for everything, at once or not at all.

use std::time::Duration;

use crate::common::{
    HOST, PASSPHRASE, PASSWORD, Store, apply, clock, connection, damage, known_host, one_of_each, text,
};
use ostler_vault::{Changes, LockedVault, Rekeyed, Vault, VaultError};

fn rekey(vault: &Vault) -> Result<Rekeyed, VaultError> {
    vault.rekey((&text(PASSPHRASE)).into(), &clock())
}

fn rows(store: &Store, sql: &str) -> Vec<Vec<u8>> {
    let mut rows = store.query(sql);
    rows.sort();
    rows
}

#[test]
fn everything_is_there_after_a_rotation_and_nothing_is_sealed_as_before() {
    let store = Store::create();
    let vault = store.unlock();
    let (changes, id) = one_of_each();
    apply(&vault, &changes);
    vault.set_plugin_value("org.example.one", "a", Some(b"value")).unwrap();
    vault.update_document("grants", &mut |_| Some(b"document".to_vec())).unwrap();
    let all = "SELECT sealed FROM records UNION ALL SELECT sealed FROM secrets UNION ALL \
               SELECT wrapped_key FROM secrets UNION ALL SELECT rules FROM secrets UNION ALL \
               SELECT sealed FROM plugin_values UNION ALL SELECT sealed FROM documents UNION ALL \
               SELECT slot FROM key_slots UNION ALL SELECT envelope FROM meta UNION ALL SELECT root_id FROM meta";
    let before = rows(&store, all);
    assert_eq!(before.len(), 3 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1);

    assert_eq!(rekey(&vault).unwrap(), Rekeyed { epoch: 2, rows: 6, keyring_dropped: false });
    drop(vault);

    let after = rows(&store, all);
    assert_eq!(after.len(), before.len() + 1, "and the old envelope key");
    assert!(after.iter().all(|sealed| !before.contains(sealed)));
    let files: Vec<u8> =
        crate::common::all_files(&store.dir).iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let stands = |sealed: &[u8]| files.windows(sealed.len()).any(|window| window == sealed);
    assert!(after.iter().all(|sealed| stands(sealed)), "the search finds what is there");
    assert!(!before.iter().any(|sealed| stands(sealed)), "the old sealings are overwritten");

    let vault = store.unlock();
    vault.verify().unwrap();
    let snapshot = vault.snapshot().unwrap();
    assert!(snapshot.tree.folders().eq(&changes.put_folders));
    assert!(snapshot.tree.connections().eq(&changes.put_connections));
    assert_eq!(snapshot.known_hosts, changes.put_known_hosts);
    assert_eq!(vault.open_secret(id).unwrap(), changes.put_secrets[0]);
    assert_eq!(vault.open_secret(id).unwrap().bytes, text(PASSWORD));
    assert_eq!(vault.plugin_value("org.example.one", "a").unwrap(), Some(b"value".to_vec()));
    assert_eq!(vault.document("grants").unwrap(), Some(b"document".to_vec()));
    let info = vault.info().unwrap();
    assert_eq!((info.epoch, info.generation), (2, snapshot.generation));

    // What names decide about is found by name again, not added a second time.
    apply(
        &vault,
        &Changes { put_known_hosts: vec![known_host(HOST, "ssh-rsa", "AAAAother")], ..Changes::default() },
    );
    assert_eq!(vault.snapshot().unwrap().known_hosts.len(), 2);
    vault.set_plugin_value("org.example.one", "a", None).unwrap();
    apply(&vault, &Changes { delete_known_hosts: vec![(HOST.to_owned(), 22)], ..Changes::default() });
    assert_eq!(vault.snapshot().unwrap().known_hosts, []);
    assert_eq!(vault.verify().unwrap().plugin_values, 0);
}

#[test]
fn what_was_sealed_for_the_public_keys_of_all_epochs_opens() {
    let store = Store::create();
    let mut wrapped = Vec::new();
    for epoch in 0..3_u8 {
        let vault = store.unlock();
        wrapped.push(vault.envelope().public().wrap(b"recording", &[epoch; 32]).unwrap());
        rekey(&vault).unwrap();
    }
    let vault = store.unlock();
    for (wrapped, epoch) in wrapped.iter().zip(0_u8..) {
        assert_eq!(*vault.envelope().unwrap(b"recording", wrapped).unwrap(), [epoch; 32]);
    }
    assert_eq!(vault.envelope().retired().len(), 3);
    assert_eq!(LockedVault::open(&store.dir).unwrap().envelope_key(), vault.envelope().public());
    store.tamper("DELETE FROM documents");
    assert!(damage(store.try_unlock()).contains("table documents"));
}

#[test]
fn a_living_program_notices_the_new_keys_and_changes_nothing() {
    let store = Store::create();
    let (one, two) = (store.unlock(), store.unlock());
    let (changes, id) = one_of_each();
    apply(&one, &changes);
    let generation = two.snapshot().unwrap().generation;
    rekey(&one).unwrap();
    for vault in [&one, &two] {
        let answers = [
            vault.snapshot().map(drop),
            vault.open_secret(id).map(drop),
            vault.apply(&one_of_each().0, generation).map(drop),
            vault.set_plugin_value("p", "k", Some(b"v")),
            vault.update_document("d", &mut |_| Some(Vec::new())),
            vault.info().map(drop),
            rekey(vault).map(drop),
        ];
        for answer in answers {
            assert!(matches!(answer, Err(VaultError::Rekeyed)), "{answer:?}");
        }
    }
    let fresh = store.unlock();
    assert_eq!(fresh.snapshot().unwrap().tree.connections().count(), 1);
    fresh.verify().unwrap();
}

#[test]
fn a_rotation_needs_the_passphrase_and_is_slowed_as_a_sign_in_is() {
    let store = Store::create();
    let vault = store.unlock();
    let wrong = || vault.rekey((&text("Wr0ng horse!")).into(), &clock());
    for _ in 0..3 {
        assert!(matches!(wrong(), Err(VaultError::WrongPassphrase { .. })));
    }
    let refused = rekey(&vault);
    assert!(matches!(refused, Err(VaultError::TooSoon { wait }) if wait == Duration::from_secs(5)));
    vault.verify().unwrap();
    assert_eq!(vault.info().unwrap().epoch, 1);
}

#[test]
fn damage_is_not_sealed_in() {
    for damaging in [
        "UPDATE secrets SET sealed = zeroblob(60)",
        "DELETE FROM documents",
        "UPDATE records SET version = version + 1",
        "DELETE FROM plugin_values",
    ] {
        let store = Store::create();
        let vault = store.unlock();
        apply(&vault, &one_of_each().0);
        vault.set_plugin_value("p", "k", Some(b"v")).unwrap();
        vault.update_document("d", &mut |_| Some(Vec::new())).unwrap();
        store.tamper(damaging);
        let all = "SELECT sealed FROM records UNION ALL SELECT sealed FROM secrets UNION ALL \
                   SELECT slot FROM key_slots UNION ALL SELECT envelope FROM meta UNION ALL SELECT root_id FROM meta";
        let before = rows(&store, all);
        damage(rekey(&vault));
        assert_eq!(rows(&store, all), before, "{damaging}");
    }
}

#[test]
fn another_programs_transaction_is_waited_for() {
    let store = Store::create();
    let vault = store.unlock();
    let other = rusqlite::Connection::open(store.dir.join("store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        let rotation = scope.spawn(|| rekey(&vault));
        other.execute_batch("COMMIT").unwrap();
        rotation.join().unwrap().unwrap();
    });
    store.unlock().verify().unwrap();
}

#[test]
fn a_backup_from_before_opens_as_it_did() {
    let store = Store::create();
    let vault = store.unlock();
    apply(&vault, &one_of_each().0);
    let to = store.home.path().join("copy.db");
    vault.backup(&to).unwrap();
    rekey(&vault).unwrap();
    apply(&store.unlock(), &Changes { put_connections: vec![connection(None, "x")], ..Changes::default() });
    let old = store.home.path().join("old");
    std::fs::create_dir(&old).unwrap();
    std::fs::copy(&to, old.join("store.db")).unwrap();
    let vault = LockedVault::open(&old).unwrap().unlock(&text(PASSPHRASE), &clock()).unwrap();
    assert_eq!(vault.verify().unwrap().records, 3);
}
