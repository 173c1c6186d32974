//! Plugins that drive a session and do not behave: the person can always close it, and a crash ends it with a reason.

use std::net::TcpListener;

use ostler_suite::Terminal;

use crate::world::{World, guest};

struct Stage {
    ostler: World,
    /// Takes connections and says nothing.
    _server: TcpListener,
}

impl Stage {
    fn new(script: &str) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        let ostler = World::new();
        ostler.ok(&["plugin", "install", guest("driver").to_str().unwrap()]);
        for capability in ["net", "terminal", "secrets.use"] {
            ostler.ok(&["plugin", "grant", "test.driver", capability]);
        }
        let script = format!("script={script}");
        let password = ostler.file("password", "the-password");
        let place = ["--type", "scripted", "--host", "127.0.0.1", "--port", &port, "--set", &script];
        let login = ["--user", "root", "--password-file", password.to_str().unwrap()];
        ostler.ok(&[&["connection", "add", "device"], place.as_slice(), &login].concat());
        Self { ostler, _server: server }
    }

    /// Connects and waits for the word `ready`.
    fn connect(&self) -> Terminal {
        let terminal = self.ostler.terminal(&["connect", "device"]);
        terminal.wait_for("ready").unwrap();
        terminal
    }

    fn reason_of_the_end(&self) -> String {
        let ends = self.ostler.ok(&["audit", "show", "--event", "session.end", "--json"]).json();
        ends[0]["reason"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_session_that_looks_at_no_event_is_closed_all_the_same() {
    let stage = Stage::new("connect; show ready; ignore");
    let mut terminal = stage.connect();
    terminal.keys("~.").unwrap();
    terminal.end().unwrap();
    assert_eq!(stage.reason_of_the_end(), "closed here");
}

#[test]
fn a_session_that_takes_nothing_of_what_is_typed_is_closed_all_the_same() {
    let stage = Stage::new("connect; show ready; ignore");
    let mut terminal = stage.connect();
    // More than all queues on the way hold.
    let line = format!("{}\r", "x".repeat(1023));
    for _ in 0..600 {
        terminal.keys(&line).unwrap();
    }
    terminal.keys("~.").unwrap();
    terminal.end().unwrap();
    assert_eq!(stage.reason_of_the_end(), "closed here");
}

#[test]
fn a_session_that_shows_without_end_is_closed_all_the_same() {
    let stage = Stage::new("show ready; next; flood");
    let mut terminal = stage.connect();
    terminal.keys("\r").unwrap();
    terminal.wait_for("....").unwrap();
    terminal.keys("~.").unwrap();
    terminal.end().unwrap();
    assert_eq!(stage.reason_of_the_end(), "closed here");
}

#[test]
fn a_session_that_crashes_ends_with_the_reason() {
    let stage = Stage::new("show ready; next; trap");
    let mut terminal = stage.connect();
    terminal.keys("x").unwrap();
    terminal.end().unwrap();
    let reason = stage.reason_of_the_end();
    assert!(reason.contains("the plugin failed: it crashed"), "{reason}");
}
