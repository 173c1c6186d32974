//! What somebody with the disk but without the passphrase can do to a store, and how it is reported.

use crate::common::{Store, apply, connection, damage, hex, one_of_each, secret};
use ostler_core::{Connection, SecretId};
use ostler_vault::{Changes, StoredSecret, Vault};

/// A store with two connections and two secrets.
struct Filled {
    store: Store,
    connections: [Connection; 2],
    secrets: [StoredSecret; 2],
}

fn filled() -> Filled {
    let store = Store::create();
    let connections = [connection(None, "one"), connection(None, "two")];
    let secrets = [secret(), secret()];
    let changes = Changes {
        put_connections: connections.to_vec(),
        put_secrets: secrets.to_vec(),
        ..Changes::default()
    };
    apply(&store.unlock(), &changes);
    Filled { store, connections, secrets }
}

fn sql_id(id: &[u8]) -> String {
    format!("x'{}'", hex(id))
}

fn secret_id(secret: &StoredSecret) -> String {
    sql_id(&secret.id.to_bytes())
}

/// Both ways on which damage is found: the ordinary one and the full check.
fn reports(vault: &Vault, id: Option<SecretId>) -> [String; 2] {
    let ordinary = id.map_or_else(|| damage(vault.snapshot()), |id| damage(vault.open_secret(id)));
    [ordinary, damage(vault.verify())]
}

fn all_name(messages: [String; 2], wanted: &[&str]) {
    for message in messages {
        for part in wanted {
            assert!(message.contains(part), "'{part}' is not in: {message}");
        }
    }
}

#[test]
fn an_untouched_store_is_sound() {
    let filled = filled();
    let vault = filled.store.unlock();
    let report = vault.verify().unwrap();
    assert_eq!((report.rows, report.records, report.secrets), (4, 2, 2));
    // An edit that changes nothing is none.
    drop(vault);
    filled.store.tamper("UPDATE records SET sealed = sealed");
    filled.store.unlock().verify().unwrap();
}

#[test]
fn swapped_connections_are_reported_by_name() {
    let Filled { store, connections: [one, two], .. } = filled();
    let (one, two) = (one.id.to_bytes(), two.id.to_bytes());
    store.tamper(&format!(
        "CREATE TEMP TABLE kept AS SELECT id, version, sealed FROM records;
         UPDATE records SET sealed = (SELECT sealed FROM kept WHERE kept.id = {b}) WHERE id = {a};
         UPDATE records SET sealed = (SELECT sealed FROM kept WHERE kept.id = {a}) WHERE id = {b};",
        a = sql_id(&one),
        b = sql_id(&two)
    ));
    let vault = store.unlock();
    assert!(damage(vault.snapshot()).contains("table records, id "));
    let message = damage(vault.verify());
    assert!(message.contains(&hex(&one)) && message.contains(&hex(&two)), "{message}");
}

#[test]
fn ids_swapped_between_rows_are_reported_by_name() {
    let Filled { store, connections: [one, two], .. } = filled();
    let (one, two) = (one.id.to_bytes(), two.id.to_bytes());
    store.tamper(&format!(
        "UPDATE records SET id = zeroblob(16) WHERE id = {a}; UPDATE records SET id = {a} WHERE id = {b};
         UPDATE records SET id = {b} WHERE id = zeroblob(16);",
        a = sql_id(&one),
        b = sql_id(&two)
    ));
    let message = damage(store.unlock().verify());
    assert!(message.contains(&hex(&one)) && message.contains(&hex(&two)), "{message}");
}

#[test]
fn a_deleted_connection_is_reported_by_table_and_beginning_of_its_id() {
    let Filled { store, connections: [one, _], .. } = filled();
    let id = one.id.to_bytes();
    store.tamper(&format!("DELETE FROM records WHERE id = {}", sql_id(&id)));
    let begins = format!("begins with {}", hex(&id[..1]));
    all_name(reports(&store.unlock(), None), &["table records has 1 rows where 2 were written", &begins]);
}

#[test]
fn a_deleted_secret_is_reported_and_not_taken_for_one_that_never_was() {
    let Filled { store, secrets: [one, _], .. } = filled();
    store.tamper(&format!("DELETE FROM secrets WHERE id = {}", secret_id(&one)));
    let begins = format!("begins with {}", hex(&one.id.to_bytes()[..1]));
    all_name(
        reports(&store.unlock(), Some(one.id)),
        &["table secrets has 1 rows where 2 were written", &begins],
    );
}

#[test]
fn an_older_row_put_back_is_reported_by_name() {
    let Filled { store, connections: [mut one, _], .. } = filled();
    let id = sql_id(&one.id.to_bytes());
    let old = hex(&store.query(&format!("SELECT sealed FROM records WHERE id = {id}"))[0]);
    one.host = "moved.example".to_owned();
    apply(&store.unlock(), &Changes { put_connections: vec![one.clone()], ..Changes::default() });
    // With the version it had, it opens: only the digest can tell.
    store.tamper(&format!("UPDATE records SET sealed = x'{old}', version = 1 WHERE id = {id}"));
    let named = format!("table records, id {}", one.id);
    all_name(reports(&store.unlock(), None), &["not the one that was written last", &named]);
}

#[test]
fn an_older_secret_put_back_is_reported_by_name() {
    let Filled { store, secrets: [mut one, _], .. } = filled();
    let id = secret_id(&one);
    let old = |column: &str| hex(&store.query(&format!("SELECT {column} FROM secrets WHERE id = {id}"))[0]);
    let (wrapped, rules, sealed) = (old("wrapped_key"), old("rules"), old("sealed"));
    one.bytes = crate::common::text("rotated");
    apply(&store.unlock(), &Changes { put_secrets: vec![one.clone()], ..Changes::default() });
    store.tamper(&format!(
        "UPDATE secrets SET wrapped_key = x'{wrapped}', rules = x'{rules}', sealed = x'{sealed}', version = 1
         WHERE id = {id}"
    ));
    let named = format!("table secrets, id {}", one.id);
    // Where a row that is read at the sign-in shares its part of the sums, it is found there already.
    let messages = match store.try_unlock() {
        Ok(vault) => reports(&vault, Some(one.id)),
        Err(error) => {
            let message = damage::<Vault>(Err(error));
            [message.clone(), message]
        }
    };
    all_name(messages, &["not the one that was written last", &named]);
}

#[test]
fn looser_rules_of_another_sealing_do_not_fit_a_secret() {
    let Filled { store, secrets: [mut one, _], .. } = filled();
    let id = secret_id(&one);
    let old = hex(&store.query(&format!("SELECT rules FROM secrets WHERE id = {id}"))[0]);
    one.rules.clear();
    apply(&store.unlock(), &Changes { put_secrets: vec![one.clone()], ..Changes::default() });
    store.tamper(&format!("UPDATE secrets SET rules = x'{old}' WHERE id = {id}"));
    let vault = store.unlock();
    damage(vault.sink_rules(one.id));
    let named = format!("table secrets, id {}: rules", one.id);
    assert!(damage(vault.verify()).contains(&named));
}

#[test]
fn a_secret_of_another_id_is_reported_by_name() {
    let Filled { store, secrets: [one, two], .. } = filled();
    store.tamper(&format!(
        "UPDATE secrets SET (wrapped_key, rules, sealed) =
         (SELECT wrapped_key, rules, sealed FROM secrets WHERE id = {b}) WHERE id = {a}",
        a = secret_id(&one),
        b = secret_id(&two)
    ));
    let vault = store.unlock();
    damage(vault.open_secret(one.id));
    assert!(damage(vault.verify()).contains(&one.id.to_string()));
    // In its own bucket the other secret is still sound.
    if one.id.to_bytes()[0] != two.id.to_bytes()[0] {
        assert_eq!(vault.open_secret(two.id).unwrap(), two);
    }
}

#[test]
fn an_added_row_is_reported() {
    let Filled { store, .. } = filled();
    store.tamper("INSERT INTO records SELECT zeroblob(16), kind, version, sealed FROM records LIMIT 1");
    let vault = store.unlock();
    let zeros = hex(&[0; 16]);
    all_name(reports(&vault, None), &[&format!("table records, id {zeros}")]);
}

#[test]
fn a_row_of_another_store_is_reported_by_name() {
    let (Filled { store, connections: [one, _], .. }, other) = (filled(), Store::create());
    apply(&other.unlock(), &Changes { put_connections: vec![one.clone()], ..Changes::default() });
    let foreign = hex(&other.query("SELECT sealed FROM records")[0]);
    store.tamper(&format!(
        "UPDATE records SET sealed = x'{foreign}' WHERE id = {}",
        sql_id(&one.id.to_bytes())
    ));
    all_name(reports(&store.unlock(), None), &[&one.id.to_string()]);
}

#[test]
fn a_changed_kind_or_version_is_reported_by_name() {
    for change in ["kind = 1", "kind = 9", "version = 7"] {
        let Filled { store, connections: [one, _], .. } = filled();
        store.tamper(&format!("UPDATE records SET {change} WHERE id = {}", sql_id(&one.id.to_bytes())));
        all_name(reports(&store.unlock(), None), &[&one.id.to_string()]);
    }
}

#[test]
fn deleted_plugin_values_and_documents_are_reported() {
    let store = Store::create();
    let vault = store.unlock();
    vault.set_plugin_value("org.example.one", "a", Some(b"x")).unwrap();
    vault.update_document("grants", &mut |_| Some(b"denied".to_vec())).unwrap();
    drop(vault);
    store.tamper("DELETE FROM plugin_values; DELETE FROM documents");
    let vault = store.unlock();
    assert!(damage(vault.plugin_value("org.example.one", "a")).contains("table plugin_values has 0 rows"));
    assert!(damage(vault.plugin_keys("org.example.one")).contains("table plugin_values has 0 rows"));
    assert!(damage(vault.document("grants")).contains("table documents has 0 rows"));
    damage(vault.snapshot());
    damage(vault.verify());
}

#[test]
fn a_tampered_bucket_can_not_be_written_over_with_a_fresh_mac() {
    let Filled { store, connections: [mut one, _], .. } = filled();
    store.tamper(&format!("UPDATE records SET version = 7 WHERE id = {}", sql_id(&one.id.to_bytes())));
    let vault = store.unlock();
    let generation = ostler_vault::Generation(1);
    one.name = "renamed".to_owned();
    damage(vault.apply(&Changes { put_connections: vec![one.clone()], ..Changes::default() }, generation));
    damage(vault.apply(&Changes { delete_connections: vec![one.id], ..Changes::default() }, generation));
}

#[test]
fn a_row_that_is_damaged_while_the_store_is_open_is_found_at_the_next_look() {
    let Filled { store, connections: [one, _], secrets: [secret, _] } = filled();
    let vault = store.unlock();
    vault.snapshot().unwrap();
    vault.open_secret(secret.id).unwrap();
    store.tamper(&format!("DELETE FROM records WHERE id = {}", sql_id(&one.id.to_bytes())));
    store.tamper(&format!("DELETE FROM secrets WHERE id = {}", secret_id(&secret)));
    damage(vault.snapshot());
    damage(vault.open_secret(secret.id));
}

#[test]
fn a_changed_header_is_reported_at_sign_in() {
    let changes = [
        "UPDATE meta SET generation = generation - 1",
        "UPDATE meta SET revision = 0",
        "UPDATE meta SET epoch = 2",
        "UPDATE meta SET epoch = -1",
        "UPDATE meta SET root_id = zeroblob(16)",
        "UPDATE meta SET envelope = randomblob(32)",
        "UPDATE meta SET created = 5",
        "UPDATE meta SET records = 1",
        "UPDATE meta SET buckets = zeroblob(8192)",
        "UPDATE meta SET root = zeroblob(32)",
    ];
    for change in changes {
        let Filled { store, .. } = filled();
        store.tamper(change);
        assert!(damage(store.try_unlock()).contains("meta"), "{change}");
    }
}

#[test]
fn an_old_header_put_back_is_reported() {
    let store = Store::create();
    store.tamper("CREATE TABLE kept AS SELECT * FROM meta");
    // A table that is not the store's own is refused too; it is only kept here for the test.
    let kept: Vec<_> =
        ["root", "buckets"].map(|column| hex(&store.query(&format!("SELECT {column} FROM kept"))[0])).into();
    store.tamper("DROP TABLE kept");
    let (changes, _) = one_of_each();
    apply(&store.unlock(), &changes);
    store.tamper(&format!(
        "UPDATE meta SET generation = 0, revision = 0, records = 0, secrets = 0, root = x'{}', buckets = x'{}'",
        kept[0], kept[1]
    ));
    // The old header is sound in itself, so the sign-in passes; the rows do not fit it.
    let vault = store.unlock();
    assert!(damage(vault.snapshot()).contains("where 0 were written"));
    damage(vault.verify());
}

#[test]
fn a_table_trigger_or_view_that_is_not_the_stores_own_is_refused() {
    let additions = [
        "CREATE TABLE extra (id)",
        "CREATE TRIGGER t AFTER UPDATE ON sign_in BEGIN UPDATE sign_in SET failures = 0; END",
        "CREATE VIEW v AS SELECT * FROM meta",
        "CREATE INDEX i ON records (version)",
        "ALTER TABLE documents ADD COLUMN extra TEXT",
        "DROP TABLE documents",
    ];
    for addition in additions {
        let store = Store::create();
        store.tamper(addition);
        assert!(damage(store.try_unlock()).contains("tables of store.db"), "{addition}");
    }
}
