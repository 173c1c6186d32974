//! Where a stored secret may go: the place it was stored for, followed through edits, copies, moves and inheritance.

use serde_json::Value;

use crate::world::World;

const PASSWORD: &str = "login.password";

/// Returns the places that the password of a connection may go to, as `connect --dry-run` says.
fn places(world: &World, name: &str) -> Value {
    world.ok(&["connect", name, "--dry-run", "--json"]).json()["slots"][PASSWORD].clone()
}

fn add(world: &World, name: &str, more: &[&str]) {
    let mut words = vec!["connection", "add", name, "--type", "ssh"];
    words.extend(more);
    world.ok(&words);
}

#[test]
fn a_password_may_go_to_the_host_it_was_stored_for_and_follows_when_the_user_changes_the_host() {
    let world = World::new();
    let password = world.file("password", "one");
    let password = password.to_str().unwrap();
    add(&world, "db", &["--host", "db.example", "--user", "root", "--password-file", password]);
    assert_eq!(places(&world, "db"), Value::from(vec!["password of ssh://db.example:22"]));
    world.ok(&["connection", "edit", "db", "--host", "db2.example", "--port", "2222"]);
    assert_eq!(places(&world, "db"), Value::from(vec!["password of ssh://db2.example:2222"]));
    world.ok(&["connection", "copy", "db", "copy"]);
    world.ok(&["connection", "delete", "db", "--yes"]);
    assert_eq!(places(&world, "copy"), Value::from(vec!["password of ssh://db2.example:2222"]));
}

#[test]
fn a_folders_password_may_go_to_the_connections_that_inherit_it_and_no_further_than_each() {
    let world = World::new();
    let password = world.file("password", "one");
    world.ok(&[
        "folder",
        "add",
        "Customers/Acme",
        "--user",
        "admin",
        "--password-file",
        password.to_str().unwrap(),
    ]);
    add(&world, "web", &["--host", "web.example", "--folder", "Customers/Acme/Web"]);
    add(&world, "outside", &["--host", "outside.example", "--folder", "Customers"]);
    let plan = world.ok(&["connect", "web", "--dry-run", "--json"]).json();
    assert_eq!(plan["credential"], "inherited from 'Customers/Acme'");
    assert_eq!(plan["slots"][PASSWORD], Value::from(vec!["password of ssh://web.example:22"]));
    let outside = world.run(&["connect", "outside", "--dry-run", "--json"]);
    assert!(outside.code != 0 || outside.json()["slots"] == serde_json::json!({}), "{}", outside.stdout);
    world.ok(&["connection", "move", "web", "--into", "Customers"]);
    let moved = world.run(&["connect", "web", "--dry-run", "--json"]);
    assert!(moved.code != 0 || moved.json()["slots"] == serde_json::json!({}), "{}", moved.stdout);
}

#[test]
fn a_connection_without_a_user_name_says_what_is_missing_when_nobody_can_be_asked() {
    let world = World::new();
    add(&world, "bare", &["--host", "127.0.0.1", "--credential", "none"]);
    let run = world.run(&["connect", "bare", "--", "true"]);
    assert_eq!(run.code, 255, "{}", run.stderr);
    assert!(run.stderr.contains("has no user name"), "{}", run.stderr);
}
