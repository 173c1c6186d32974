//! What plugins may, in the program as a user runs it: policy files, consent when one is installed or replaced, and rights that
//! are taken while a session runs in another process. Each refusal is shown to go away with the rule that makes it.

use std::fs;
use std::path::PathBuf;

use ostler_suite::Terminal;
use serde_json::{Value, json};

use crate::component::{manifest_of, with_manifest};
use crate::telnetd::{PASSWORD, Telnetd, USER};
use crate::world::{Run, World, guest};

const PLUGIN: &str = "test.store-user";
/// What the plugin says before what it read.
const READ: &str = "plugin 'test.store-user': [";
const TELNET: &str = "ostler.launcher-telnet";

/// A store with the connection `driver`, whose settings tell the plugin what to do.
struct Stage(World);

impl Stage {
    fn new() -> Self {
        let world = World::new();
        world.ok(&["plugin", "disable", "ostler.launcher-ssh"]);
        world.ok(&["connection", "add", "driver", "--type", "ssh", "--host", "h", "--user", "u"]);
        world.ok(&["folder", "add", "Notes"]);
        Self(world)
    }

    fn policy(&self, text: &str) {
        let directory = self.0.home().join("config/ostler");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("policy.toml"), text).unwrap();
    }

    fn without_policy(&self) {
        fs::remove_file(self.0.home().join("config/ostler/policy.toml")).unwrap();
    }

    fn install(&self) -> Run {
        self.0.run(&["plugin", "install", guest("store-user").to_str().unwrap()])
    }

    /// The plugin with another manifest.
    fn variant(&self, name: &str, change: impl Fn(&str) -> String) -> String {
        let bytes = fs::read(guest("store-user")).unwrap();
        let file = self.0.file(name, "");
        fs::write(&file, with_manifest(&bytes, &change(&manifest_of(&bytes)))).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// Lets the plugin read the folder `Notes`, and returns what it got.
    fn read(&self) -> String {
        self.0.ok(&["connection", "edit", "driver", "--set", "do=read.connections"]);
        self.0.run(&["connect", "driver", "--dry-run"]).stderr
    }

    fn capability(&self, name: &str) -> Value {
        let shown = self.0.ok(&["plugin", "show", PLUGIN, "--json"]).json();
        let all = shown["capabilities"].as_array().unwrap();
        all.iter().find(|capability| capability["name"] == name).unwrap().clone()
    }

    fn events(&self, class: &str) -> Vec<Value> {
        let events = self.0.ok(&["audit", "show", "--json"]).json();
        events.as_array().unwrap().iter().filter(|event| event["class"] == class).cloned().collect()
    }
}

#[test]
fn a_plugin_that_policy_denies_is_not_installed_and_does_not_run() {
    let stage = Stage::new();
    stage.policy("[[plugins.deny]]\nid = \"test.*\"\n");
    let refused = stage.install();
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("denies the plugin 'test.store-user' ([[plugins.deny]], 'test.*')"),
        "{}",
        refused.stderr
    );
    stage.without_policy();
    assert_eq!(stage.install().code, 0);
    assert!(stage.read().contains("'connections.read' is not granted"), "it runs without the rule");
    stage.policy("[[plugins.deny]]\nid = \"test.*\"\n");
    let refused = stage.0.run(&["connect", "driver", "--dry-run"]);
    assert_eq!(refused.code, 4, "{}", refused.stderr);
    assert!(refused.stderr.contains("[[plugins.deny]], 'test.*'"), "{}", refused.stderr);
    let audited = stage.events("plugin.refuse");
    assert_eq!((&audited[0]["plugin"], &audited[0]["outcome"]), (&json!(PLUGIN), &json!("denied")));
    let list = stage.0.ok(&["plugin", "list", "--json"]).json();
    let listed = list.as_array().unwrap().iter().find(|plugin| plugin["id"] == PLUGIN).unwrap();
    assert_eq!(listed["state"], "denied");
    assert!(listed["problem"].as_str().unwrap().contains("plugins.deny"), "{listed}");
}

#[test]
fn another_file_than_the_one_that_policy_names_does_not_run() {
    let stage = Stage::new();
    let other = stage.variant("other.wasm", |manifest| manifest.replace("To be tested", "To be read"));
    assert_eq!(stage.install().code, 0);
    let shown = stage.0.ok(&["plugin", "show", PLUGIN, "--json"]).json();
    let digest = shown["digest"].as_str().unwrap();
    stage.policy(&format!("[plugins]\npublishers = [\"bundled\", \"test\"]\n[[plugins.allow]]\nid = \"test.*\"\ndigest = \"{digest}\"\n"));
    assert!(stage.read().contains("is not granted"), "it runs");
    let refused = stage.0.run(&["plugin", "install", &other]);
    assert!(refused.code == 4 && refused.stderr.contains("[[plugins.allow]]"), "{}", refused.stderr);
    stage.without_policy();
    stage.0.ok(&["plugin", "install", &other]);
}

#[test]
fn with_a_broken_policy_file_nothing_runs_and_the_doctor_says_why() {
    let stage = Stage::new();
    stage.install();
    stage.policy("[plugins]\npublisher = [\"bundled\"]\n");
    for words in
        [&["connect", "driver", "--dry-run"][..], &["import", "list.csv", "--type", "ssh", "--dry-run"]]
    {
        stage.0.file("list.csv", "name,host\ndb1,db1.example\n");
        let refused = stage.0.run(words);
        assert_eq!(refused.code, 4, "{words:?}: {}", refused.stderr);
        let words = ["line 2", "unknown field 'publisher'", "did you mean 'publishers'?"];
        assert!(words.iter().all(|words| refused.stderr.contains(words)), "{}", refused.stderr);
    }
    let checks = stage.0.run(&["doctor", "--json"]);
    assert_eq!(checks.code, 1);
    let checks = checks.json();
    let check = checks.as_array().unwrap().iter().find(|check| check["name"] == "policy").unwrap();
    assert_eq!(check["state"], "bad");
    assert!(check["finding"].as_str().unwrap().contains("line 2"), "{check}");
    stage.policy("[plugins]\npublishers = [\"bundled\", \"test\"]\n");
    assert!(stage.read().contains("is not granted"), "it runs again");
    // One that was named has to be there.
    let missing = stage
        .0
        .command(&["connect", "driver", "--dry-run"])
        .env("OSTLER_POLICY", "/nowhere.toml")
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(4));
}

#[test]
fn a_further_policy_file_makes_it_stricter_and_never_looser() {
    let stage = Stage::new();
    stage.install();
    let run = |policy: &PathBuf| {
        let mut command = stage.0.command(&["connect", "driver", "--dry-run"]);
        let output = command.env("OSTLER_POLICY", policy).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let all = stage.0.file("all.toml", "[[plugins.allow]]\nid = \"*\"\n");
    let none = stage.0.file("none.toml", "[plugins]\nallow = []\n");
    stage.policy("[[capability]]\nname = \"connections.*\"\n");
    assert!(run(&all).contains("there is no capability 'connections.*'"), "{}", run(&all));
    stage.policy("[[plugins.deny]]\nid = \"test.store-user\"\n");
    assert!(run(&all).contains("[[plugins.deny]]"), "{}", run(&all));
    stage.without_policy();
    assert!(!run(&all).contains("[[plugins"), "{}", run(&all));
    assert!(run(&none).contains("[[plugins.allow]]"), "{}", run(&none));
}

#[test]
fn a_capability_that_policy_denies_nobody_can_grant_and_the_refusal_names_the_rule() {
    let stage = Stage::new();
    stage.install();
    stage.0.ok(&["plugin", "grant", PLUGIN, "connections.read"]);
    assert!(stage.read().contains(READ), "{}", stage.read());
    stage.policy("[[capability]]\nname = \"connections.read\"\nplugins = \"test.*\"\ngrant = \"deny\"\n");
    assert!(stage.read().contains("'connections.read' is not granted"), "{}", stage.read());
    let audited = stage.events("capability.use");
    let rule = audited[0]["details"]["rule"].as_str().unwrap();
    assert!(rule.contains("[[capability]] 'connections.read', plugins 'test.*'"), "{audited:?}");
    let refused = stage.0.run(&["plugin", "grant", PLUGIN, "connections.read"]);
    assert!(refused.code == 4 && refused.stderr.contains("[[capability]]"), "{}", refused.stderr);
    let shown = stage.capability("connections.read");
    assert!(
        shown["granted"] == false && shown["denied_by"].as_str().unwrap().contains("[[capability]]"),
        "{shown}"
    );
    assert_eq!(shown["refusals"][0]["reason"], "the capability 'connections.read' is not granted");
    stage.without_policy();
    assert!(stage.read().contains(READ), "{}", stage.read());
}

#[test]
fn where_policy_says_ask_a_person_has_to_have_said_yes() {
    let stage = Stage::new();
    stage.install();
    stage.policy("[[capability]]\nname = \"connections.read\"\ngrant = \"ask\"\n");
    assert!(stage.read().contains("is not granted"));
    stage.0.ok(&["plugin", "grant", PLUGIN, "connections.read"]);
    assert!(stage.read().contains(READ), "{}", stage.read());
    assert_eq!(stage.capability("connections.read")["granted_by"], "user");
}

#[test]
fn what_policy_gives_by_itself_a_plugin_has_as_far_as_policy_says() {
    let stage = Stage::new();
    let grant = |folders: &str| {
        stage.policy(&format!(
            "[[capability]]\nname = \"connections.read\"\ngrant = \"pre-granted\"\nfolders = {folders}\n"
        ));
    };
    grant("[\"Notes\"]");
    stage.install();
    let shown = stage.capability("connections.read");
    assert_eq!((&shown["granted"], &shown["granted_by"]), (&json!(true), &json!("policy")), "{shown}");
    assert_eq!(shown["bounds"], json!([{ "folders": ["Notes"] }]));
    assert_eq!(shown["parameters"], json!({ "folders": ["Servers", "Notes/*"] }));
    stage.0.ok(&["connection", "add", "in-notes", "--folder", "Notes", "--type", "ssh", "--host", "h"]);
    assert!(stage.read().contains("in-notes"), "{}", stage.read());
    grant("[\"Servers\"]");
    assert!(!stage.read().contains("in-notes"), "{}", stage.read());
    // What the user takes stays taken.
    grant("[\"Notes\"]");
    stage.0.ok(&["plugin", "revoke", PLUGIN, "connections.read"]);
    assert!(stage.read().contains("is not granted"), "{}", stage.read());
}

#[test]
fn where_nobody_can_be_asked_policy_may_refuse_to_install() {
    let stage = Stage::new();
    stage.policy("[plugins]\nheadless = \"refuse\"\n");
    let refused = stage.install();
    assert!(refused.code == 4 && refused.stderr.contains("plugins.headless"), "{}", refused.stderr);
    assert_ne!(stage.0.run(&["plugin", "show", PLUGIN]).code, 0);
    // Where policy has an answer to everything that it asks for, nobody has to be asked.
    stage.policy("[plugins]\nheadless = \"refuse\"\n[[capability]]\nname = \"secrets.use\"\ngrant = \"deny\"\n[[capability]]\nname = \"*\"\ngrant = \"pre-granted\"\n");
    assert_eq!(stage.install().code, 0);
    assert_eq!(stage.capability("connections.write")["granted_by"], "policy");
    assert_eq!(stage.capability("secrets.use")["granted"], false);
}

/// What the plugin asks for, but for the clock, which is harmless.
fn questions() -> Vec<String> {
    let manifest = manifest_of(&fs::read(guest("store-user")).unwrap());
    let (_, asked) = manifest.split_once("[[capability]]").unwrap();
    let names = asked.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
    names.filter(|name| *name != "clock").map(str::to_owned).collect()
}

/// Says yes to one question, and no to the others.
fn answer(terminal: &mut Terminal, yes: &str) {
    for name in questions() {
        terminal.wait_for(&format!("({name}")).unwrap();
        terminal.keys(if name == yes { "y\r" } else { "n\r" }).unwrap();
    }
    assert_eq!(terminal.end().unwrap(), 0);
}

#[test]
fn a_person_at_a_terminal_is_asked_about_each_capability() {
    let stage = Stage::new();
    let file = guest("store-user");
    let mut terminal = stage.0.terminal(&["--no-pager", "plugin", "install", file.to_str().unwrap()]);
    terminal.wait_for("Install the plugin Store user 1.0.0 (test.store-user)?").unwrap();
    terminal.wait_for("folders Servers, Notes/*").unwrap();
    terminal.wait_for("It says: To be tested.").unwrap();
    answer(&mut terminal, "connections.read");
    let granted = |name| stage.capability(name)["granted"].as_bool().unwrap();
    assert!(granted("connections.read") && granted("clock"));
    assert!(!granted("connections.write") && !granted("secrets.use"));
    let audited: Vec<_> =
        stage.events("plugin.grant").iter().map(|event| event["capability"].clone()).collect();
    assert_eq!(audited, ["connections.read"]);
    // What was answered is not asked again.
    let again = stage.0.terminal(&["--no-pager", "plugin", "install", file.to_str().unwrap()]).end().unwrap();
    assert_eq!(again, 0);
}

impl Stage {
    /// A later version of the plugin, which asks for another folder and for a capability more.
    fn update(&self) -> String {
        self.variant("update.wasm", |manifest| {
            let wider = manifest.replace("\"Servers\", \"Notes/*\"", "\"Servers\", \"Notes/*\", \"Private\"");
            assert_ne!(wider, manifest);
            wider.replace("1.0.0", "1.1.0") + "\n[[capability]]\nname = \"storage\"\nreason = \"To keep.\"\n"
        })
    }
}

#[test]
fn an_update_that_asks_for_more_waits_and_shows_the_difference() {
    let stage = Stage::new();
    assert_eq!(stage.install().code, 0);
    stage.0.ok(&["plugin", "grant", PLUGIN, "connections.read"]);
    for folder in ["Notes", "Private"] {
        let name = format!("in-{folder}");
        stage.0.ok(&["connection", "add", &name, "--folder", folder, "--type", "ssh", "--host", "h"]);
    }
    let seen = stage.read();
    assert!(seen.contains("in-Notes") && !seen.contains("in-Private"), "{seen}");
    // Nobody can be asked: what it had it keeps, what is new waits.
    let updated = stage.0.ok(&["plugin", "install", &stage.update()]);
    assert!(
        updated.stdout.contains("connections.read: new and not granted: folders Private"),
        "{}",
        updated.stdout
    );
    let (read, storage) = (stage.capability("connections.read"), stage.capability("storage"));
    assert_eq!(read["waiting"], json!({ "folders": ["Private"] }), "{read}");
    assert_eq!((&storage["waiting"], &storage["granted"]), (&json!({}), &json!(false)));
    let seen = stage.read();
    assert!(seen.contains("in-Notes") && !seen.contains("in-Private"), "{seen}");
    // A person says yes.
    stage.0.ok(&["plugin", "grant", PLUGIN, "connections.read"]);
    let seen = stage.read();
    assert!(seen.contains("in-Notes") && seen.contains("in-Private"), "{seen}");
    assert_eq!(stage.capability("connections.read")["waiting"], Value::Null);
    assert_eq!(stage.events("plugin.update")[0]["details"]["from-version"], "1.0.0");
}

#[test]
fn an_update_at_a_terminal_asks_only_about_what_is_new() {
    let stage = Stage::new();
    let file = guest("store-user");
    let mut terminal = stage.0.terminal(&["--no-pager", "plugin", "install", file.to_str().unwrap()]);
    answer(&mut terminal, "connections.read");
    let mut terminal = stage.0.terminal(&["--no-pager", "plugin", "install", &stage.update()]);
    terminal.wait_for("It asks for more").unwrap();
    terminal
        .wait_for("May it also read connections and folders (connections.read: folders Private)")
        .unwrap();
    terminal.keys("y\r").unwrap();
    terminal.wait_for("(storage)").unwrap();
    terminal.keys("n\r").unwrap();
    assert_eq!(terminal.end().unwrap(), 0);
    assert_eq!(stage.capability("connections.read")["bounds"], json!([]));
    assert_eq!(stage.capability("storage")["granted"], false);
    assert_eq!(stage.capability("storage")["waiting"], Value::Null);
}

#[test]
fn a_file_that_is_laid_in_the_place_of_another_has_nothing_of_its_rights() {
    let stage = Stage::new();
    stage.install();
    stage.0.ok(&["plugin", "grant", PLUGIN, "connections.read"]);
    assert!(stage.read().contains(READ), "{}", stage.read());
    let path = stage.0.ok(&["plugin", "show", PLUGIN, "--json"]).json()["path"].as_str().unwrap().to_owned();
    fs::copy(stage.update(), &path).unwrap();
    assert!(stage.read().contains("is not granted"), "{}", stage.read());
}

/// A store with a Telnet session open in a process of its own.
struct Session {
    world: World,
    terminal: Terminal,
    _room: tempfile::TempDir,
}

impl Session {
    fn open(served: bool) -> Self {
        let room = tempfile::tempdir().unwrap();
        let server = Telnetd::start(room.path());
        let world = World::new();
        let password = world.file("password", PASSWORD);
        let (port, file) = (server.port.to_string(), password.to_str().unwrap().to_owned());
        let place = ["--type", "telnet", "--host", "127.0.0.1", "--port", &port];
        let words =
            [&["connection", "add", "switch"], place.as_slice(), &["--user", USER, "--password-file", &file]];
        world.ok(&words.concat());
        if served {
            world.ok(&["unlock", "--for", "10m"]);
        }
        let mut terminal = world.terminal(&["connect", "switch"]);
        terminal.wait_for("you said").unwrap();
        terminal.keys("echo still $((40+2))\r").unwrap();
        terminal.wait_for("still 42").unwrap();
        Self { world, terminal, _room: room }
    }

    /// Types until the session ends by itself. It ends where a call of the plugin is refused.
    fn type_until_it_ends(&mut self) {
        let mut seen = self.terminal.raw().len();
        for _ in 0..100_000 {
            // The terminal may be gone by now.
            drop(self.terminal.keys("x"));
            match self.terminal.raw_beyond(seen).unwrap() {
                None => break,
                Some(raw) => seen = raw.len(),
            }
        }
        assert_ne!(self.terminal.end().unwrap(), 0);
        let denied = self.world.ok(&["audit", "show", "--event", "capability.use", "--json"]).json();
        assert_eq!(
            (&denied[0]["capability"], &denied[0]["plugin"]),
            (&json!("net"), &json!(TELNET)),
            "{denied}"
        );
    }

    /// The session still carries what is typed, to its end.
    fn goes_on(&mut self) {
        self.terminal.keys("echo more $((40+3))\r").unwrap();
        self.terminal.wait_for("more 43").unwrap();
        self.terminal.keys("exit\r").unwrap();
        self.terminal.end().unwrap();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nothing that serves may outlive the test; where nothing does, this says so.
        drop(self.world.run(&["lock", "--sessions"]));
    }
}

#[test]
fn what_another_process_revokes_a_running_session_loses() {
    let mut session = Session::open(false);
    session.world.ok(&["plugin", "revoke", TELNET, "net"]);
    session.type_until_it_ends();
}

#[test]
fn what_is_revoked_through_the_host_that_serves_a_running_session_loses() {
    let mut session = Session::open(true);
    session.world.ok(&["plugin", "revoke", TELNET, "net"]);
    session.type_until_it_ends();
}

#[test]
fn a_running_session_loses_what_policy_begins_to_deny() {
    let mut session = Session::open(false);
    let directory = session.world.home().join("config/ostler");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("policy.toml"), "[[capability]]\nname = \"net\"\ngrant = \"deny\"\n").unwrap();
    session.type_until_it_ends();
}

#[test]
fn a_running_session_goes_on_where_another_right_is_revoked() {
    let mut session = Session::open(false);
    session.world.ok(&["plugin", "revoke", "ostler.launcher-ssh", "secrets.use"]);
    session.goes_on();
}
