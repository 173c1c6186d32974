//! Plugins that reach into the store, in the program as a user runs it: what they change is audited under their name, and no
//! secret follows.

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};
use serde_json::Value;

use crate::world::{Run, World, guest};

const PLUGIN: &str = "test.store-user";
const DB: &str = "Servers/Lab/db";

/// A store with the plugin in charge of SSH, a connection `Servers/Lab/db` with a password, and the connection `driver`,
/// whose settings tell the plugin what to do.
struct Stage {
    ostler: World,
    port: String,
    _server: FakeSshServer,
}

impl Stage {
    fn new(granted: &[&str]) -> Self {
        let login = FakeLogin::Password("the-password".to_owned());
        let users = vec![FakeUser { name: "deploy".to_owned(), login }];
        let server = FakeSshServer::start(FakeSshOptions { users, ..FakeSshOptions::default() }).unwrap();
        let ostler = World::new();
        ostler.ok(&["plugin", "install", guest("store-user").to_str().unwrap()]);
        for capability in granted {
            ostler.ok(&["plugin", "grant", PLUGIN, capability]);
        }
        ostler.ok(&["plugin", "disable", "ostler.launcher-ssh"]);
        let (port, password) = (server.port().to_string(), ostler.file("password", "the-password"));
        let password = password.to_str().unwrap();
        let at = ["--type", "ssh", "--host", "127.0.0.1", "--port", &port, "--user", "deploy"];
        let mut db = vec!["connection", "add", "db", "--folder", "Servers/Lab", "--password-file", password];
        db.extend(at);
        ostler.ok(&db);
        let mut driver = vec!["connection", "add", "driver"];
        driver.extend(at);
        ostler.ok(&driver);
        Self { ostler, port, _server: server }
    }

    /// Lets the plugin do something, and returns what it got.
    fn plugin_does(&self, arguments: &[String]) -> String {
        let mut edit = vec!["connection", "edit", "driver"];
        arguments.iter().for_each(|argument| edit.extend(["--set", argument]));
        self.ostler.ok(&edit);
        self.ostler.run(&["connect", "driver", "--dry-run"]).stderr
    }

    fn connect(&self, name: &str) -> Run {
        self.ostler.run(&["connect", name, "--host-key", "accept-new", "--", "echo", "in"])
    }

    fn show(&self, name: &str) -> Value {
        self.ostler.ok(&["connection", "show", name, "--json"]).json()
    }

    fn events(&self, class: &str) -> Vec<Value> {
        let events = self.ostler.ok(&["audit", "show", "--json"]).json();
        events.as_array().unwrap().iter().filter(|event| event["class"] == class).cloned().collect()
    }
}

#[test]
fn what_a_plugin_changes_is_audited_under_its_name_and_the_password_stays_behind() {
    let stage = Stage::new(&["connections.read", "connections.write", "secrets.use"]);
    assert_eq!(stage.connect(DB).stdout, "in\n");
    let id = stage.show(DB)["id"].as_str().unwrap().to_owned();
    // The other host leads to the same server, so that only the sinks can stop the password.
    let answer = stage.plugin_does(&[
        "do=write.change".to_owned(),
        format!("id={id}"),
        "name=db".to_owned(),
        "host=localhost".to_owned(),
        format!("port={}", stage.port),
    ]);
    assert!(answer.contains("Ok("), "{answer}");
    let changed = stage.show(DB);
    assert_eq!((changed["host"].as_str(), changed["id"].as_str()), (Some("localhost"), Some(id.as_str())));
    let events = stage.events("connection.change");
    let by_plugin = events.iter().find(|event| event["plugin"] == PLUGIN).unwrap();
    assert_eq!((&by_plugin["connection"], &by_plugin["details"]["name"]), (&id.into(), &DB.into()));

    let refused = stage.connect(DB);
    assert!(refused.code != 0 && refused.stderr.contains("may not go to"), "{}", refused.stderr);
    // Nor does it get there by the user's own hand, who copies the connection without a thought of its host.
    stage.ostler.ok(&["connection", "copy", DB, "copied"]);
    let refused = stage.connect("copied");
    assert!(refused.code != 0 && refused.stderr.contains("may not go to"), "{}", refused.stderr);
    stage.ostler.ok(&["connection", "edit", DB, "--host", "127.0.0.1"]);
    assert_eq!(stage.connect(DB).stdout, "in\n");
    // Where the user leads it elsewhere, the password follows, as ever.
    stage.ostler.ok(&["connection", "edit", DB, "--host", "localhost"]);
    assert_eq!(stage.connect(DB).stdout, "in\n");
}

#[test]
fn a_plugin_without_the_grant_changes_nothing_and_the_refusal_is_in_the_audit_log() {
    let stage = Stage::new(&["connections.read"]);
    let before = stage.show(DB);
    let id = before["id"].as_str().unwrap();
    let answer = stage.plugin_does(&["do=write.delete".to_owned(), format!("id={id}")]);
    assert!(answer.contains("the capability 'connections.write' is not granted"), "{answer}");
    assert_eq!(stage.show(DB), before);
    let refusals = stage.events("capability.use");
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert_eq!(refusals[0]["capability"], "connections.write");
}

#[test]
fn a_plugin_that_may_deletes_a_connection_with_its_password() {
    let stage = Stage::new(&["connections.read", "connections.write"]);
    let id = stage.show(DB)["id"].as_str().unwrap().to_owned();
    let answer = stage.plugin_does(&["do=write.delete".to_owned(), format!("id={id}")]);
    assert!(answer.contains("Ok(())"), "{answer}");
    assert_ne!(stage.ostler.run(&["connection", "show", DB]).code, 0);
    assert_eq!(stage.ostler.ok(&["store", "info", "--json"]).json()["secrets"], 0);
    for class in ["connection.delete", "vault.delete"] {
        let events = stage.events(class);
        assert!(events.iter().any(|event| event["plugin"] == PLUGIN), "{class}: {events:?}");
    }
}

#[test]
fn a_plugin_marks_its_session_reads_the_recording_and_hears_of_both() {
    let stage =
        Stage::new(&["connections.read", "recording.annotate", "recording.read", "events", "terminal"]);
    stage.ostler.ok(&["connection", "edit", DB, "--set", "do=drive.mark"]);
    let shown = stage.ostler.run(&["connect", DB]);
    assert_eq!(shown.stdout, "before Some(Ok(()))", "{}", shown.stderr);
    // The person sees the marker, too.
    let played = stage.ostler.ok(&["recording", "play", "newest", "--speed", "1000"]);
    assert!(played.stdout.contains("before"), "{}", played.stdout);
    let read = stage.plugin_does(&["do=recordings.read".to_owned()]);
    assert!(read.contains("before <test.store-user: here\u{fffd}[2J>Some(Ok(()))<exit Some(0)>"), "{read}");
    let events = stage.events("recording.read");
    let by_plugin: Vec<_> = events.iter().filter(|event| event["plugin"] == PLUGIN).collect();
    assert_eq!(by_plugin.len(), 1, "{events:?}");
    // Of the sessions it hears, of the vault it does not.
    let heard = stage.plugin_does(&["do=events.all".to_owned()]);
    for expected in
        ["session.start Servers/Lab/db", "session.end Servers/Lab/db", "connection.change Servers/Lab/db"]
    {
        assert!(heard.contains(expected), "{expected}: {heard}");
    }
    for unexpected in ["vault.", "plugin.", "driver", "recording.read"] {
        assert!(!heard.contains(unexpected), "{unexpected}: {heard}");
    }
}

#[test]
fn without_its_grants_a_plugin_marks_reads_and_hears_nothing() {
    let stage = Stage::new(&["terminal"]);
    stage.ostler.ok(&["connection", "edit", DB, "--set", "do=drive.mark"]);
    let shown = stage.ostler.run(&["connect", DB]).stdout;
    assert!(shown.contains("the capability 'recording.annotate' is not granted"), "{shown}");
    for (call, capability) in [("recordings.list", "recording.read"), ("events.all", "events")] {
        let answer = stage.plugin_does(&[format!("do={call}")]);
        assert!(answer.contains(&format!("the capability '{capability}' is not granted")), "{answer}");
    }
    let refused: Vec<Value> =
        stage.events("capability.use").iter().map(|event| event["capability"].clone()).collect();
    assert_eq!(refused, ["recording.annotate", "recording.read", "events"]);
    assert_eq!(stage.events("recording.read"), Vec::<Value>::new());
}

#[test]
fn a_secret_of_a_plugins_own_goes_where_it_was_stored_for_and_is_named_by_no_other_plugin() {
    let stage = Stage::new(&["secrets.store", "secrets.use"]);
    let put = ["do=store.put", "value=the-password", "host=127.0.0.1"].map(ToOwned::to_owned);
    let port = format!("port={}", stage.port);
    let stored = stage.plugin_does(&[&put[..], &[port]].concat());
    assert!(stored.contains("Ok(\"store.token\")"), "{stored}");
    let events = stage.events("vault.put");
    assert!(events.iter().any(|event| event["plugin"] == PLUGIN), "{events:?}");
    // It outlives the program, and new keys of the store.
    stage.ostler.ok(&["store", "rekey"]);
    let login = |host: &str| {
        let settings = ["--set", "do=store.plan", "--set", "slot=store.token", "--host", host];
        stage.ostler.ok(&[&["connection", "edit", "driver"], &settings[..]].concat());
        stage.connect("driver")
    };
    assert_eq!(login("127.0.0.1").stdout, "in\n");
    let injected = stage.events("secret.inject");
    assert_eq!(injected.last().unwrap()["details"]["slot"], "store.token");
    let refused = login("localhost");
    assert!(refused.code != 0 && refused.stderr.contains("may not go to"), "{}", refused.stderr);
    login("127.0.0.1");

    stage.ostler.ok(&["plugin", "install", guest("evil-launcher").to_str().unwrap()]);
    stage.ostler.ok(&["plugin", "grant", "test.evil-launcher", "secrets.use"]);
    stage.ostler.ok(&["plugin", "disable", PLUGIN]);
    stage.ostler.ok(&["connection", "edit", "driver", "--set", "evil=stored-slot"]);
    let refused = stage.connect("driver");
    let expected = "its plan uses 'store.token', which this launch does not offer";
    assert!(refused.code != 0 && refused.stderr.contains(expected), "{}", refused.stderr);
}

#[test]
fn a_password_is_read_by_a_plugin_only_with_the_grant_and_after_it_was_audited() {
    let stage = Stage::new(&["secrets.use"]);
    stage.ostler.ok(&["connection", "edit", DB, "--set", "do=reveal"]);
    let refused = stage.connect(DB).stderr;
    assert!(refused.contains("the capability 'secrets.reveal' is not granted"), "{refused}");
    assert_eq!(stage.events("secret.reveal"), Vec::<Value>::new());
    stage.ostler.ok(&["plugin", "grant", PLUGIN, "secrets.reveal"]);
    let read = stage.connect(DB).stderr;
    assert!(read.contains("Ok(\"the-password\")"), "{read}");
    let events = stage.events("secret.reveal");
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["plugin"], &events[0]["outcome"]), (&PLUGIN.into(), &"success".into()));
    assert_eq!(events[0]["details"]["slot"], "login.password");
    assert_eq!(events[0]["connection"], stage.show(DB)["id"]);
    let shown = stage.ostler.run(&["connect", DB, "--dry-run"]).stderr;
    assert!(shown.contains("this call opens no secrets"), "{shown}");
    assert_eq!(stage.events("secret.reveal").len(), 1);
}
