//! Native plugins: one that comes with the project, on a real token; and one that tries what it must not.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};
use ostler_plugin_api::{Guard, Guards};
use ostler_runtime::{NativeError, NativePlugin, NativeSetup};

use crate::world::World;

/// Where Debian's package has the library of the software token.
const TOKEN_LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PLUGIN: &str = "ostler.credential-pkcs11";
const PIN: &str = "8642097531";
const PASSWORD: &str = "on-the-token-7f3a";

/// Returns a library that was built with the program.
fn library(name: &str) -> PathBuf {
    let program = PathBuf::from(std::env::var_os("OSTLER_PROGRAM").unwrap());
    let file = program.with_file_name(format!("lib{name}.so"));
    assert!(file.exists(), "{} is missing: run the tests with 'cargo xtask test'", file.display());
    file
}

/// A software token with a password on it.
struct Token {
    directory: PathBuf,
    configuration: PathBuf,
}

impl Token {
    fn new(world: &World) -> Self {
        let directory = world.home().join("tokens");
        std::fs::create_dir(&directory).unwrap();
        let configuration = world.home().join("softhsm2.conf");
        std::fs::write(&configuration, format!("directories.tokendir = {}\n", directory.display())).unwrap();
        let token = Self { directory, configuration };
        token.tool(
            "softhsm2-util",
            &["--init-token", "--free", "--label", "ops", "--so-pin", "1234", "--pin", PIN],
        );
        let value = world.file("value", PASSWORD);
        let write = |label: &str, private: &str| {
            let value = value.to_str().unwrap();
            let words = ["--module", TOKEN_LIBRARY, "--token-label", "ops", "--login", "--pin", PIN];
            let object = ["--write-object", value, "--type", "data", "--label", label];
            let mut words = [words.as_slice(), &object, &["--application-label", "ostler:password"]].concat();
            words.extend((!private.is_empty()).then_some(private));
            token.tool("pkcs11-tool", &words);
        };
        write("box", "--private");
        write("seen by all", "");
        token
    }

    fn tool(&self, program: &str, words: &[&str]) {
        let ran = Command::new(program).args(words).env("SOFTHSM2_CONF", &self.configuration).output();
        let ran = ran
            .unwrap_or_else(|error| panic!("{program} is needed ('cargo xtask test' installs it): {error}"));
        assert!(ran.status.success(), "{program}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    fn configure(&self, world: &World, digest: &str) {
        let directory = world.home().join("config/ostler");
        std::fs::create_dir_all(&directory).unwrap();
        let (library, configuration) = (TOKEN_LIBRARY, self.configuration.display());
        let text = format!(
            "[[policy.native]]\nid = \"{PLUGIN}\"\ndigest = \"{digest}\"\n\
             [plugin.\"{PLUGIN}\".settings]\nmodule = \"{library}\"\ntoken = \"ops\"\n\
             environment = [\"SOFTHSM2_CONF={configuration}\"]\n"
        );
        std::fs::write(directory.join("config.toml"), text).unwrap();
    }

    /// Installs the plugin and gives it the files of the token.
    fn install(&self, world: &World) {
        let file = library("credential_pkcs11");
        let refused = world.run(&["plugin", "install", file.to_str().unwrap()]);
        assert_eq!(refused.code, 4, "{}", refused.stderr);
        assert!(refused.stderr.contains("[[policy.native]]"), "{}", refused.stderr);
        let digest =
            refused.stderr.split_once("digest = \"").unwrap().1.split_once('"').unwrap().0.to_owned();
        self.configure(world, &digest);
        world.ok(&["plugin", "install", file.to_str().unwrap()]);
        let (read, write) = (
            format!("read:{}", self.configuration.display()),
            format!("write:{}/**", self.directory.display()),
        );
        world.ok(&["plugin", "grant", PLUGIN, "files", "--file", &read, "--file", &write]);
    }
}

fn server() -> FakeSshServer {
    let login = FakeLogin::Password(PASSWORD.to_owned());
    let user = FakeUser { name: "deploy".to_owned(), login };
    FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() }).unwrap()
}

#[test]
fn a_password_on_a_token_opens_a_session_and_is_nowhere_else() {
    let (world, server) = (World::new(), server());
    let token = Token::new(&world);
    token.install(&world);
    let listed = world.ok(&["plugin", "entries", PLUGIN, "--json"]).json();
    assert_eq!(listed[0]["entry"], "password:seen by all", "{listed}");
    let port = server.port().to_string();
    let place = ["--type", "ssh", "--host", "127.0.0.1", "--port", &port, "--user", "deploy"];
    let words =
        [&["connection", "add", "box"], place.as_slice(), &["--source", PLUGIN, "--entry", "password:box"]];
    world.ok(&words.concat());
    let plan = world.ok(&["connect", "box", "--dry-run"]).stdout;
    assert!(plan.contains("'box' of ostler.credential-pkcs11"), "{plan}");
    let nobody = world.run(&["connect", "box", "--host-key", "accept-new", "--", "echo in"]);
    assert!(nobody.code == 255 && nobody.stderr.contains("PIN of the token 'ops'"), "{}", nobody.stderr);
    for (pin, code, shown) in [("0000000000", 255, "the PIN is wrong"), (PIN, 0, "in")] {
        let mut terminal = world.terminal(&["connect", "box", "--host-key", "accept-new", "--", "echo in"]);
        terminal.wait_for("PIN of the token 'ops'").unwrap();
        terminal.keys(&format!("{pin}\r")).unwrap();
        assert_eq!(terminal.end().unwrap(), code, "{}", terminal.screen());
        assert!(
            terminal.screen().contains(shown) && !terminal.screen().contains(pin),
            "{}",
            terminal.screen()
        );
    }
    let audit = world.ok(&["audit", "show", "--json"]).stdout;
    assert!(
        audit.contains("credential.acquire") && !audit.contains(PASSWORD) && !audit.contains(PIN),
        "{audit}"
    );
    let acquired = world.ok(&["audit", "show", "--event", "credential.acquire", "--json"]).json();
    let outcomes: Vec<&str> =
        acquired.as_array().unwrap().iter().filter_map(|e| e["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["failure", "success"], "{acquired}");
    world.ok(&["audit", "verify"]);
}

#[test]
fn a_file_that_policy_does_not_pin_any_more_is_not_loaded() {
    let world = World::new();
    let token = Token::new(&world);
    token.install(&world);
    world.ok(&["plugin", "entries", PLUGIN]);
    token.configure(&world, &format!("sha256:{}", "0".repeat(64)));
    let refused = world.run(&["plugin", "entries", PLUGIN]);
    assert!(refused.code == 4 && refused.stderr.contains("pins another file"), "{}", refused.stderr);
}

#[test]
fn without_its_files_the_token_is_not_there() {
    let world = World::new();
    Token::new(&world).install(&world);
    world.ok(&["plugin", "revoke", PLUGIN, "files"]);
    let refused = world.run(&["plugin", "entries", PLUGIN]);
    assert_ne!(refused.code, 0, "{}", refused.stdout);
}

/// The guest that tries things, with files that it may read and write.
fn guest(read: &[&Path], write: &[&Path], guards: Guards) -> NativePlugin {
    let paths = |paths: &[&Path]| paths.iter().map(|path| path.to_path_buf()).collect();
    NativePlugin::new(NativeSetup {
        plugin: "test.native-guest".to_owned(),
        program: std::env::var_os("OSTLER_PROGRAM").unwrap().into(),
        library: Arc::from(std::fs::read(library("native_guest")).unwrap()),
        settings: serde_json::Map::new(),
        read: paths(read),
        write: paths(write),
        call_time: Duration::from_secs(20),
        guards,
    })
}

async fn tried(guest: &NativePlugin, attempt: &str) -> String {
    match guest.browse(Some(attempt)).await {
        Ok(entries) => entries[0].name.clone(),
        Err(error) => format!("error: {error}"),
    }
}

#[tokio::test]
async fn what_a_native_plugin_must_not_do_is_refused_and_its_guard_is_the_confinement() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("file");
    std::fs::write(&file, "12345").unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let attempts = [
        (format!("read {}", file.display()), "5 bytes"),
        (format!("write {}", room.path().join("new").display()), "wrote"),
        (format!("connect {}", listener.local_addr().unwrap()), "connected"),
        ("listen".to_owned(), "listening"),
        ("execute".to_owned(), "exit status: 0"),
        ("fork".to_owned(), "forked"),
        ("kill".to_owned(), "reached"),
    ];
    let (confined, free) =
        (guest(&[], &[], Guards::default()), guest(&[], &[], Guards::default().without(Guard::Confined)));
    for (attempt, done) in attempts {
        assert_eq!(tried(&confined, &attempt).await, "refused: PermissionDenied", "{attempt}");
        assert_eq!(tried(&free, &attempt).await, done, "{attempt}");
    }
}

#[tokio::test]
async fn what_is_granted_and_what_is_harmless_is_done() {
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("file");
    std::fs::write(&file, "12345").unwrap();
    let reader = guest(&[&file], &[], Guards::default());
    assert_eq!(tried(&reader, &format!("read {}", file.display())).await, "5 bytes");
    assert_eq!(tried(&reader, &format!("write {}", file.display())).await, "refused: PermissionDenied");
    let writer = guest(&[], &[room.path()], Guards::default());
    assert_eq!(tried(&writer, &format!("write {}", room.path().join("new").display())).await, "wrote");
    for (attempt, done) in
        [("thread", "Some(7)"), ("print", "printed"), ("environment", "[]"), ("settings", "{}")]
    {
        assert_eq!(tried(&reader, attempt).await, done, "{attempt}");
    }
    let descriptors = tried(&reader, "descriptors").await;
    assert!(descriptors.split(',').count() <= 6, "nothing is inherited: {descriptors}");
}

#[tokio::test]
async fn a_crash_costs_the_call_and_no_more() {
    let guest = guest(&[], &[], Guards::default());
    for (attempt, ended) in [
        ("abort", "it crashed (signal 6)"),
        ("null", "it crashed (signal 11)"),
        ("exit", "it crashed (exit status 3)"),
        ("memory", "it crashed (signal 6)"),
        ("answer", "it crashed (exit status 1)"),
        ("panic", "the plugin panicked"),
    ] {
        assert_eq!(tried(&guest, attempt).await, format!("error: {ended}"), "{attempt}");
        assert_eq!(tried(&guest, "nothing").await, "nothing", "after {attempt}");
    }
    let said = guest.describe("x").await.unwrap_err();
    assert_eq!(said.to_string(), "there is no 'x'\u{fffd}[31m", "its words are cleaned");
}

#[tokio::test]
async fn a_call_that_does_not_end_is_ended() {
    let mut setup = guest(&[], &[], Guards::default()).into_setup();
    setup.call_time = Duration::from_secs(1);
    let error = NativePlugin::new(setup).browse(Some("loop")).await.unwrap_err();
    assert!(matches!(error, NativeError::TimedOut { .. }), "{error}");
}

#[tokio::test]
async fn a_library_that_is_no_plugin_is_not_called() {
    let mut setup = guest(&[], &[], Guards::default()).into_setup();
    setup.library = Arc::from(std::fs::read(TOKEN_LIBRARY).unwrap());
    let error = NativePlugin::new(setup.clone()).browse(None).await.unwrap_err();
    assert!(error.to_string().contains("it is no native plugin"), "{error}");
    setup.library = Arc::from(&b"no library at all"[..]);
    let error = NativePlugin::new(setup).browse(None).await.unwrap_err();
    assert!(error.to_string().contains("can't be loaded"), "{error}");
}
