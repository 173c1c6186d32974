//! What is stored comes back as it was, and nothing of it stands readable on the disk.

use crate::common::{
    HOST, NOTES, PASSPHRASE, PASSWORD, Store, USER, all_files, apply, connection, folder, known_host,
    one_of_each, secret, text,
};
use ostler_core::{FolderId, HostRule, SecretField, SecretId, SinkRule};
use ostler_vault::{Changes, Generation, VaultError};

#[test]
fn folders_connections_secrets_and_known_hosts_survive_a_restart() {
    let store = Store::create();
    let (changes, id) = one_of_each();
    apply(&store.unlock(), &changes);

    let vault = store.unlock();
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.generation, Generation(1));
    assert!(snapshot.tree.folders().eq(&changes.put_folders));
    assert!(snapshot.tree.connections().eq(&changes.put_connections));
    assert_eq!(snapshot.known_hosts, changes.put_known_hosts);
    assert_eq!(vault.open_secret(id).unwrap(), changes.put_secrets[0]);
}

#[test]
fn a_new_store_is_empty_and_complete() {
    let store = Store::create();
    for name in ["recordings", "audit", "plugins"] {
        assert!(store.dir.join(name).is_dir(), "{name}");
    }
    let snapshot = store.unlock().snapshot().unwrap();
    assert_eq!(snapshot.generation, Generation(0));
    assert_eq!(snapshot.tree.connections().count() + snapshot.tree.folders().count(), 0);
}

#[test]
fn no_file_of_the_store_is_open_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let store = Store::create();
    let vault = store.unlock();
    apply(&vault, &one_of_each().0);
    let files = all_files(&store.dir);
    assert!(files.iter().any(|file| file.ends_with("store.db-wal")), "the log is among them: {files:?}");
    for path in files.into_iter().chain([store.dir.clone(), store.dir.join("audit")]) {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    }
}

#[test]
fn a_secret_keeps_its_field_and_sink_rules() {
    let store = Store::create();
    let mut secret = secret();
    secret.field = SecretField::PrivateKey;
    secret.rules.push(SinkRule {
        protocol: None,
        host: HostRule::ConnectionsBelow { folder: FolderId::random() },
        field: SecretField::PrivateKey,
    });
    apply(&store.unlock(), &Changes { put_secrets: vec![secret.clone()], ..Changes::default() });
    assert_eq!(store.unlock().sink_rules(secret.id).unwrap(), (secret.field, secret.rules));
}

#[test]
fn sink_rules_are_read_without_opening_the_secret() {
    let store = Store::create();
    let secret = secret();
    apply(&store.unlock(), &Changes { put_secrets: vec![secret.clone()], ..Changes::default() });
    // All but the authentication tag, which the digests cover: only opening it can tell.
    let mut sealed = store.query("SELECT sealed FROM secrets").remove(0);
    sealed[25] ^= 1;
    store.tamper(&format!("UPDATE secrets SET sealed = x'{}'", crate::common::hex(&sealed)));
    let vault = store.unlock();
    assert_eq!(vault.sink_rules(secret.id).unwrap(), (secret.field, secret.rules));
    crate::common::damage(vault.open_secret(secret.id));
}

#[test]
fn replacing_and_deleting_leave_nothing_of_the_old_behind() {
    let store = Store::create();
    let vault = store.unlock();
    let (mut changes, id) = one_of_each();
    apply(&vault, &changes);
    changes.put_folders[0].name = "Renamed".to_owned();
    changes.put_secrets[0].bytes = text("another");
    apply(&vault, &changes);
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.tree.folders().map(|folder| folder.name.as_str()).collect::<Vec<_>>(), ["Renamed"]);
    assert_eq!(vault.open_secret(id).unwrap().bytes, text("another"));

    let delete = Changes {
        delete_folders: vec![changes.put_folders[0].id],
        delete_connections: vec![changes.put_connections[0].id],
        delete_secrets: vec![id],
        delete_known_hosts: vec![(HOST.to_owned(), 22)],
        ..Changes::default()
    };
    apply(&vault, &delete);
    apply(&vault, &delete);
    let snapshot = vault.snapshot().unwrap();
    assert_eq!(snapshot.tree.connections().count() + snapshot.tree.folders().count(), 0);
    assert!(snapshot.known_hosts.is_empty());
    assert!(matches!(vault.open_secret(id), Err(VaultError::NoSecret { .. })));
    assert_eq!(vault.verify().unwrap().rows, 0);
}

#[test]
fn what_is_deleted_is_overwritten_on_the_disk() {
    let store = Store::create();
    let secret = secret();
    apply(&store.unlock(), &Changes { put_secrets: vec![secret.clone()], ..Changes::default() });
    let sealed = store.query("SELECT sealed FROM secrets").remove(0);
    let stands_in_the_file = || {
        let bytes = std::fs::read(store.dir.join("store.db")).unwrap();
        bytes.windows(sealed.len()).any(|window| window == sealed)
    };
    assert!(stands_in_the_file(), "the search finds what is there");
    apply(&store.unlock(), &Changes { delete_secrets: vec![secret.id], ..Changes::default() });
    assert!(!stands_in_the_file());
}

#[test]
fn a_store_keeps_one_known_key_for_each_host_port_and_algorithm() {
    let store = Store::create();
    let vault = store.unlock();
    let put = |host: &str, algorithm: &str, key: &str| {
        let known = known_host(host, algorithm, key);
        apply(&vault, &Changes { put_known_hosts: vec![known], ..Changes::default() });
    };
    put("b", "ssh-rsa", "1");
    put("b", "ssh-ed25519", "2");
    put("b", "ssh-rsa", "3");
    put("a", "ssh-rsa", "4");
    let keys = || -> Vec<String> {
        vault.snapshot().unwrap().known_hosts.iter().map(|known| known.key.openssh.clone()).collect()
    };
    assert_eq!(keys(), ["ssh-rsa 4", "ssh-ed25519 2", "ssh-rsa 3"]);
    let forget = Changes { delete_known_hosts: vec![("b".to_owned(), 22)], ..Changes::default() };
    apply(&vault, &forget);
    assert_eq!(keys(), ["ssh-rsa 4"]);
}

#[test]
fn an_empty_change_is_no_new_generation() {
    let store = Store::create();
    let vault = store.unlock();
    assert_eq!(vault.apply(&Changes::default(), Generation(0)).unwrap(), Generation(0));
}

#[test]
fn plugin_values_are_kept_apart_by_plugin_and_listed_with_their_sizes() {
    let store = Store::create();
    let vault = store.unlock();
    vault.set_plugin_value("org.example.one", "b", Some(b"four")).unwrap();
    vault.set_plugin_value("org.example.one", "a", Some(b"")).unwrap();
    vault.set_plugin_value("org.example.two", "a", Some(&[0xFF, 0])).unwrap();
    drop(vault);
    let vault = store.unlock();
    assert_eq!(vault.plugin_keys("org.example.one").unwrap(), [("a".to_owned(), 0), ("b".to_owned(), 4)]);
    assert_eq!(vault.plugin_value("org.example.one", "a").unwrap(), Some(vec![]));
    assert_eq!(vault.plugin_value("org.example.two", "a").unwrap(), Some(vec![0xFF, 0]));
    assert_eq!(vault.plugin_value("org.example.two", "b").unwrap(), None);
    vault.set_plugin_value("org.example.one", "b", None).unwrap();
    assert_eq!(vault.plugin_keys("org.example.one").unwrap(), [("a".to_owned(), 0)]);
    // A name that only looks the same when it is written together is another name.
    assert_eq!(vault.plugin_value("org.example.on", "ea").unwrap(), None);
}

#[test]
fn documents_are_edited_in_place() {
    let store = Store::create();
    let vault = store.unlock();
    let append = |byte: u8| {
        vault
            .update_document("usage", &mut |old| {
                let mut new = old.unwrap_or_default();
                new.push(byte);
                Some(new)
            })
            .unwrap();
    };
    append(1);
    append(2);
    assert_eq!(vault.document("usage").unwrap(), Some(vec![1, 2]));
    assert_eq!(vault.document("grants").unwrap(), None);
    vault.update_document("usage", &mut |_| None).unwrap();
    assert_eq!(store.unlock().document("usage").unwrap(), None);
}

#[test]
fn side_tables_do_not_make_a_change_of_the_tree_conflict() {
    let store = Store::create();
    let vault = store.unlock();
    let before = vault.snapshot().unwrap().generation;
    vault.set_plugin_value("org.example.one", "a", Some(b"x")).unwrap();
    vault.update_document("usage", &mut |_| Some(vec![1])).unwrap();
    vault.apply(&one_of_each().0, before).unwrap();
}

#[test]
fn nothing_readable_stands_in_any_file() {
    let store = Store::create();
    let vault = store.unlock();
    apply(&vault, &one_of_each().0);
    vault.set_plugin_value("org.example.plugin", "favourite-key", Some(b"plugin-value-text")).unwrap();
    vault.update_document("document-name", &mut |_| Some(b"document-text".to_vec())).unwrap();
    let needles = [
        HOST,
        USER,
        PASSWORD,
        PASSPHRASE,
        NOTES,
        "customer",
        "database",
        "Customers",
        "production",
        "rack",
        "B-12",
        "login.password",
        "AAAAkey",
        "ed25519",
        "org.example.plugin",
        "favourite-key",
        "plugin-value-text",
        "document-name",
        "document-text",
    ];
    let search = |at: &str| {
        let files = all_files(&store.dir);
        assert!(!files.is_empty());
        for path in files {
            let bytes = std::fs::read(&path).unwrap();
            for needle in needles {
                let found =
                    bytes.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle.as_bytes()));
                assert!(!found, "'{needle}' stands in {} {at}", path.display());
            }
        }
    };
    search("while it is open");
    drop(vault);
    search("after it was closed");
    // The search itself can find something: the name of a table.
    let bytes = std::fs::read(store.dir.join("store.db")).unwrap();
    assert!(bytes.windows(13).any(|window| window == b"plugin_values"));
}

#[test]
fn errors_and_debug_output_tell_no_content() {
    let store = Store::create();
    let vault = store.unlock();
    let (changes, id) = one_of_each();
    apply(&vault, &changes);
    let shown = format!("{vault:?} {:?} {:?}", vault.open_secret(id).unwrap(), vault.info().unwrap());
    assert!(!shown.contains(PASSWORD), "{shown}");
}

#[test]
fn a_changed_connection_is_found_by_a_vault_that_had_the_old_one_cached() {
    let store = Store::create();
    let (one, two) = (store.unlock(), store.unlock());
    let empty = two.snapshot().unwrap();
    let entry = connection(None, "new");
    apply(
        &one,
        &Changes {
            put_connections: vec![entry.clone()],
            put_folders: vec![folder("x")],
            ..Changes::default()
        },
    );
    let seen = two.snapshot().unwrap();
    assert_eq!(empty.tree.connections().count(), 0);
    assert_eq!(seen.tree.connection(entry.id), Some(&entry));
    assert!(
        std::sync::Arc::ptr_eq(&seen, &two.snapshot().unwrap()),
        "nothing changed, so it is read from the cache"
    );
}

#[test]
fn a_secret_that_was_never_there_is_named() {
    let store = Store::create();
    let id = SecretId::random();
    let error = store.unlock().open_secret(id).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no secret {id}"));
}

#[test]
fn secrets_of_a_plugin_are_its_own_one_for_each_name_and_survive_new_keys() {
    let store = Store::create();
    let vault = store.unlock();
    let (first, second) = (secret(), secret());
    vault.put_plugin_secret("acme.one", "token", first.clone()).unwrap();
    vault.put_plugin_secret("acme.one", "key", second.clone()).unwrap();
    let own = vault.plugin_secrets("acme.one").unwrap();
    assert_eq!(own.keys().collect::<Vec<_>>(), ["key", "token"]);
    assert_eq!((own["token"].id, &own["token"].rules), (first.id, &first.rules));
    assert!(vault.plugin_secrets("acme.two").unwrap().is_empty());
    assert!(!vault.delete_plugin_secret("acme.two", "token").unwrap());

    let third = secret();
    vault.put_plugin_secret("acme.one", "token", third.clone()).unwrap();
    assert!(matches!(vault.open_secret(first.id), Err(VaultError::NoSecret { .. })));
    let vault = store.unlock();
    let kept = vault.plugin_secrets("acme.one").unwrap()["token"].id;
    assert_eq!(vault.open_secret(kept).unwrap(), third);
    vault.verify().unwrap();

    assert!(vault.delete_plugin_secret("acme.one", "token").unwrap());
    assert!(matches!(vault.open_secret(third.id), Err(VaultError::NoSecret { .. })));
    assert_eq!(vault.open_secret(second.id).unwrap(), second);
}
