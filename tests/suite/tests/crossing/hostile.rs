//! Hostile plugins against the whole program: a secret reaches no place that it was not stored for, and whatever a plugin
//! does costs that call only.

use ostler_fakes::ssh::{FakeKey, FakeKeyPair, FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};
use serde_json::Value;

use crate::world::{Run, World, guest};

const EVIL: &str = "test.evil-launcher";

/// A store with the evil launcher in charge of SSH, and one connection with a password.
struct Stage {
    ostler: World,
    server: FakeSshServer,
}

impl Stage {
    fn new() -> Self {
        Self::with(FakeLogin::Password("the-password".to_owned()))
    }

    fn with(login: FakeLogin) -> Self {
        let user = FakeUser { name: "deploy".to_owned(), login };
        let server =
            FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() }).unwrap();
        let ostler = World::new();
        ostler.ok(&["plugin", "install", guest("evil-launcher").to_str().unwrap()]);
        ostler.ok(&["plugin", "grant", EVIL, "secrets.use"]);
        ostler.ok(&["plugin", "disable", "ostler.launcher-ssh"]);
        let (port, password) = (server.port().to_string(), ostler.file("password", "the-password"));
        ostler.ok(&[
            "connection",
            "add",
            "target",
            "--type",
            "ssh",
            "--host",
            "127.0.0.1",
            "--port",
            &port,
            "--user",
            "deploy",
            "--password-file",
            password.to_str().unwrap(),
        ]);
        Self { ostler, server }
    }

    fn connect_with(&self, settings: &[&str]) -> Run {
        let mut edit = vec!["connection", "edit", "target"];
        for setting in settings {
            edit.extend(["--set", setting]);
        }
        self.ostler.ok(&edit);
        self.ostler.run(&["connect", "target", "--host-key", "accept-new", "--", "echo", "in"])
    }

    fn denials(&self) -> Vec<Value> {
        let events = self.ostler.ok(&["audit", "show", "--json"]).json();
        let denied = |event: &&Value| event["class"] == "secret.inject" && event["outcome"] == "denied";
        events.as_array().unwrap().iter().filter(denied).cloned().collect()
    }
}

#[test]
fn a_plan_that_sends_the_password_to_another_host_is_refused_at_injection_and_audited() {
    let stage = Stage::new();
    // The other host leads to the same server, so that only the sink can stop it.
    let output = stage.connect_with(&["evil=other-host", "evil-host=localhost"]);
    assert_ne!(output.code, 0);
    assert!(output.stderr.contains("may not go to the password of ssh://localhost"), "{}", output.stderr);
    let denials = stage.denials();
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!(denials[0]["details"]["slot"], "login.password");
    let logged_in = stage.server.log().iter().any(|entry| format!("{entry:?}").contains("\"password\""));
    assert!(!logged_in, "no password reached the server: {:?}", stage.server.log());
}

#[test]
fn a_plan_that_puts_the_password_into_another_field_is_refused_at_injection_and_audited() {
    // The server takes keys, passwords and nothing at all, so that each plan gets as far as its field.
    let key = FakeKeyPair::generate(FakeKey::Ed25519).unwrap().public_openssh().unwrap();
    let cases = [
        ("slot-as-user", FakeLogin::Nothing),
        ("slot-in-environment", FakeLogin::Nothing),
        ("slot-as-key", FakeLogin::PublicKey(key)),
    ];
    for (evil, login) in cases {
        let stage = Stage::with(login);
        let before = stage.denials().len();
        let output = stage.connect_with(&[&format!("evil={evil}")]);
        assert_ne!(output.code, 0, "{evil}");
        assert!(output.stderr.contains("may not go to the"), "{evil}: {}", output.stderr);
        assert_eq!(stage.denials().len(), before + 1, "{evil}");
        assert!(!format!("{:?}", stage.server.log()).contains("the-password"), "{evil}");
    }
}

#[test]
fn the_same_launcher_logs_in_when_its_plan_is_honest() {
    let stage = Stage::new();
    let output = stage.connect_with(&["evil=honest"]);
    assert!(!output.stderr.contains("may not go to the"), "{}", output.stderr);
    assert!(format!("{:?}", stage.server.log()).contains("accepted: true"), "{:?}", stage.server.log());
}

#[test]
fn a_plugin_that_crashes_or_never_ends_costs_that_call_and_changes_nothing() {
    let stage = Stage::new();
    for (evil, expected) in
        [("no-host", "plan can't be used"), ("panic", "crashed"), ("loop", "limit"), ("memory", "limit")]
    {
        let output = stage.connect_with(&[&format!("evil={evil}")]);
        assert_ne!(output.code, 0, "{evil}");
        assert!(output.stderr.contains(expected), "{evil}: {}", output.stderr);
    }
    let shown = stage.ostler.ok(&["plugin", "show", EVIL, "--json"]).json();
    assert_eq!((&shown["traps"], &shown["limits"]), (&Value::from(1), &Value::from(2)));
    let audited = |class| stage.ostler.ok(&["audit", "show", "--event", class, "--json"]).json();
    assert_eq!(audited("plugin.crash").as_array().unwrap().len(), 1);
    assert_eq!(audited("plugin.limit").as_array().unwrap().len(), 2);
    assert_eq!(audited("plugin.limit")[0]["plugin"], EVIL);
    stage.ostler.ok(&["plugin", "disable", EVIL]);
    stage.ostler.ok(&["plugin", "enable", "ostler.launcher-ssh"]);
    let output = stage.ostler.ok(&["connect", "target", "--host-key", "accept-new", "--", "echo", "alive"]);
    assert_eq!(output.stdout, "alive\n");
}

#[test]
fn a_plugin_that_crashes_again_and_again_is_held_back_until_it_is_enabled_and_the_others_run() {
    let stage = Stage::new();
    let directory = stage.ostler.home().join("config/ostler");
    std::fs::create_dir_all(&directory).unwrap();
    let configure = |policy: &str| std::fs::write(directory.join("config.toml"), policy).unwrap();
    for time in 0..3 {
        // Only the last report may have what the plugin was given.
        configure(if time < 2 { "" } else { "[policy]\ncrash-reports = \"with-input\"\n" });
        let output = stage.connect_with(&["evil=panic"]);
        assert!(output.stderr.contains("crashed"), "{}", output.stderr);
    }
    // It would plan honestly now, and is not asked any more; its state is in the store, not in a process.
    let output = stage.connect_with(&["evil=honest"]);
    assert!(output.stderr.contains("held back") && output.stderr.contains(EVIL), "{}", output.stderr);
    let calls = || stage.ostler.ok(&["plugin", "show", EVIL, "--json"]).json()["calls"].clone();
    let before = calls();
    stage.ostler.run(&["connect", "target", "--dry-run"]);
    assert_eq!(calls(), before);
    let list = stage.ostler.ok(&["plugin", "list", "--json"]).json();
    let state = |id: &str| {
        let plugin = list.as_array().unwrap().iter().find(|plugin| plugin["id"] == id).unwrap();
        plugin["state"].clone()
    };
    assert_eq!((state(EVIL), state("ostler.importer-csv")), ("held-back".into(), "ready".into()));
    assert!(stage.ostler.ok(&["plugin", "show", EVIL]).stdout.contains("held back for"));
    assert!(stage.ostler.run(&["doctor"]).stdout.contains("held back for"));
    let events = stage.ostler.ok(&["audit", "show", "--event", "plugin.hold", "--json"]).json();
    assert_eq!(events.as_array().unwrap().len(), 1);
    assert_eq!(events[0]["plugin"], EVIL);

    // Another launcher of the same type takes its place at once.
    stage.ostler.ok(&["plugin", "enable", "ostler.launcher-ssh"]);
    let output = stage.ostler.ok(&["connect", "target", "--host-key", "accept-new", "--", "echo", "alive"]);
    assert_eq!(output.stdout, "alive\n");
    stage.ostler.ok(&["plugin", "disable", "ostler.launcher-ssh"]);

    let out = stage.ostler.home().join("report.json");
    let crashes = ["plugin", "crashes", EVIL, "--out", out.to_str().unwrap(), "--json"];
    let reports = stage.ostler.ok(&crashes).json();
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(&out).unwrap()).unwrap(), reports);
    assert_eq!(reports.as_array().unwrap().len(), 3);
    assert_eq!((&reports[0]["call"], &reports[0]["input"]), (&"planning".into(), &Value::Null));
    let launch = &reports[2]["input"]["launch"];
    assert_eq!((&launch["host"], &launch["settings"]["evil"]), (&"127.0.0.1".into(), &"panic".into()));
    assert!(!reports.to_string().contains("the-password"), "{reports}");

    stage.ostler.ok(&["plugin", "enable", EVIL]);
    let output = stage.connect_with(&["evil=honest"]);
    assert!(!output.stderr.contains("held back"), "{}", output.stderr);
    let misspelt = stage.ostler.run(&["plugin", "crashes", "test.evil-launchers"]);
    assert!(misspelt.stderr.contains("there is no plugin"), "{}", misspelt.stderr);
}

#[test]
fn a_report_keeps_nothing_where_policy_says_so_and_never_more_than_the_latest() {
    let stage = Stage::new();
    let crash = || {
        stage.ostler.ok(&["plugin", "enable", EVIL]);
        stage.connect_with(&["evil=panic"]);
        stage.ostler.ok(&["plugin", "crashes", EVIL, "--json"]).json().as_array().unwrap().len()
    };
    let counts: Vec<usize> = (0..7).map(|_| crash()).collect();
    assert_eq!(counts, [1, 2, 3, 4, 5, 5, 5]);
    let directory = stage.ostler.home().join("config/ostler");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("config.toml"), "[policy]\ncrash-reports = \"none\"\n").unwrap();
    let last = |reports: &Value| reports.as_array().unwrap().last().unwrap().clone();
    let before = last(&stage.ostler.ok(&["plugin", "crashes", EVIL, "--json"]).json());
    crash();
    assert_eq!(last(&stage.ostler.ok(&["plugin", "crashes", EVIL, "--json"]).json()), before);
    assert_eq!(stage.ostler.ok(&["plugin", "show", EVIL, "--json"]).json()["traps"], 8);
}

#[test]
fn a_revoked_grant_refuses_the_plan_by_value_and_is_counted() {
    let stage = Stage::new();
    stage.ostler.ok(&["plugin", "revoke", EVIL, "secrets.use"]);
    let output = stage.connect_with(&["evil=honest"]);
    assert!(output.stderr.contains("'secrets.use' is not granted"), "{}", output.stderr);
    let shown = stage.ostler.ok(&["plugin", "show", EVIL, "--json"]).json();
    let capability = shown["capabilities"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["name"] == "secrets.use")
        .unwrap();
    assert_eq!((&capability["granted"], &capability["refused"]), (&Value::from(false), &Value::from(1)));
}

#[test]
fn files_that_are_no_plugin_or_want_what_they_did_not_ask_for_are_refused_and_leave_nothing() {
    let ostler = World::new();
    let text = ostler.file("text.wasm", "not wasm");
    let cases = [
        (text, "not a WebAssembly file"),
        (guest("no-manifest"), "has no manifest"),
        (guest("slots-unasked"), "does not ask for the capability 'secrets.use'"),
        (guest("sockets"), "wasi:sockets"),
    ];
    for (file, reason) in cases {
        let output = ostler.run(&["plugin", "install", file.to_str().unwrap()]);
        assert_eq!(output.code, 6, "{}", output.stderr);
        assert!(output.stderr.contains(reason), "{}", output.stderr);
        assert!(output.stderr.contains("hint: "), "{}", output.stderr);
    }
    let installed = std::fs::read_dir(ostler.store().join("plugins")).unwrap().count();
    assert_eq!(installed, 0);
}
