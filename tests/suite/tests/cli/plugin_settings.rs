//! Settings of plugins and of connections: set, refused with what would fit, and secrets among them that nobody reads.

use std::path::{Path, PathBuf};

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser, Observed};
use ostler_suite::Ostler;
use serde_json::Value;

const PLUGIN: &str = "test.machine-user";
const TOKEN: &str = "token-that-nobody-reads";

/// Returns a guest's file.
fn guest(name: &str) -> String {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("guests");
    let folder = std::env::var_os("OSTLER_GUESTS_DIR").map_or(built, PathBuf::from);
    folder.join(format!("guest-{name}.wasm")).display().to_string()
}

/// A store with the plugin in charge of SSH and a connection `driver` to a server that takes the token as its password.
struct Stage {
    ostler: Ostler,
    server: FakeSshServer,
}

impl Stage {
    fn new() -> anyhow::Result<Self> {
        let login = FakeLogin::Password(TOKEN.to_owned());
        let users = vec![FakeUser { name: "deploy".to_owned(), login }];
        let server = FakeSshServer::start(FakeSshOptions { users, ..FakeSshOptions::default() })?;
        let ostler = Ostler::with_store()?;
        ostler.run(&["plugin", "install", &guest("machine-user")])?.succeeded()?;
        for capability in ["settings", "secrets.use"] {
            ostler.run(&["plugin", "grant", PLUGIN, capability])?.succeeded()?;
        }
        ostler.run(&["plugin", "disable", "ostler.launcher-ssh"])?.succeeded()?;
        let port = server.port().to_string();
        let at = ["--type", "ssh", "--host", "127.0.0.1", "--port", &port, "--user", "deploy"];
        let mut add = vec!["connection", "add", "driver", "--set", "use=setting.token"];
        add.extend(at);
        ostler.run(&add)?.succeeded()?;
        ostler.file("token", format!("{TOKEN}\n"))?;
        Ok(Self { ostler, server })
    }

    fn configure(&self, words: &[&str]) -> anyhow::Result<ostler_suite::Output> {
        self.ostler.run(&[&["plugin", "configure", PLUGIN][..], words].concat())
    }

    fn setting(&self, key: &str) -> anyhow::Result<Value> {
        let all = self.configure(&["--show", "--json"])?.succeeded()?.json()?;
        let found = all.as_array().and_then(|all| all.iter().find(|setting| setting["key"] == key)).cloned();
        found.ok_or_else(|| anyhow::anyhow!("no setting '{key}' in {all}"))
    }

    /// Lets the plugin say something about its settings.
    fn plugin_says(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut edit = vec!["connection", "edit", "driver"];
        words.iter().for_each(|word| edit.extend(["--set", word]));
        self.ostler.run(&edit)?.succeeded()?;
        Ok(self.ostler.run(&["connect", "driver", "--dry-run"])?.stderr)
    }
}

#[test]
fn what_is_set_is_checked_by_the_schema_shown_and_read_by_the_plugin() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    stage
        .configure(&["--set", "server=vault.example", "--set", "names=a,b", "--set", "verbose=true"])?
        .succeeded()?;
    let server = stage.setting("server")?;
    assert_eq!((&server["value"], &server["origin"]), (&"vault.example".into(), &"set".into()));
    assert_eq!(stage.setting("port")?["origin"], "default");
    let said = stage.plugin_says(&["do=settings.all"])?;
    assert!(said.contains("depth=one names=a+b port=22 server=vault.example verbose=true"), "{said}");

    for (word, expected) in [
        ("port=99999", "port: the value of 'port' does not fit: expected a whole number from 1 to 65535"),
        ("depth=deep", "expected one of one, whole-tree"),
        ("names=a,B", "like ^[a-z]+$"),
        ("server=no host", "in the form 'hostname'"),
        ("prot=1", "did you mean 'port'?"),
    ] {
        stage.configure(&["--set", word])?.failed(1, expected)?;
    }
    assert_eq!(stage.setting("port")?["value"], 22);
    stage.configure(&["--unset", "server"])?.failed(1, "'server' has to be set")?;
    stage.configure(&["--unset", "verbose"])?.succeeded()?;
    assert_eq!(stage.setting("verbose")?["origin"], "nowhere");

    let events =
        stage.ostler.run(&["audit", "show", "--event", "plugin.configure", "--json"])?.succeeded()?.json()?;
    assert_eq!(events[0]["details"]["keys"], "names, server, verbose", "{events}");
    assert_eq!(events.as_array().map(Vec::len), Some(2), "what was refused changed nothing: {events}");
    Ok(())
}

#[test]
fn a_secret_among_the_settings_gets_to_its_place_and_is_read_by_nobody() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let port = stage.server.port().to_string();
    stage.configure(&["--set", "token=x", "--set", "server=s"])?.failed(1, "no command line takes")?;
    stage.configure(&["--secret-file", "token=token"])?.failed(1, "set that first")?;
    let set = ["--set", "server=127.0.0.1", "--set", &format!("port={port}"), "--secret-file", "token=token"];
    let shown = stage.configure(&set)?.succeeded()?.text();
    assert!(
        shown.contains("(secret)") && shown.contains(&format!("password of ssh://127.0.0.1:{port}")),
        "{shown}"
    );

    let said = stage.plugin_says(&["do=slots"])?;
    assert!(said.contains("setting.token"), "{said}");
    for words in [&["do=settings.all"][..], &["do=settings.get", "key=token"]] {
        let said = stage.plugin_says(words)?;
        assert!(!said.contains(TOKEN), "{said}");
    }
    assert!(said.contains("setting.token"), "{said}");
    stage.ostler.run(&["connection", "edit", "driver", "--unset", "do"])?.succeeded()?;
    let connect = ["connect", "driver", "--host-key", "accept-new", "--", "echo", "in"];
    stage.ostler.run(&connect)?.succeeded()?;
    let used = |entry: &Observed| format!("{entry:?}").contains("password");
    assert!(stage.server.log().iter().any(used), "{:?}", stage.server.log());

    // Another host is another place: the secret does not follow.
    let told = stage.configure(&["--set", "server=localhost"])?.succeeded()?;
    assert!(told.stderr.contains("was forgotten: give it again"), "{}", told.stderr);
    assert_eq!(stage.setting("token")?["origin"], "nowhere");
    // And one that is for another place is refused where it is used.
    stage.configure(&["--secret-file", "token=token"])?.succeeded()?;
    stage.ostler.run(&connect)?.failed(255, "may not go to the password of ssh://127.0.0.1")?;
    Ok(())
}

#[test]
fn in_a_terminal_each_setting_is_asked_for() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    stage.configure(&[])?.failed(5, "nothing was named with --set")?;
    let mut terminal = stage.ostler.terminal(&["plugin", "configure", PLUGIN], 120, 40)?;
    terminal.wait_for("Depth [1-2]: ")?;
    terminal.keys("2\r")?;
    terminal.wait_for("names: ")?;
    terminal.keys("\r")?;
    terminal.wait_for("Port [22]: ")?;
    terminal.keys("0\r")?;
    terminal.wait_for("expected a whole number from 1 to 65535")?;
    terminal.keys("2222\r")?;
    terminal.wait_for("Server: ")?;
    terminal.keys("vault.example\r")?;
    terminal.wait_for("Token: ")?;
    terminal.keys(&format!("{TOKEN}\r"))?;
    terminal.wait_for("Verbose [y/N]: ")?;
    terminal.keys("y\r")?;
    assert_eq!(terminal.end()?, 0);
    assert!(!terminal.screen().contains(TOKEN), "{}", terminal.screen());
    assert_eq!(stage.setting("port")?["value"], 2222);
    assert_eq!(stage.setting("depth")?["value"], "whole-tree");
    assert_eq!(stage.setting("token")?["places"][0], "password of ssh://vault.example:2222");
    Ok(())
}

#[test]
fn settings_of_connections_are_checked_before_they_are_stored() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["connection", "add", "a", "--type", "ssh", "--host", "h"])?.succeeded()?;
    for (word, expected) in [
        ("ssh.keepalive-secnds=3", "did you mean 'ssh.keepalive-seconds'?"),
        ("shs.keepalive-seconds=3", "did you mean 'ssh.keepalive-seconds'?"),
        ("ssh.unheard-of=3", "there is no setting 'ssh.unheard-of'"),
        ("ssh.keepalive-seconds=often", "expected a whole number from 0 to 86400"),
        ("recording=maybe", "expected one of on, off, required"),
    ] {
        ostler.run(&["connection", "edit", "a", "--set", word])?.failed(1, expected)?;
        ostler.run(&["folder", "add", "F", "--set", word])?.failed(1, expected)?;
    }
    let words = ["--set", "ssh.environment=A=b,C=d", "--set", "ssh.command=123", "--set", "other.thing=x"];
    let edited =
        ostler.run(&[&["connection", "edit", "a", "--json"][..], &words].concat())?.succeeded()?.json()?;
    assert_eq!(edited["settings"]["ssh.environment"], serde_json::json!(["A=b", "C=d"]));
    assert_eq!(
        (&edited["settings"]["ssh.command"], &edited["settings"]["other.thing"]),
        (&"123".into(), &"x".into())
    );
    let listed = ostler.run(&["connection", "settings"])?.succeeded()?.text();
    assert!(listed.contains("ssh.keepalive-seconds") && listed.contains("from 0 to 86400"), "{listed}");
    Ok(())
}
