//! Telnet, a protocol that a plugin speaks itself, to a real telnetd in a real terminal: logged in by the host's hand, recorded,
//! replayed; and the password is not in the plugin's memory.

use std::fs;

use crate::guest_memory::guest_memory;
use crate::telnetd::{PASSWORD, Telnetd, USER};
use crate::world::World;

struct Stage {
    world: World,
    _room: tempfile::TempDir,
}

impl Stage {
    fn new(password: &str) -> Self {
        let room = tempfile::tempdir().unwrap();
        let server = Telnetd::start(room.path());
        let world = World::new();
        let file = world.file("password", password);
        let (port, file) = (server.port.to_string(), file.to_str().unwrap().to_owned());
        let place = ["--type", "telnet", "--host", "127.0.0.1", "--port", &port];
        let words =
            [&["connection", "add", "switch"], place.as_slice(), &["--user", USER, "--password-file", &file]];
        world.ok(&words.concat());
        Self { world, _room: room }
    }
}

#[test]
fn a_session_is_logged_in_shown_recorded_and_replayed() {
    let stage = Stage::new(PASSWORD);
    let mut terminal = stage.world.terminal(&["connect", "switch"]);
    terminal.wait_for("welcome to the switch").unwrap();
    terminal.wait_for("you said ***********").unwrap();
    terminal.keys("stty size; echo TERM is $TERM\r").unwrap();
    terminal.wait_for("30 100").unwrap();
    terminal.wait_for("TERM is xterm").unwrap();
    terminal.resize(90, 20).unwrap();
    terminal.keys("stty size; echo grün\r").unwrap();
    terminal.wait_for("20 90").unwrap();
    terminal.wait_for("grün").unwrap();
    terminal.keys("exit\r").unwrap();
    terminal.end().unwrap();
    let list = stage.world.ok(&["recording", "list", "--json"]).json();
    assert_eq!((&list[0]["state"], &list[0]["type"]), (&"complete".into(), &"telnet".into()), "{list}");
    let id = list[0]["id"].as_str().unwrap();
    let cast = stage.world.file("session.cast", "");
    let cast = cast.to_str().unwrap();
    fs::remove_file(cast).unwrap();
    stage.world.ok(&["recording", "export", id, "--format", "asciicast", "--out", cast]);
    let replayed = fs::read_to_string(cast).unwrap();
    assert!(replayed.contains("welcome to the switch") && replayed.contains("20 90"), "{replayed}");
    assert!(!replayed.contains(PASSWORD), "{replayed}");
    stage.world.ok(&["recording", "verify", id]);
    let used = stage.world.ok(&["audit", "show", "--event", "secret.inject", "--json"]).json();
    assert_eq!(
        (&used[0]["outcome"], &used[0]["details"]["protocol"]),
        (&"success".into(), &"telnet".into()),
        "{used}"
    );
    assert!(!stage.world.ok(&["audit", "show", "--json"]).stdout.contains(PASSWORD));
}

#[test]
fn a_wrong_password_is_tried_once_and_then_the_person_is_asked_by_the_server() {
    let stage = Stage::new("not-the-password");
    let mut terminal = stage.world.terminal(&["connect", "switch"]);
    terminal.wait_for("Login incorrect").unwrap();
    terminal.end().unwrap();
    let used = stage.world.ok(&["audit", "show", "--event", "secret.inject", "--json"]).json();
    assert_eq!(used.as_array().map(Vec::len), Some(1), "{used}");
}

#[test]
fn the_password_is_not_in_the_plugins_memory_and_what_the_server_said_is() {
    let stage = Stage::new(PASSWORD);
    let mut terminal = stage.world.terminal(&["connect", "switch"]);
    terminal.wait_for("you said").unwrap();
    terminal.keys("echo marker-$((600+66))\r").unwrap();
    terminal.wait_for("marker-666").unwrap();
    let memory = guest_memory(terminal.process_id().unwrap());
    let holds = |text: &str| memory.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("marker-666") && holds(USER), "this is not the memory of the plugin");
    assert!(!holds(PASSWORD), "the password is in the plugin's memory");
    terminal.keys("exit\r").unwrap();
    terminal.end().unwrap();
}

#[test]
fn a_session_that_may_not_use_what_it_asks_for_does_not_open() {
    let stage = Stage::new(PASSWORD);
    stage.world.ok(&["plugin", "revoke", "ostler.launcher-telnet", "net"]);
    let refused = stage.world.run(&["connect", "switch"]);
    assert_eq!(refused.code, 255, "{}", refused.stderr);
    assert!(refused.stderr.contains("the capability 'net' is not granted"), "{}", refused.stderr);
    let denied = stage.world.ok(&["audit", "show", "--event", "capability.use", "--json"]).json();
    assert_eq!(denied[0]["reason"], "the capability 'net' is not granted", "{denied}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let stage = Stage::new(PASSWORD);
    stage.world.ok(&["connection", "edit", "switch", "--port", "9"]);
    let refused = stage.world.run(&["connect", "switch"]);
    assert!(
        refused.code == 255 && refused.stderr.matches("can't be reached").count() == 1,
        "{}",
        refused.stderr
    );
}
