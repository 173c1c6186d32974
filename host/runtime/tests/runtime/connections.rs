//! The capabilities `connections.read` and `connections.write`: within the granted folders, outside of them, not granted,
//! and at their limits. The guest asks for `Servers` and `Notes` to read and for `Servers/Lab` to write.

use ostler_core::{Connection, CredentialMode, FolderId, SourceCredential};
use ostler_plugin_api::{Capability, Grant, Grants, Guard, Scope};
use ostler_runtime::{Limits, Plugin};

use crate::store::connection;
use crate::world::{NOTHING, World, probed};

const READ: &[Capability] = &[Capability::ConnectionsRead];
const BOTH: &[Capability] = &[Capability::ConnectionsRead, Capability::ConnectionsWrite];

type Arguments<'a> = &'a [(&'a str, &'a str)];

fn filled(world: World, granted: &[Capability]) -> (World, Plugin) {
    world.store.fill();
    let plugin = world.store_user(granted);
    (world, plugin)
}

async fn did(plugin: &Plugin, what: &str, arguments: Arguments<'_>) -> String {
    let mut settings = vec![("do", what)];
    settings.extend_from_slice(arguments);
    probed(plugin, &settings).await
}

fn folders(layers: &[&[&str]]) -> Grants {
    let layer = |names: &&[&str]| Scope {
        folders: Some(names.iter().map(|name| (*name).to_owned()).collect()),
        ..Scope::default()
    };
    let grant = Grant { layers: layers.iter().map(layer).collect() };
    Grants([(Capability::ConnectionsRead, grant)].into())
}

#[tokio::test]
async fn a_list_holds_what_is_covered_and_nothing_else() {
    let (_world, plugin) = filled(World::new(), READ);
    let all = r#"["Notes/memo", "Servers/Lab/db", "Servers/Lab/mail", "Servers/web"]"#;
    assert_eq!(did(&plugin, "read.connections", &[]).await, all);
    let lab = r#"["Servers/Lab/db", "Servers/Lab/mail"]"#;
    assert_eq!(did(&plugin, "read.connections", &[("under", "Servers/Lab")]).await, lab);
    assert_eq!(did(&plugin, "read.folders", &[]).await, r#"["Notes", "Servers", "Servers/Lab"]"#);
    assert_eq!(did(&plugin, "read.folders", &[("under", "Servers")]).await, r#"["Servers/Lab"]"#);
    assert_eq!(did(&plugin, "read.connections", &[("kind", "rdp")]).await, "[]");
    assert_eq!(did(&plugin, "read.connections", &[("tag", "t")]).await, all);
    // What a list leaves out is no refusal.
    assert_eq!(plugin.usage().refusals, []);
}

#[tokio::test]
async fn every_layer_of_a_grant_narrows_what_a_list_holds() {
    let (_world, plugin) = filled(World::new(), READ);
    plugin.set_grants(folders(&[&["*"], &["Servers/Lab"]]));
    let lab = r#"["Servers/Lab/db", "Servers/Lab/mail"]"#;
    assert_eq!(did(&plugin, "read.connections", &[]).await, lab);
    plugin.set_grants(folders(&[&["Notes"], &["Servers/Lab"]]));
    assert_eq!(did(&plugin, "read.connections", &[]).await, "[]");
    // More than the manifest asks for is never covered.
    plugin.set_grants(folders(&[&["Private"]]));
    assert_eq!(did(&plugin, "read.connections", &[]).await, "[]");
}

#[tokio::test]
async fn what_is_asked_for_by_name_outside_of_the_grant_is_refused_and_that_is_the_guards_work() {
    let (world, plugin) = filled(World::new(), READ);
    let cases = |bank: String| {
        [
            ("read.connections", "under", "Private".to_owned()),
            ("read.folders", "under", "Private".to_owned()),
            ("read.folder", "path", "Private".to_owned()),
            ("read.connection", "id", bank),
        ]
    };
    for (what, key, value) in cases(world.store.id("Private/bank")) {
        let answer = did(&plugin, what, &[(key, &value)]).await;
        let expected = "the folder 'Private' is not covered by the grant of 'connections.read'";
        assert!(answer.contains("Denied") && answer.contains(expected), "{what}: {answer}");
    }
    assert_eq!(plugin.usage().refusals[0].times, 4);
    let (world, unguarded) = filled(World::without(Guard::Scope), READ);
    for (what, key, value) in cases(world.store.id("Private/bank")) {
        let answer = did(&unguarded, what, &[(key, &value)]).await;
        assert!(!answer.contains("Denied"), "{what}: {answer}");
    }
    let all = did(&unguarded, "read.connections", &[]).await;
    assert!(all.contains("Private/bank") && all.contains("/root"), "{all}");
}

#[tokio::test]
async fn a_connection_shows_its_slots_and_no_id_of_a_secret() {
    let (world, plugin) = filled(World::new(), READ);
    let db = world.store.connection("Servers/Lab/db");
    let CredentialMode::Local(local) = &db.credential else { panic!("it has a credential of its own") };
    let seen = did(&plugin, "read.connection", &[("id", &db.id.to_string())]).await;
    assert!(
        seen.contains("login.password") && seen.contains("db.example") && seen.contains("root"),
        "{seen}"
    );
    for id in local.secrets.values() {
        assert!(!seen.contains(&id.to_string()), "{seen}");
    }
    let unknown = "0".repeat(32);
    assert_eq!(did(&plugin, "read.connection", &[("id", &unknown)]).await, "Ok(None)");
    assert_eq!(did(&plugin, "read.folder", &[("path", "Servers/None")]).await, "Ok(None)");
}

#[tokio::test]
async fn what_is_not_granted_is_refused_by_value_and_that_is_the_guards_work() {
    let reads = ["read.connections", "read.connection", "read.folders", "read.folder"];
    let writes = [
        "write.create",
        "write.change",
        "write.delete",
        "write.create-folder",
        "write.change-folder",
        "write.delete-folder",
    ];
    let (_world, plugin) = filled(World::new(), NOTHING);
    for call in reads.iter().chain(&writes) {
        let answer = did(&plugin, call, &[]).await;
        let capability = if call.starts_with("read") { "connections.read" } else { "connections.write" };
        assert!(
            answer.contains(&format!("the capability '{capability}' is not granted")),
            "{call}: {answer}"
        );
    }
    assert_eq!(plugin.usage().traps, 0);
    let (world, unguarded) = filled(World::without(Guard::Granted), NOTHING);
    // Its scope is still that of the manifest, and no grant covers anything.
    assert_eq!(did(&unguarded, "read.connections", &[]).await, "[]");
    let unchanged = did(&unguarded, "write.delete", &[("id", &world.store.id("Servers/Lab/db"))]).await;
    assert!(unchanged.contains("is not covered by the grant"), "{unchanged}");
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_questions_have_a_limit() {
    let world = World::with(Limits { store_calls: 2, ..Limits::default() });
    let (world, plugin) = filled(world, READ);
    let lab = world.store.connection("Servers/Lab/db").folder;
    (0..300).for_each(|number| world.store.add(connection(lab, &format!("c{number}"))));
    assert_eq!(did(&plugin, "read.connections", &[]).await, "304 in 2");
    (0..300).for_each(|number| world.store.add(connection(lab, &format!("d{number}"))));
    let limited = did(&plugin, "read.connections", &[]).await;
    assert_eq!(
        limited,
        r#"CapabilityError::Limit("a call asks the store at most 2 times for this") after 2"#
    );
}

#[tokio::test]
async fn arguments_that_can_not_be_used_and_a_broken_store_are_values() {
    let (world, plugin) = filled(World::new(), BOTH);
    for (what, key) in [("read.connection", "id"), ("read.after", "after"), ("write.delete", "id")] {
        let answer = did(&plugin, what, &[(key, "xyz")]).await;
        assert!(answer.contains("Invalid(\"an id has 32 hexadecimal digits\")"), "{what}: {answer}");
    }
    *world.store.broken.lock().unwrap() = true;
    for what in ["read.connections", "write.create"] {
        let answer = did(&plugin, what, &[("path", "Servers/Lab")]).await;
        assert!(answer.contains("Unavailable(\"the store can't be reached now\")"), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_plugin_makes_changes_and_deletes_entries_where_it_may() {
    let (world, plugin) = filled(World::new(), BOTH);
    let made = did(&plugin, "write.create", &[("path", "Servers/Lab")]).await;
    assert_eq!(made, r#"Some(Ok("Servers/Lab/new"))"#);
    let new = world.store.connection("Servers/Lab/new");
    assert_eq!((new.host.as_str(), new.credential.clone()), ("new.example", CredentialMode::None));
    let id = new.id.to_string();
    let changed = did(&plugin, "write.change", &[("id", &id), ("name", "newer"), ("notes", "n")]).await;
    assert_eq!(changed, r#"Ok("Servers/Lab/newer")"#);
    let newer = world.store.connection("Servers/Lab/newer");
    assert_eq!((newer.id, newer.notes.as_str()), (new.id, "n"));
    assert_eq!(did(&plugin, "write.delete", &[("id", &id)]).await, "Ok(())");
    let below = [("path", "Servers/Lab"), ("name", "Deep")];
    assert_eq!(did(&plugin, "write.create-folder", &below).await, r#"Ok("Servers/Lab/Deep")"#);
    let renamed = [("path", "Servers/Lab/Deep"), ("name", "Deeper")];
    assert_eq!(did(&plugin, "write.change-folder", &renamed).await, r#"Ok("Servers/Lab/Deeper")"#);
    assert_eq!(did(&plugin, "write.delete-folder", &[("path", "Servers/Lab/Deeper")]).await, "Ok(())");
    let (untouched, _) = filled(World::new(), BOTH);
    assert_eq!(world.store.paths(), untouched.store.paths());
}

#[tokio::test]
async fn a_change_outside_of_the_grant_is_refused_and_that_is_the_guards_work() {
    let cases = |web: String| {
        [
            ("write.create", vec![("path", "Servers".to_owned())]),
            ("write.change", vec![("id", web.clone()), ("name", "wide".to_owned())]),
            ("write.delete", vec![("id", web)]),
            ("write.create-folder", vec![("path", "Notes".to_owned())]),
            // Out of the granted folder by a new name.
            ("write.change-folder", vec![("path", "Servers/Lab".to_owned()), ("name", "Prod".to_owned())]),
            ("write.delete-folder", vec![("path", "Notes/Old".to_owned())]),
        ]
    };
    let add_old = |world: &World| {
        let mut tree = world.store.tree.lock().unwrap();
        let notes = tree.find_folder("Notes").unwrap();
        let mut old = tree.folder(notes.unwrap()).unwrap().clone();
        (old.id, old.parent, old.name) = (FolderId::random(), notes, "Old".to_owned());
        tree.put_folder(old);
    };
    let (world, plugin) = filled(World::new(), BOTH);
    add_old(&world);
    let before = world.store.paths();
    for (what, arguments) in cases(world.store.id("Servers/web")) {
        let arguments: Vec<(&str, &str)> =
            arguments.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let answer = did(&plugin, what, &arguments).await;
        assert!(answer.contains("is not covered by the grant of 'connections.write'"), "{what}: {answer}");
    }
    assert_eq!(world.store.paths(), before);
    for index in 0..6 {
        let (world, unguarded) = filled(World::without(Guard::Scope), BOTH);
        add_old(&world);
        let (what, arguments) = cases(world.store.id("Servers/web")).into_iter().nth(index).unwrap();
        let arguments: Vec<(&str, &str)> =
            arguments.iter().map(|(key, value)| (*key, value.as_str())).collect();
        let answer = did(&unguarded, what, &arguments).await;
        assert!(answer.contains("Ok("), "{what}: {answer}");
    }
}

#[tokio::test]
async fn a_secret_does_not_follow_a_connection_that_a_plugin_leads_elsewhere() {
    let (world, plugin) = filled(World::new(), BOTH);
    let before = world.store.connection("Servers/Lab/db");
    let own = [("id", before.id.to_string()), ("name", "db".to_owned()), ("host", "evil.example".to_owned())];
    let own: Vec<(&str, &str)> = own.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(did(&plugin, "write.change", &own).await, r#"Ok("Servers/Lab/db")"#);
    // The very same secrets, whose sinks the vault keeps.
    assert_eq!(world.store.connection("Servers/Lab/db").credential, before.credential);
    let mail = world.store.connection("Servers/Lab/mail");
    assert_eq!(mail.credential, CredentialMode::Inherit);
    let id = mail.id.to_string();
    let same = [("id", id.as_str()), ("name", "mail"), ("host", "mail.example"), ("notes", "seen")];
    did(&plugin, "write.change", &same).await;
    assert_eq!(world.store.connection("Servers/Lab/mail").credential, CredentialMode::Inherit);
    let elsewhere = [("id", id.as_str()), ("name", "mail"), ("host", "evil.example")];
    did(&plugin, "write.change", &elsewhere).await;
    assert_eq!(world.store.connection("Servers/Lab/mail").credential, CredentialMode::None);
    let source = SourceCredential { plugin: "a.b".to_owned(), entry: "e".to_owned(), user: None };
    let acquired = CredentialMode::Source(source);
    world.store.add(Connection { credential: acquired.clone(), ..mail });
    did(&plugin, "write.change", &same).await;
    assert_eq!(world.store.connection("Servers/Lab/mail").credential, acquired);
    did(&plugin, "write.change", &elsewhere).await;
    assert_eq!(world.store.connection("Servers/Lab/mail").credential, CredentialMode::None);
}

#[tokio::test]
async fn a_change_of_what_is_not_any_more_what_was_read_is_a_conflict() {
    let (world, plugin) = filled(World::new(), BOTH);
    let id = world.store.id("Servers/Lab/db");
    let stale = [("id", id.as_str()), ("revision", "00000000000000000000000000000000")];
    assert_eq!(did(&plugin, "write.change", &stale).await, "Err(WriteError::Conflict)");
    assert_eq!(did(&plugin, "write.delete", &stale).await, "Err(WriteError::Conflict)");
    let meanwhile = |world: &World| {
        *world.store.interference.lock().unwrap() = Some(Box::new(|tree| {
            let mut other = tree.find_connection("Servers/Lab/db").unwrap().clone();
            other.notes = "by another hand".to_owned();
            tree.put_connection(other);
        }));
    };
    meanwhile(&world);
    let answer = did(&plugin, "write.change", &[("id", &id), ("name", "db")]).await;
    assert_eq!(answer, "Err(WriteError::Conflict)");
    assert_eq!(world.store.connection("Servers/Lab/db").notes, "by another hand");
}

#[tokio::test]
async fn what_the_tree_can_not_hold_is_refused_by_value() {
    let (world, plugin) = filled(World::new(), BOTH);
    let db = world.store.id("Servers/Lab/db");
    let unknown = "0".repeat(32);
    let long = "x".repeat(256);
    let lab = ("path", "Servers/Lab");
    let cases: [(&str, Arguments<'_>, &str); 9] = [
        ("write.create", &[lab, ("name", "db")], "Exists"),
        ("write.change", &[("id", &db), ("name", "mail")], "Exists"),
        ("write.create", &[("path", "Servers/Lab/None")], "NotFound"),
        ("write.change", &[("id", &unknown)], "NotFound"),
        ("write.delete-folder", &[lab], "NotEmpty"),
        ("write.create", &[lab, ("kind", "shh")], "no type of connection that this host knows"),
        ("write.create", &[lab, ("name", "a/b")], "the name can't be used"),
        ("write.create", &[lab, ("name", &long)], "name is too long"),
        ("write.create", &[lab, ("host", "two words")], "Invalid(\"host"),
    ];
    let before = world.store.paths();
    for (what, arguments, expected) in cases {
        let answer = did(&plugin, what, arguments).await;
        assert!(answer.contains(expected), "{what} {arguments:?}: {answer}");
    }
    assert_eq!(world.store.paths(), before);
}

#[tokio::test]
async fn changes_of_one_call_have_a_limit() {
    let (_world, plugin) = filled(World::with(Limits { store_changes: 3, ..Limits::default() }), BOTH);
    let lab = ("path", "Servers/Lab");
    // The first makes it, the others find it there: what fails is counted too.
    let third = did(&plugin, "write.create", &[lab, ("times", "3")]).await;
    assert_eq!(third, "Some(Err(WriteError::Exists))");
    let fourth = did(&plugin, "write.create", &[lab, ("times", "4")]).await;
    assert!(fourth.contains("at most 3 times"), "{fourth}");
}
