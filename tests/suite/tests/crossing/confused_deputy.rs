//! Confused deputies: plugins that have a right and use it for what it was not given for. Each is refused and audited, and each has a
//! twin that does the same as it should and is let.
//!
//! A plan to another host and a secret in a user name of SSH are in `hostile.rs`, what another plugin stored in `store_plugins.rs`, a
//! driver that opens another wire in `host/runtime/tests/runtime/driving_secrets.rs`.

use std::fs;

use serde_json::Value;

use crate::component::{manifest_of, with_manifest};
use crate::guest_memory::guest_memory;
use crate::web::Web;
use crate::world::{World, guest};

const PLUGIN: &str = "test.requester";
const TOKEN: &str = "token-that-nobody-reads";
const PASSWORD: &str = "password-of-the-connection";

/// The plugin with a token for one server, which a connection of its tells what to do; and another server.
struct Stage {
    ostler: World,
    own: Web,
    other: Web,
}

impl Stage {
    fn new() -> Self {
        let (ostler, own, other) = (World::new(), Web::start(), Web::start());
        ostler.ok(&["plugin", "install", guest("requester").to_str().unwrap()]);
        for capability in ["http", "secrets.use", "prompt"] {
            ostler.ok(&["plugin", "grant", PLUGIN, capability]);
        }
        let token = format!("token={}", ostler.file("token", TOKEN).display());
        let server = format!("server={}", own.url(""));
        ostler.ok(&["plugin", "configure", PLUGIN, "--set", &server, "--secret-file", &token]);
        let password = ostler.file("password", PASSWORD);
        let (port, password) = (own.port.to_string(), password.to_str().unwrap());
        let at = ["--type", "requests", "--host", "127.0.0.1", "--port", &port, "--user", "anna"];
        ostler.ok(&[&["connection", "add", "api", "--password-file", password][..], &at].concat());
        Self { ostler, own, other }
    }

    fn tell(&self, what: &[(&str, &str)]) {
        let settings: Vec<String> = what.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let words = settings.iter().flat_map(|setting| ["--set", setting]);
        self.ostler.ok(&["connection", "edit", "api"].into_iter().chain(words).collect::<Vec<_>>());
    }

    /// Lets the plugin send its token, unless it is told of another slot, and returns what it got.
    fn plugin_sends(&self, what: &[(&str, &str)]) -> String {
        self.tell(&[&[("slot", "setting.token"), ("header", "x-token")], what].concat());
        let said = self.ostler.run(&["connect", "api"]).stderr;
        assert!(!said.contains(TOKEN) && !said.contains(PASSWORD), "{said}");
        said
    }

    fn assert_refused(&self, class: &str, reason: &str) {
        let refused = self.refused(class);
        assert!(refused.iter().any(|known| known.contains(reason)), "{refused:?}");
    }

    /// The reasons of what was refused, of one class of events.
    fn refused(&self, class: &str) -> Vec<String> {
        let events = self.ostler.ok(&["audit", "show", "--event", class, "--json"]).json();
        let denied = events.as_array().unwrap().iter().filter(|event| event["outcome"] == "denied");
        denied.map(|event| event["reason"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn a_secret_goes_to_the_server_that_it_was_given_for_and_to_no_other() {
    let stage = Stage::new();
    let said = stage.plugin_sends(&[("url", &stage.own.url("/items"))]);
    assert!(said.contains("words-of-the-server"), "{said}");
    assert!(stage.own.seen()[0].contains(&format!("x-token: Token {TOKEN}")), "{:?}", stage.own.seen());
    let used = stage.ostler.ok(&["audit", "show", "--event", "secret.inject", "--json"]).json();
    let last = used.as_array().unwrap().last().unwrap();
    assert_eq!((&last["outcome"], &last["details"]["slot"]), (&"success".into(), &"setting.token".into()));

    let said = stage.plugin_sends(&[("url", &stage.other.url("/items"))]);
    assert!(said.contains("may not go to"), "{said}");
    assert_eq!(stage.other.seen(), Vec::<String>::new());
    let refused = stage.refused("secret.inject");
    assert!(refused.len() == 1 && refused[0].contains("'setting.token'"), "{refused:?}");
}

#[test]
fn a_password_for_one_protocol_goes_into_no_request() {
    let stage = Stage::new();
    let said = stage.plugin_sends(&[("slot", "login.password"), ("url", &stage.own.url("/items"))]);
    assert!(said.contains("may not go to the request of"), "{said}");
    stage.assert_refused("secret.inject", "'login.password'");
    assert_eq!(stage.own.seen(), Vec::<String>::new());
}

#[test]
fn a_secret_is_no_user_name() {
    let stage = Stage::new();
    let said = stage.plugin_sends(&[("basic-user", "yes"), ("url", &stage.own.url("/items"))]);
    assert!(said.contains("may not go into a user name"), "{said}");
    stage.assert_refused("capability.use", "may not go into a user name");
    assert_eq!(stage.own.seen(), Vec::<String>::new());
}

#[test]
fn a_server_that_echoes_tells_the_plugin_nothing() {
    let stage = Stage::new();
    let said = stage.plugin_sends(&[("url", &stage.own.url("/items"))]);
    assert!(said.contains(&format!("x-token: Token {}", "*".repeat(TOKEN.len()))), "{said}");
    let said = stage.plugin_sends(&[("url", &stage.own.url("/file"))]);
    assert!(said.contains("no answer is read as a whole"), "{said}");
    stage.assert_refused("capability.use", "no answer is read as a whole");
    let said = stage.plugin_sends(&[("url", &stage.own.url("/items")), ("then", &stage.own.url("/file"))]);
    assert!(!said.contains("all of it"), "what a later request brings back: {said}");
}

#[test]
fn a_redirect_takes_no_secret_to_another_server() {
    let stage = Stage::new();
    let within = stage.own.url(&format!("/to?{}", stage.own.url("/items")));
    assert!(stage.plugin_sends(&[("url", &within)]).contains("words-of-the-server"));
    let away = stage.own.url(&format!("/to?{}", stage.other.url("/items")));
    let said = stage.plugin_sends(&[("url", &away)]);
    assert!(said.contains("a request with a secret is not redirected"), "{said}");
    stage.assert_refused("capability.use", "is not redirected");
    assert_eq!(stage.other.seen(), Vec::<String>::new());
}

#[test]
fn a_redirect_leads_to_no_address_that_is_closed_by_whatever_name() {
    let stage = Stage::new();
    stage.ostler.ok(&["plugin", "grant", PLUGIN, "http", "--address", "127.0.0.1"]);
    let port = stage.other.port;
    for host in
        ["127.0.0.2", "2130706434", "0x7f.2", "0177.0.0.2", "[::ffff:127.0.0.2]", "[::1]", "169.254.169.254"]
    {
        let away = stage.own.url(&format!("/to?http://{host}:{port}/items"));
        // Without a secret, which goes nowhere else anyhow.
        stage.tell(&[("url", &away)]);
        let said = stage.ostler.run(&["connect", "api"]).stderr;
        assert!(said.contains("which is not granted"), "{host}: {said}");
    }
    assert_eq!(stage.other.seen(), Vec::<String>::new());
    assert_eq!(stage.refused("capability.use").len(), 7);
    let let_go = stage.own.url(&format!("/to?{}", stage.other.url("/items")));
    stage.tell(&[("url", &let_go)]);
    assert!(stage.ostler.run(&["connect", "api"]).stderr.contains("words-of-the-server"));
}

#[test]
fn a_slot_of_another_plugin_or_of_an_earlier_call_is_no_slot() {
    let stage = Stage::new();
    // The token is the other plugin's now, under the very same name.
    stage.ostler.ok(&["plugin", "configure", PLUGIN, "--unset", "token"]);
    stage.ostler.ok(&["plugin", "install", guest("machine-user").to_str().unwrap()]);
    let token = format!("token={}", stage.ostler.file("token", TOKEN).display());
    stage.ostler.ok(&[
        "plugin",
        "configure",
        "test.machine-user",
        "--set",
        "server=127.0.0.1",
        "--secret-file",
        &token,
    ]);
    // A slot that came with an answer is one of that call only.
    assert!(
        stage.plugin_sends(&[("slot", ""), ("url", &stage.own.url("/items"))]).contains("not a slot name")
    );
    for slot in ["setting.token", "http.token", "store.kept", "prompt.secret"] {
        let said = stage.plugin_sends(&[("slot", slot), ("url", &stage.own.url("/items"))]);
        assert!(said.contains(&format!("this call was not offered the slot '{slot}'")), "{slot}: {said}");
    }
    assert_eq!(stage.own.seen(), Vec::<String>::new());
    assert_eq!(stage.refused("capability.use").len(), 4);
}

#[test]
fn a_projection_that_is_too_wide_is_not_installed() {
    let stage = Stage::new();
    let bytes = fs::read(guest("requester")).unwrap();
    let file = stage.ostler.file("wide.wasm", "");
    let install = |path: &str| {
        let manifest = manifest_of(&bytes).replace("\"$.echo\"", &format!("{path:?}"));
        fs::write(&file, with_manifest(&bytes, &manifest)).unwrap();
        stage.ostler.run(&["plugin", "install", file.to_str().unwrap()])
    };
    for wide in ["$", "$..*", "$[*]", "$[?@]"] {
        let refused = install(wide);
        assert!(
            refused.code != 0 && refused.stderr.contains("selects everything"),
            "{wide}: {}",
            refused.stderr
        );
    }
    assert_eq!(install("$.total").code, 0);
}

#[test]
fn a_secret_in_a_request_is_in_no_memory_of_the_plugin_that_sent_it() {
    let stage = Stage::new();
    let settings = [("url", stage.own.url("/items")), ("then", stage.own.url("/hold"))];
    let settings = settings.each_ref().map(|(key, value)| (*key, value.as_str()));
    stage.tell(&[&[("slot", "setting.token"), ("header", "x-token")], &settings[..]].concat());
    let mut running = stage.ostler.command(&["connect", "api"]).spawn().unwrap();
    let memory = stage.own.while_it_holds(|| guest_memory(running.id()));
    running.wait().unwrap();
    assert!(stage.own.seen()[0].contains(TOKEN), "it was sent");
    let holds = |text: &str| memory.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("words-of-the-server") && holds("setting.token"), "this is not the memory of the plugin");
    assert!(!holds(TOKEN), "the token is in the plugin's memory");
    let written = fs::read_to_string(stage.ostler.home().join("state/ostler/log/ostler.log")).unwrap();
    assert!(!written.contains(TOKEN), "the token is in the log");
    let kept: Value = stage.ostler.ok(&["audit", "show", "--json"]).json();
    assert!(!kept.to_string().contains(TOKEN), "the token is in the audit log");
}
