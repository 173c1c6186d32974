//! `ostler plugin dev`: what builds and passes is what the next call runs, what does not leaves the last good one, and what is asked for
//! beyond that waits. And what becomes of a session whose plugin is replaced while it runs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::author_tools::Desk;
use crate::component::{manifest_of, with_manifest};
use crate::world::{World, guest};

/// How long a build and its tests may take on a loaded machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// An author at work: a new project, and `ostler plugin dev` beside it.
struct Author {
    desk: Desk,
    name: &'static str,
    dev: Child,
    rounds: Receiver<Value>,
}

impl Author {
    fn new(name: &'static str, before: &str) -> Self {
        let desk = Desk::new();
        let at = desk.folder.path();
        let made = desk.types(&format!("ostler plugin new {name} --kind importer --publisher acme"), at);
        assert_eq!(made.code, 0, "{}", made.stderr);
        assert_eq!(desk.types(before, at).code, 0);
        let mut command = desk.shell("exec ostler plugin dev --json", &at.join(name));
        let mut dev = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(dev.stdout.take().unwrap()).lines();
        let (sender, rounds) = sync_channel(100);
        let read = move || {
            for line in lines.map_while(Result::ok) {
                sender.send(serde_json::from_str(&line).unwrap()).unwrap_or_default();
            }
        };
        std::thread::Builder::new().name("rounds".to_owned()).spawn(read).unwrap();
        Self { desk, name, dev, rounds }
    }

    /// Waits for a round that ends so. An edit of two files may be two rounds.
    fn round(&self, state: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut seen = Vec::new();
        loop {
            let round = self.rounds.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("in vain: {seen:#?}"));
            if round["state"] == state && fits(&round) {
                return round;
            }
            seen.push(round);
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.desk.folder.path().join(self.name).join(name)
    }

    fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(name), text.replace(from, to)).unwrap();
    }

    /// What an import makes of a file, with the plugin that is installed.
    fn imports(&self) -> String {
        let list = self.desk.world.file("list.hosts", "#hosts\nweb.example 22\n");
        let preview = self.desk.world.ok(&["import", list.to_str().unwrap(), "--dry-run"]);
        preview.stdout
    }

    fn shown(&self) -> Value {
        self.desk.world.ok(&["plugin", "show", &format!("acme.{}", self.name), "--json"]).json()
    }

    /// Types Ctrl-C and returns the exit code.
    fn ends(mut self) -> (Desk, Option<i32>) {
        interrupt(&self.dev);
        let code = self.dev.wait().unwrap().code();
        let elsewhere = Desk::new();
        (std::mem::replace(&mut self.desk, elsewhere), code)
    }
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

impl Drop for Author {
    fn drop(&mut self) {
        if matches!(self.dev.try_wait(), Ok(None)) {
            self.dev.kill().unwrap();
            self.dev.wait().unwrap();
        }
        drop(self.desk.world.run(&["lock"]));
    }
}

#[test]
fn what_an_author_edits_the_next_import_runs_and_what_is_broken_leaves_the_last_good_one() {
    let author = Author::new("importer-live", "true");
    let first = author.round("installed", |_| true);
    assert_eq!((&first["runs"], &first["plugin"]["origin"]), (&json!(1), &json!("development")), "{first}");
    assert!(author.imports().contains("web.example"), "{}", author.imports());

    author.edit("cases/first/expected.json", "\"name\": \"web.example\"", "\"name\": \"new-web.example\"");
    author.edit("src/lib.rs", "Connection::new(host, ", "Connection::new(format!(\"new-{host}\"), ");
    let second = author.round("installed", |_| true);
    assert_ne!(first["plugin"]["digest"], second["plugin"]["digest"]);
    assert_eq!(first["plugin"]["version"], second["plugin"]["version"]);
    assert!(author.imports().contains("new-web.example"), "{}", author.imports());

    author.edit("src/lib.rs", "impl Importer for", "imp Importer for");
    let broken = author.round("failed", |_| true);
    assert_eq!(broken["problem"], "it does not build");
    assert!(broken["stays"].as_str().unwrap().starts_with("acme.importer-live 0.1.0 sha256:"), "{broken}");
    assert!(author.imports().contains("new-web.example"));
    author.edit("src/lib.rs", "imp Importer for", "impl Importer for");
    author.round("same", |round| round["plugin"]["digest"] == second["plugin"]["digest"]);

    author.edit("src/lib.rs", "\"new-{host}\"", "\"wrong-{host}\"");
    let wrong = author.round("failed", |_| true);
    assert!(wrong["details"][0].as_str().unwrap().contains("new-web.example"), "{wrong}");
    assert!(author.imports().contains("new-web.example"));
    author.edit("src/lib.rs", "\"wrong-{host}\"", "\"new-{host}\"");

    let asks = "\n[[capability]]\nname = \"storage\"\nreason = \"To remember what it read.\"\n";
    let manifest = fs::read_to_string(author.path("plugin.toml")).unwrap();
    fs::write(author.path("plugin.toml"), manifest + asks).unwrap();
    let asked = author.round("installed", |_| true);
    let waits = asked["not_granted"][0].as_str().unwrap();
    assert!(waits.contains("plugin grant acme.importer-live storage"), "{asked}");
    author.desk.world.ok(&["plugin", "grant", "acme.importer-live", "storage"]);
    author.edit("src/lib.rs", "\"a line is 'host port'\"", "\"a line has a host and a port\"");
    author.edit("cases/first/expected.json", "a line is 'host port'", "a line has a host and a port");
    let granted = author.round("installed", |_| true);
    assert_eq!(granted["not_granted"], json!([]), "what was given stays given: {granted}");

    let policy = author.desk.world.home().join("config/ostler");
    fs::create_dir_all(&policy).unwrap();
    fs::write(policy.join("policy.toml"), "[plugins]\nsignatures = \"required\"\n").unwrap();
    author.edit("src/lib.rs", "format!(\"new-{host}\")", "[\"new\", host].join(\"-\")");
    let unsigned = author.round("failed", |round| round["problem"] == "it was not installed");
    assert!(unsigned["details"][0].as_str().unwrap().contains("names no key of the publisher"), "{unsigned}");
    assert_eq!(author.shown()["digest"], granted["plugin"]["digest"]);

    let (desk, code) = author.ends();
    assert_eq!(code, Some(0));
    let events = desk.world.ok(&["audit", "show", "--event", "plugin.update", "--json"]).json();
    assert!(
        events.as_array().unwrap().iter().all(|event| event["details"]["development"] == "true"),
        "{events}"
    );
}

#[test]
fn what_an_author_edits_a_store_runs_that_another_process_holds_unlocked() {
    let author = Author::new("importer-served", "ostler unlock");
    author.round("installed", |_| true);
    assert!(author.imports().contains("web.example"));
    author.edit("cases/first/expected.json", "\"name\": \"web.example\"", "\"name\": \"new-web.example\"");
    author.edit("src/lib.rs", "Connection::new(host, ", "Connection::new(format!(\"new-{host}\"), ");
    author.round("installed", |_| true);
    assert!(author.imports().contains("new-web.example"), "{}", author.imports());

    // In the middle of a build nothing is half installed.
    let before = author.shown();
    author.edit("src/lib.rs", "\"new-{host}\"", "\"newer-{host}\"");
    let (desk, code) = author.ends();
    assert_eq!(code, Some(0));
    let after = desk.world.ok(&["plugin", "show", "acme.importer-served", "--json"]).json();
    assert_eq!(before["digest"], after["digest"]);
    assert_eq!(desk.world.ok(&["lock"]).code, 0);
}

#[test]
fn a_running_session_goes_on_when_another_file_is_installed_and_takes_nothing_from_that_one() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let world = World::new();
    world.ok(&["plugin", "install", guest("driver").to_str().unwrap()]);
    for capability in ["net", "terminal", "secrets.use"] {
        world.ok(&["plugin", "grant", "test.driver", capability]);
    }
    let script = "script=connect; show ready; next; show still; next; show again; finish";
    let password = world.file("password", "the-password");
    let place = ["--type", "scripted", "--host", "127.0.0.1", "--port", &port, "--set", script];
    let login = ["--user", "root", "--password-file", password.to_str().unwrap()];
    world.ok(&[&["connection", "add", "device"], place.as_slice(), &login].concat());
    world.ok(&["unlock"]);
    let mut terminal = world.terminal(&["connect", "device"]);
    terminal.wait_for("ready").unwrap();

    let bytes = fs::read(guest("driver")).unwrap();
    let newer = manifest_of(&bytes).replace("version = \"1.0.0\"", "version = \"1.0.1\"");
    let file = world.file("newer.wasm", "");
    fs::write(&file, with_manifest(&bytes, &newer)).unwrap();
    world.ok(&["plugin", "install", file.to_str().unwrap()]);
    terminal.keys("x").unwrap();
    terminal.wait_for("still").unwrap();
    // What the person takes from the plugin now, the old one loses too.
    world.ok(&["plugin", "revoke", "test.driver", "terminal"]);
    terminal.keys("x").unwrap();
    terminal.end().unwrap();
    assert!(!terminal.screen().contains("again"), "{}", terminal.screen());

    let shown = world.ok(&["plugin", "show", "test.driver", "--json"]).json();
    assert_eq!(shown["version"], "1.0.1");
    let granted = |name: &str| {
        let all = shown["capabilities"].as_array().unwrap();
        all.iter().find(|capability| capability["name"] == name).unwrap()["granted"].clone()
    };
    assert_eq!((granted("net"), granted("terminal")), (json!(true), json!(false)), "{shown}");
    world.ok(&["lock"]);
}
