//! What an administrator's rules do to a launch: denied before anything opens, recorded or not opened at all.

use std::fs;

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};

use crate::world::World;

/// A store with one connection, and the configuration of the user.
struct Stage {
    world: World,
    server: FakeSshServer,
}

impl Stage {
    fn new(configuration: &str) -> Self {
        let user = FakeUser { name: "deploy".to_owned(), login: FakeLogin::Nothing };
        let server =
            FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() }).unwrap();
        let world = World::new();
        let directory = world.home().join("config/ostler");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.toml"), configuration).unwrap();
        let port = server.port().to_string();
        let words = [
            "connection",
            "add",
            "box",
            "--type",
            "ssh",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--user",
            "deploy",
        ];
        world.ok(&words);
        Self { world, server }
    }

    fn connect(&self) -> crate::world::Run {
        self.world.run(&["connect", "box", "--host-key", "accept-new", "--", "echo", "in"])
    }

    /// Makes it impossible to record: where the folder of recordings was, a file stands now.
    fn break_recordings(&self) {
        let recordings = self.world.store().join("recordings");
        fs::remove_dir_all(&recordings).unwrap();
        fs::write(recordings, b"").unwrap();
    }
}

#[test]
fn a_denied_host_is_not_connected_to_and_the_refusal_is_audited() {
    let stage = Stage::new("[policy]\ndeny-hosts = [\"127.0.0.*\"]\n");
    let run = stage.connect();
    assert_eq!((run.code, run.stdout.as_str()), (255, ""), "{}", run.stderr);
    assert!(run.stderr.contains("deny-hosts"), "{}", run.stderr);
    assert!(stage.server.log().is_empty(), "{:?}", stage.server.log());
    let events = stage.world.ok(&["audit", "show", "--json"]).json();
    let denied =
        |event: &&serde_json::Value| event["class"] == "session.start" && event["outcome"] == "denied";
    assert_eq!(events.as_array().unwrap().iter().filter(denied).count(), 1);
    let changed = |world: &World| world.ok(&["audit", "show", "--event", "policy", "--json"]).json();
    let change = changed(&stage.world);
    assert!(change[0]["details"]["policy"].as_str().unwrap().contains("127.0.0.*"), "{change}");
    stage.connect();
    assert_eq!(changed(&stage.world), change, "the rules are those of the last session");
    let dry = stage.world.run(&["connect", "box", "--dry-run"]);
    assert_eq!(dry.code, 4, "{}", dry.stderr);
}

#[test]
fn the_same_host_is_connected_to_when_the_rule_names_another() {
    let stage = Stage::new("[policy]\ndeny-hosts = [\"10.0.0.*\"]\n");
    assert_eq!(stage.connect().stdout, "in\n");
}

#[test]
fn a_session_that_must_be_recorded_is_refused_when_it_can_not_be() {
    let stage = Stage::new("[policy]\nrecord = \"always\"\n");
    assert_eq!(stage.connect().stdout, "in\n");
    let connected = stage.server.log().len();
    stage.break_recordings();
    let run = stage.connect();
    assert_eq!((run.code, run.stdout.as_str()), (255, ""));
    assert!(run.stderr.contains("must be recorded"), "{}", run.stderr);
    assert_eq!(stage.server.log().len(), connected, "nothing was opened: {:?}", stage.server.log());
    let audited = |class| stage.world.ok(&["audit", "show", "--event", class, "--json"]).json();
    let killed = audited("session.kill");
    assert_eq!(killed[0]["session"], audited("recording.incomplete")[0]["session"], "{killed}");
    assert_eq!(killed.as_array().unwrap().len(), 1, "not the session before");
}

#[test]
fn a_session_that_may_be_recorded_opens_without_its_recording_and_says_so() {
    let stage = Stage::new("");
    stage.break_recordings();
    let run = stage.connect();
    assert_eq!((run.code, run.stdout.as_str()), (0, "in\n"), "{}", run.stderr);
    assert!(run.stderr.contains("not recorded"), "{}", run.stderr);
}

#[test]
fn a_session_that_is_not_to_be_recorded_leaves_no_recording() {
    let stage = Stage::new("[policy]\nrecord = \"never\"\n");
    assert_eq!(stage.connect().stdout, "in\n");
    assert_eq!(stage.world.ok(&["recording", "list", "--json"]).json(), serde_json::json!([]));
}
