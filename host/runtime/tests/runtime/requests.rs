//! The capability `http` against real servers: what is sent, what is read of the answer, and what is refused, each refusal once more
//! without its guard.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use ostler_core::{
    FormAnswer, InjectError, SecretBytes, SecretField, SecretInjector, Sink, SlotName, WayOut,
};
use ostler_plugin_api::{Capability, Grant, Grants, Guard, Guards, Scope};
use ostler_runtime::{Limits, Plugin, PluginError, Said, SaidKind};

use crate::web::{Proxy, Web};
use crate::world::{World, guest, probed, request};

const SECRET: &str = "S3cret-for-the-server";

/// Grants of these hosts, and loopback or not.
fn granted(hosts: &[&str], loopback: bool) -> Grants {
    let hosts = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let addresses = if loopback { vec!["127.0.0.0/8".parse().unwrap()] } else { Vec::new() };
    let scope = Scope { hosts: Some(hosts), addresses: Some(addresses), ..Scope::default() };
    let mut grants: Grants =
        [Capability::Prompt, Capability::SecretsUse, Capability::SecretsStore].into_iter().collect();
    grants.0.insert(Capability::Http, Grant { layers: vec![scope] });
    grants
}

/// The requester with these grants.
fn requester(world: &World, hosts: &[&str], loopback: bool) -> Plugin {
    world.load_with(&guest("requester"), granted(hosts, loopback)).unwrap()
}

fn given(world: &World) {
    let slot = crate::world::slot("prompt.secret");
    let answer = FormAnswer::Secret { slot, bytes: SecretBytes::from(SECRET.to_owned()) };
    world.person.script.lock().unwrap().push_back(Ok(vec![("secret".to_owned(), answer)]));
}

fn url(web: &Web, rest: &str) -> String {
    format!("http://127.0.0.1:{}{rest}", web.port)
}

#[tokio::test]
async fn of_an_answer_the_plugin_reads_what_its_projection_names() {
    let (world, web) = (World::new(), Web::start());
    let plugin = requester(&world, &["http://*"], true);
    let said = probed(&plugin, &[("url", &url(&web, "/items"))]).await;
    assert!(said.starts_with("200 "), "{said}");
    assert!(said.contains(r#"[("x-served-by", "test")]"#), "{said}");
    assert!(said.contains(r#"$.items[*].name=[\"a\",\"b\"]"#), "{said}");
    assert!(said.contains("http.token:password"), "{said}");
    for hidden in ["t0ken-of-the-answer", "price", "secret=1", "bytes"] {
        assert!(!said.contains(hidden), "{hidden} in {said}");
    }
    let unknown = probed(&plugin, &[("url", &url(&web, "/other"))]).await;
    assert!(unknown.contains("[] [] []") && unknown.contains("no projection"), "{unknown}");
    let whole = probed(&plugin, &[("url", &url(&web, "/file"))]).await;
    assert!(whole.contains("5000 bytes file file"), "{whole}");
}

#[tokio::test]
async fn a_secret_reaches_the_server_and_not_the_plugin() {
    for (how, expected) in [
        ("header", format!("x-token: Token {SECRET}")),
        ("basic", "authorization: Basic YW5uYTpTM2NyZXQtZm9yLXRoZS1zZXJ2ZXI=".to_owned()),
        ("json", format!("{{\"password\":\"{SECRET}\"}}")),
    ] {
        let (world, web) = (World::new(), Web::start());
        given(&world);
        let plugin = requester(&world, &["http://*"], true);
        let said = probed(&plugin, &[("ask", "yes"), ("url", &url(&web, "/items")), (how, "x-token")]).await;
        let seen = web.requests();
        assert!(seen[0].0.contains(&expected) || seen[0].1 == expected, "{how}: {seen:?}");
        assert!(!said.contains(SECRET) && said.starts_with("200"), "{said}");
        let uses = world.uses.0.lock().unwrap().clone();
        assert_eq!(
            uses,
            [format!("test.requester prompt.secret request of http://127.0.0.1:{}", web.port)],
            "{how}"
        );
    }
}

#[tokio::test]
async fn a_secret_in_the_query_is_not_read_from_the_url_of_the_answer() {
    let (world, web) = (World::new(), Web::start());
    given(&world);
    let plugin = requester(&world, &["http://*"], true);
    let said = probed(&plugin, &[("ask", "yes"), ("url", &url(&web, "/items")), ("query", "key")]).await;
    assert!(web.requests()[0].0[0].contains(&format!("/items?key={SECRET}")), "{:?}", web.requests());
    assert!(
        said.starts_with(&format!("200 http://127.0.0.1:{}/ ", web.port)) && !said.contains(SECRET),
        "{said}"
    );
}

#[tokio::test]
async fn what_a_server_echoes_of_a_secret_is_blotted_out() {
    let (world, web) = (World::new(), Web::start());
    given(&world);
    let plugin = requester(&world, &["http://*"], true);
    let said = probed(&plugin, &[("ask", "yes"), ("url", &url(&web, "/items")), ("header", "x-token")]).await;
    assert!(said.contains("$.echo=[\\\"x-token: Token *********************\\\"]"), "{said}");
}

#[tokio::test]
async fn a_use_that_can_not_be_written_down_does_not_happen() {
    let (world, web) = (World::new(), Web::start());
    given(&world);
    *world.uses.1.lock().unwrap() = true;
    let plugin = requester(&world, &["http://*"], true);
    let said = probed(&plugin, &[("ask", "yes"), ("url", &url(&web, "/items")), ("header", "x-token")]).await;
    assert!(said.contains("could not be audited"), "{said}");
    assert!(web.requests().is_empty());
}

#[tokio::test]
async fn a_secret_of_an_answer_goes_back_to_where_it_came_from_and_nowhere_else() {
    for (guards, elsewhere) in [(Guards::default(), false), (Guards::default().without(Guard::Sink), true)] {
        let (world, own, other) = (World::guarded(Limits::default(), guards), Web::start(), Web::start());
        given(&world);
        let plugin = requester(&world, &["http://*"], true);
        let first = url(&own, "/items");
        let back =
            [("ask", "yes"), ("url", first.as_str()), ("then", &url(&own, "/items")), ("header", "x-token")];
        probed(&plugin, &back).await;
        assert!(
            own.requests()[1].0.contains(&"x-token: Token t0ken-of-the-answer".to_owned()),
            "{:?}",
            own.requests()
        );
        given(&world);
        let away = [
            ("ask", "yes"),
            ("url", first.as_str()),
            ("then", &url(&other, "/items")),
            ("header", "x-token"),
        ];
        let said = probed(&plugin, &away).await;
        assert_eq!(other.requests().len(), usize::from(elsewhere), "{said}");
        assert_eq!(said.contains("may not go to"), !elsewhere, "{said}");
    }
}

/// Opens the slots of a launch for one port of this machine.
struct OnePlace {
    port: u16,
    asked: Mutex<Vec<String>>,
}

impl OnePlace {
    fn new(port: u16) -> Arc<Self> {
        Arc::new(Self { port, asked: Mutex::default() })
    }
}

impl SecretInjector for OnePlace {
    fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, InjectError> {
        self.asked.lock().unwrap().push(format!("{slot} for the {sink}"));
        let own = Sink {
            protocol: "http".to_owned(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            field: SecretField::Request,
        };
        if own.same_place(sink) {
            Ok(SecretBytes::from(SECRET.to_owned()))
        } else {
            Err(InjectError::WrongSink { slot: slot.clone(), sink: sink.clone() })
        }
    }
}

async fn sent_with(plugin: &Plugin, place: &Arc<OnePlace>, settings: &[(&str, &str)]) -> String {
    let secrets: Arc<dyn SecretInjector> = place.clone();
    match plugin.plan_with(&request(settings), &secrets).await {
        Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => text,
        other => panic!("the requester should answer, not {other:?}"),
    }
}

#[tokio::test]
async fn a_slot_of_the_launch_goes_to_its_sink_and_nowhere_else() {
    let (world, own, other) = (World::new(), Web::start(), Web::start());
    let plugin = requester(&world, &["http://*"], true);
    let place = OnePlace::new(own.port);
    let (there, away) = (url(&own, "/items"), url(&other, "/items"));
    let there = [("slot", "login.password"), ("url", &*there), ("header", "x-token")];
    let said = sent_with(&plugin, &place, &there).await;
    assert!(own.requests()[0].0.contains(&format!("x-token: Token {SECRET}")), "{:?}", own.requests());
    assert!(!said.contains(SECRET) && said.starts_with("200"), "{said}");
    let away = [("slot", "login.password"), ("url", &*away), ("header", "x-token")];
    let said = sent_with(&plugin, &place, &away).await;
    assert!(said.contains("Denied") && said.contains("may not go to"), "{said}");
    assert_eq!(other.requests().len(), 0);
    let first = format!("login.password for the request of http://127.0.0.1:{}", own.port);
    assert_eq!(place.asked.lock().unwrap()[0], first);
    let shown_only = probed(&plugin, &there).await;
    assert!(shown_only.contains("this call opens no secrets"), "{shown_only}");
}

#[tokio::test]
async fn a_slot_that_was_not_offered_is_not_sent_and_that_is_the_guards_work() {
    for (guards, sent) in [(Guards::default(), 0), (Guards::default().without(Guard::Offered), 1)] {
        let (world, web) = (World::guarded(Limits::default(), guards), Web::start());
        let (plugin, place) = (requester(&world, &["http://*"], true), OnePlace::new(web.port));
        for (slot, expected) in [("setting.token", sent), ("store.of-another", sent * 2)] {
            let settings = [("slot", slot), ("url", &*url(&web, "/items")), ("header", "x-token")];
            let said = sent_with(&plugin, &place, &settings).await;
            assert_eq!(web.requests().len(), expected, "{slot}: {said}");
            assert_eq!(said.contains("was not offered the slot"), sent == 0, "{said}");
        }
    }
}

#[tokio::test]
async fn what_the_plugin_stored_is_sent_from_its_compartment() {
    let (world, web) = (World::new(), Web::start());
    let (plugin, place) = (requester(&world, &["http://*"], true), OnePlace::new(web.port));
    let sink = format!("127.0.0.1:{}", web.port);
    let settings =
        [("store", &*sink), ("slot", "store.kept"), ("url", &*url(&web, "/items")), ("header", "x-token")];
    let said = sent_with(&plugin, &place, &settings).await;
    assert!(said.starts_with("200"), "{said}");
    assert_eq!(web.requests().len(), 1);
}

#[tokio::test]
async fn no_secret_is_sent_without_the_grant_to_use_any() {
    for (guards, sent) in [(Guards::default(), 0), (Guards::default().without(Guard::Granted), 1)] {
        let (world, web) = (World::guarded(Limits::default(), guards), Web::start());
        given(&world);
        let plugin = requester(&world, &["http://*"], true);
        let mut grants = granted(&["http://*"], true);
        grants.0.remove(&Capability::SecretsUse);
        plugin.set_grants(grants);
        let settings = [("ask", "yes"), ("url", &*url(&web, "/items")), ("header", "x-token")];
        let said = probed(&plugin, &settings).await;
        assert_eq!(web.requests().len(), sent, "{said}");
        assert_eq!(said.contains("the capability 'secrets.use' is not granted"), sent == 0, "{said}");
    }
}

#[tokio::test]
async fn a_secret_is_no_user_name() {
    for (guards, sent) in [(Guards::default(), 0), (Guards::default().without(Guard::Sink), 1)] {
        let (world, web) = (World::guarded(Limits::default(), guards), Web::start());
        given(&world);
        let plugin = requester(&world, &["http://*"], true);
        let said =
            probed(&plugin, &[("ask", "yes"), ("url", &url(&web, "/items")), ("basic-user", "x")]).await;
        assert_eq!(web.requests().len(), sent, "{said}");
    }
}

#[tokio::test]
async fn a_host_that_is_not_granted_is_not_reached() {
    for (guards, sent) in [(Guards::default(), 0), (Guards::default().without(Guard::Scope), 1)] {
        let (world, web) = (World::guarded(Limits::default(), guards), Web::start());
        let plugin = requester(&world, &["http://other.example"], true);
        let said = probed(&plugin, &[("url", &url(&web, "/items"))]).await;
        assert_eq!(web.requests().len(), sent, "{said}");
        assert_eq!(said.contains("is not covered by the grant of 'http'"), sent == 0, "{said}");
        let refused = plugin.usage().refusals.iter().any(|refusal| refusal.reason.contains("is not covered"));
        assert_eq!(refused, sent == 0, "it is written down with its reason");
    }
}

#[tokio::test]
async fn plain_http_and_a_host_of_a_setting_have_to_be_granted() {
    let (world, web) = (World::new(), Web::start());
    let plugin = requester(&world, &["127.0.0.1"], true);
    let said = probed(&plugin, &[("url", &url(&web, "/items"))]).await;
    assert!(said.contains("is not covered"), "without http:// it is TLS only: {said}");
    let plugin = requester(&world, &["setting:server"], true);
    let said = probed(&plugin, &[("url", &url(&web, "/items"))]).await;
    assert!(said.contains("is not covered"), "nothing is set: {said}");
    world.set("test.requester", "server", &url(&web, "/"));
    let said = probed(&plugin, &[("url", &url(&web, "/items"))]).await;
    assert!(said.starts_with("200"), "{said}");
}

/// Names, literal addresses and redirects that lead to this machine.
#[tokio::test]
async fn an_address_of_this_machine_is_not_reached_unless_it_is_granted_by_address() {
    let names: [(&str, &str); 3] = [
        ("inside.example", "127.0.0.1"),
        ("mapped.example", "::ffff:127.0.0.1"),
        ("meta.example", "169.254.169.254"),
    ];
    for (guards, reached) in [(Guards::default(), false), (Guards::default().without(Guard::Address), true)] {
        let web = Web::start();
        let world = World::guarded(Limits::default(), guards);
        for (name, address) in names {
            world.names.0.lock().unwrap().insert(name.to_owned(), vec![address.parse::<IpAddr>().unwrap()]);
        }
        let plugin = requester(&world, &["http://*"], false);
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::ffff:127.0.0.1]",
            "inside.example",
            "mapped.example",
        ] {
            let before = web.requests().len();
            let said = probed(&plugin, &[("url", &format!("http://{host}:{}/items", web.port))]).await;
            assert_eq!(web.requests().len() - before, usize::from(reached), "{host}: {said}");
            assert_eq!(said.contains("a loopback address, which is not granted"), !reached, "{host}: {said}");
        }
        if !reached {
            let said = probed(&plugin, &[("url", "http://meta.example/items")]).await;
            assert!(said.contains("169.254.169.254, a link-local address"), "{said}");
        }
        let granted = requester(&world, &["http://*"], true);
        let said = probed(&granted, &[("url", &format!("http://inside.example:{}/items", web.port))]).await;
        assert!(said.starts_with("200"), "{said}");
    }
}

#[tokio::test]
async fn a_redirect_is_checked_as_a_request_is() {
    let (world, web) = (World::new(), Web::start());
    world.names.0.lock().unwrap().insert("start.example".to_owned(), vec!["127.0.0.1".parse().unwrap()]);
    let plugin = requester(&world, &["http://start.example"], true);
    let start = |to: &str| format!("http://start.example:{}/to?{to}", web.port);
    let said = probed(&plugin, &[("url", &start("/items"))]).await;
    assert!(said.starts_with("200") && said.contains("start.example"), "{said}");
    let said = probed(&plugin, &[("url", &start(&url(&web, "/items")))]).await;
    assert!(said.contains("is not covered"), "another host: {said}");
    let said = probed(&plugin, &[("url", &start("file:///etc/passwd"))]).await;
    assert!(said.contains("must begin with https"), "{said}");
    let said = probed(&plugin, &[("url", &start("/to?/to?/to?/to?/to?/to?/items"))]).await;
    assert!(said.contains("redirected more than 5 times"), "{said}");
    assert_eq!(web.requests().len(), 1 + 1 + 1 + 1 + 6);
}

#[tokio::test]
async fn a_secret_is_not_redirected_to_another_host() {
    for (guards, taken) in [(Guards::default(), 0), (Guards::default().without(Guard::Redirect), 1)] {
        let (world, web, other) = (World::guarded(Limits::default(), guards), Web::start(), Web::start());
        given(&world);
        let plugin = requester(&world, &["http://*"], true);
        let away = url(&web, &format!("/to?{}", url(&other, "/items")));
        let said = probed(&plugin, &[("ask", "yes"), ("url", &away), ("header", "x-token")]).await;
        assert_eq!(other.requests().len(), taken, "{said}");
        assert_eq!(said.contains("is not redirected"), taken == 0, "{said}");
    }
}

#[tokio::test]
async fn the_answer_to_a_secret_is_not_read_as_a_whole() {
    for (guards, read) in [(Guards::default(), false), (Guards::default().without(Guard::Projection), true)] {
        let (world, web) = (World::guarded(Limits::default(), guards), Web::start());
        given(&world);
        let plugin = requester(&world, &["http://*"], true);
        let said =
            probed(&plugin, &[("ask", "yes"), ("url", &url(&web, "/file")), ("header", "x-token")]).await;
        assert_eq!(said.contains("5000 bytes"), read, "{said}");
    }
}

#[tokio::test]
async fn tls_is_agreed_on_where_the_issuer_is_trusted_and_the_name_is_right() {
    let web = Web::over_tls("vault.example");
    let trusting = |roots_pem: Vec<u8>| World::on_the_way(WayOut { roots_pem, ..WayOut::default() });
    for (world, name, expected) in [
        (trusting(web.issuer.clone()), "vault.example", "200"),
        (trusting(web.issuer.clone()), "other.example", "Tls("),
        (trusting(Vec::new()), "vault.example", "Tls("),
    ] {
        world.names.0.lock().unwrap().insert(name.to_owned(), vec!["127.0.0.1".parse().unwrap()]);
        let plugin = requester(&world, &["*"], true);
        let said = probed(&plugin, &[("url", &format!("https://{name}:{}/other", web.port))]).await;
        assert!(said.contains(expected), "{name}: {said}");
    }
}

#[tokio::test]
async fn a_proxy_leads_to_hosts_that_are_granted_and_no_others() {
    let (web, plain, proxy) = (Web::over_tls("vault.example"), Web::start(), Proxy::start());
    let world = World::on_the_way(WayOut {
        proxy: Some(("127.0.0.1".to_owned(), proxy.port)),
        without_proxy: vec!["127.0.0.1".to_owned()],
        roots_pem: web.issuer.clone(),
    });
    let plugin = requester(&world, &["vault.example", "http://plain.example", "http://127.0.0.1"], true);
    let said = probed(&plugin, &[("url", &format!("https://vault.example:{}/other", web.port))]).await;
    assert!(said.starts_with("200"), "{said}");
    let said = probed(&plugin, &[("url", &format!("http://plain.example:{}/other", plain.port))]).await;
    assert!(said.starts_with("200"), "{said}");
    let said = probed(&plugin, &[("url", &url(&plain, "/other"))]).await;
    assert!(said.starts_with("200"), "{said}");
    let said = probed(&plugin, &[("url", "https://evil.example:443/other")]).await;
    assert!(said.contains("is not covered"), "{said}");
    let asked = proxy.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert_eq!(asked[0], format!("CONNECT vault.example:{} HTTP/1.1", web.port));
}

#[tokio::test]
async fn a_revoked_grant_ends_the_next_request() {
    let (world, web) = (World::new(), Web::start());
    let plugin = requester(&world, &["http://*"], true);
    assert!(probed(&plugin, &[("url", &url(&web, "/items"))]).await.starts_with("200"));
    plugin.set_grants(Grants::default());
    let said = probed(&plugin, &[("url", &url(&web, "/items"))]).await;
    assert!(said.contains("the capability 'http' is not granted"), "{said}");
    assert_eq!(web.requests().len(), 1);
}

#[tokio::test]
async fn what_can_not_be_sent_is_refused_with_its_reason() {
    let world = World::new();
    let plugin = requester(&world, &["http://*", "*"], true);
    for (url, method, reason) in [
        ("ftp://a/", "GET", "must begin with https"),
        ("http://user:pw@a/", "GET", "no user and no password"),
        ("nonsense", "GET", "can't be read"),
        ("http://a/", "CONNECT", "the method can't be used"),
        ("http://nobody.example/", "GET", "has no address"),
    ] {
        let said = probed(&plugin, &[("url", url), ("method", method)]).await;
        assert!(said.contains(reason), "{url} {method}: {said}");
    }
}
