//! The capability `inbound`: a plugin that is called from outside, by curl and by worse.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;

use ostler_core::{SecretBytes, WayIn, WayOut};
use ostler_plugin_api::{Capability, Grant, Grants, Guard, Scope};
use ostler_runtime::{Plugin, RuntimeConfig};
use tokio::task::JoinHandle;

use crate::web::Web;
use crate::world::{EVERYTHING, NOTHING, World, guest, probed};

/// A plugin that waits to be called.
struct Waiting {
    url: String,
    said: JoinHandle<String>,
}

impl Waiting {
    async fn start(world: &World, settings: &[(&str, &str)]) -> Self {
        Self::of(world, world.load(&guest("called"), EVERYTHING).unwrap(), settings).await
    }

    async fn of(world: &World, plugin: Plugin, settings: &[(&str, &str)]) -> Self {
        let settings: Vec<(String, String)> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let before = world.person.seen.lock().unwrap().len();
        let said = tokio::spawn(async move {
            let settings: Vec<(&str, &str)> =
                settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            probed(&plugin, &settings).await
        });
        // An earlier question may have left its notice.
        while world.person.seen.lock().unwrap().len() == before {
            world.person.asked.notified().await;
        }
        let url = world.person.seen.lock().unwrap().last().unwrap().1.message.clone();
        Self { url, said }
    }

    async fn said(self) -> String {
        self.said.await.unwrap()
    }
}

/// Calls with curl, and returns the status and the answer with its head.
async fn curl(arguments: &[&str]) -> (u16, String) {
    let mut command = Command::new("curl");
    command
        .args(["--silent", "--show-error", "--include", "--max-time", "30", "--header", "Expect:"])
        .args(arguments);
    let output =
        tokio::task::spawn_blocking(move || command.output().unwrap_or_else(|error| panic!("curl: {error}")))
            .await
            .unwrap();
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let status = said.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    (status, said.to_ascii_lowercase())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_comes_back_and_its_code_goes_on_without_being_read() {
    let (world, web) = (World::new(), Web::start());
    let send = format!("http://127.0.0.1:{}/items", web.port);
    let told = [("open", "sign-in"), ("answer", "200|html|<p>Done.</p>"), ("send", send.as_str())];
    let waiting = Waiting::start(&world, &told).await;
    assert!(waiting.url.starts_with("http://127.0.0.1:"), "{}", waiting.url);
    let part = waiting.url.rsplit('/').next().unwrap();
    assert!(part.len() == 48 && part.chars().all(|c| c.is_ascii_hexdigit()), "nobody guesses it: {part}");
    let url = format!(
        "{}/back?code=c0de%2Fof-the-sign-in&state=with-c0de%2Fof-the-sign-in&twice=1&twice=2",
        waiting.url
    );
    let (status, answer) = curl(&[&url, "--referer", "https://login.example/c0de%2Fof-the-sign-in"]).await;
    assert_eq!(status, 200, "{answer}");
    for expected in ["<p>done.</p>", "text/html", "no-store", "nosniff", "no-referrer", "default-src 'none'"]
    {
        assert!(answer.contains(expected), "{expected}: {answer}");
    }
    let said = waiting.said().await;
    assert!(said.starts_with("GET '/back' ") && said.contains("inbound.code:code"), "{said}");
    assert!(said.contains("with-*******************") && !said.contains("c0de"), "{said}");
    assert!(said.contains(r#"$.query.twice=[[\"1\",\"2\"]]"#), "{said}");
    assert!(web.requests()[0].0.contains(&"x-token: c0de/of-the-sign-in".to_owned()), "{:?}", web.requests());
    let noted = world.machine_uses.noted.lock().unwrap().clone();
    assert_eq!(noted[0], "inbound open a callback for 'sign-in'");
    assert!(noted[1].starts_with("inbound a request for 'sign-in' from 127.0.0.1:"), "{noted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_json_and_whole_bodies_are_read_as_the_manifest_says() {
    let world = World::new();
    let waiting = Waiting::start(&world, &[("open", "sign-in"), ("times", "3"), ("answer", "204||")]).await;
    let form = ["--data", "code=f0rm&state=s&other=hidden"];
    assert_eq!(curl(&[&[waiting.url.as_str()][..], &form].concat()).await.0, 204);
    let json = ["--json", r#"{"code":"js0n","items":[{"name":"a","price":"hidden"}]}"#];
    assert_eq!(curl(&[&[waiting.url.as_str()][..], &json].concat()).await.0, 204);
    let broken = ["--json", r#"{"code":"#];
    assert_eq!(curl(&[&[waiting.url.as_str()][..], &broken].concat()).await.0, 204);
    let said = waiting.said().await;
    let lines: Vec<&str> = said.split(" | ").collect();
    assert!(lines[0].contains(r#"$.form.state=[\"s\"]"#) && lines[0].contains("inbound.code:code"), "{said}");
    assert!(
        lines[1].contains(r#"$.json.items[*].name=[\"a\"]"#) && lines[1].contains("inbound.code-2:code"),
        "{said}"
    );
    assert!(lines[2].contains("POST '' [] [] [] None"), "{said}");
    assert!(!said.contains("f0rm") && !said.contains("js0n") && !said.contains("hidden"), "{said}");

    let waiting = Waiting::start(&world, &[("open", "hook"), ("answer", "200|json|{}")]).await;
    assert!(waiting.url.ends_with("/hook"), "{}", waiting.url);
    let (status, _) =
        curl(&[&waiting.url, "--data-binary", "as it is", "--header", "X-Signature: abc"]).await;
    assert_eq!(status, 200);
    let said = waiting.said().await;
    assert!(said.contains(r#"[("x-signature", "abc")] [] Some("as it is")"#), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_know_the_path_or_comes_by_another_name_gets_nothing() {
    let world = World::new();
    let waiting = Waiting::start(&world, &[("open", "sign-in"), ("answer", "200|plain|in")]).await;
    let (base, _) = waiting.url.rsplit_once('/').unwrap();
    let port = base.rsplit(':').next().unwrap();
    let large = "x".repeat((1 << 20) + 1);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    std::fs::write(&file, large).unwrap();
    let large = format!("@{}", file.display());
    let other = format!("{base}/{}", "0".repeat(48));
    for (arguments, expected) in [
        (&[base][..], 404),
        (&[&other], 404),
        (&[&waiting.url, "--header", "Host: evil.example"], 404),
        (&[&waiting.url, "--request", "PUT"], 405),
        (&[&waiting.url, "--head"], 405),
        (&[&waiting.url, "--data-binary", &large], 413),
    ] {
        let (status, answer) = curl(arguments).await;
        assert_eq!(answer.contains("\nallow: get, post"), status == 405, "{answer}");
        assert_eq!(status, expected, "{arguments:?}: {answer}");
    }
    // None of them was handed over; this one is, also by the machine's own name.
    let own = waiting.url.replace("127.0.0.1", "localhost");
    let resolve = format!("localhost:{port}:127.0.0.1");
    assert_eq!(curl(&[&own, "--resolve", &resolve]).await.0, 200);
    assert!(waiting.said().await.starts_with("GET ''"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_and_silent_wires_keep_nobody_out_for_long() {
    let world = World::new();
    let waiting =
        Waiting::start(&world, &[("open", "sign-in"), ("answer", "200|plain|in"), ("wait", "60000")]).await;
    let port: u16 = waiting.url.split(['/', ':']).nth(4).unwrap().parse().unwrap();
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let flood = tokio::task::spawn_blocking(move || {
        let answer = || {
            let mut wire = TcpStream::connect(("127.0.0.1", port)).unwrap();
            wire.write_all(format!("GET /guess HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").as_bytes())
                .unwrap();
            let mut said = String::new();
            // One that is turned away may be reset.
            wire.read_to_string(&mut said).unwrap_or_default();
            said
        };
        (0..200).map(|_| answer()).find(|said| said.starts_with("HTTP/1.1 429"))
    });
    assert!(flood.await.unwrap().is_some(), "of 200 requests at once none was too many");
    // As soon as the second is over, somebody else is served.
    while curl(&[&waiting.url]).await.0 != 200 {}
    drop(silent);
    assert!(waiting.said().await.starts_with("GET ''"));
}

/// A certificate for a host, with its key (PEM).
fn certificate(host: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

fn world_with(way_in: WayIn) -> World {
    World::configured(RuntimeConfig { way_in, ..World::config() }, WayOut::default())
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_it_speaks_tls_and_without_one_it_listens_to_no_other_machine() {
    let (certificate_pem, key) = certificate("ostler.example");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, &certificate_pem).unwrap();
    let way_in = WayIn {
        listen: "0.0.0.0:0".parse().unwrap(),
        certificate_pem: certificate_pem.into_bytes(),
        key_pem: SecretBytes::from(key),
        ..WayIn::default()
    };
    let world = world_with(way_in.clone());
    let waiting = Waiting::start(&world, &[("open", "sign-in"), ("answer", "200|plain|in")]).await;
    let port = waiting.url.rsplit(['/', ':']).nth(1).unwrap();
    let (resolve, own) = (format!("ostler.example:{port}:127.0.0.1"), format!("Host: 0.0.0.0:{port}"));
    let url = waiting.url.replace("0.0.0.0", "ostler.example");
    let call = [url.as_str(), "--resolve", &resolve, "--header", &own, "--cacert", file.to_str().unwrap()];
    assert!(url.starts_with("https://"));
    let (status, said) = curl(&call[..5]).await;
    assert!(
        status == 0 && said.contains("certificate"),
        "who does not know the certificate does not call: {said}"
    );
    assert_eq!(curl(&call).await.0, 200);
    waiting.said().await;

    let without = world_with(WayIn { certificate_pem: Vec::new(), ..way_in.clone() });
    let said = probed(&without.load(&guest("called"), EVERYTHING).unwrap(), &[("open", "sign-in")]).await;
    assert!(said.contains("Unavailable") && said.contains("needs a certificate"), "{said}");
    let other_key = SecretBytes::from(certificate("ostler.example").1);
    let wrong = world_with(WayIn { key_pem: other_key, ..way_in });
    let said = probed(&wrong.load(&guest("called"), EVERYTHING).unwrap(), &[("open", "sign-in")]).await;
    assert!(said.contains("can't be used"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_its_own_is_used_again_and_shown_by_its_url() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = Some(format!("http://localhost:{}/", free.port()));
    let world = world_with(WayIn { listen: free, url, ..WayIn::default() });
    for _ in 0..3 {
        let waiting = Waiting::start(&world, &[("open", "hook"), ("answer", "200|plain|in")]).await;
        assert_eq!(waiting.url, format!("http://localhost:{}/hook", free.port()));
        assert_eq!(curl(&[&waiting.url, "--ipv4"]).await.0, 200);
        waiting.said().await;
    }
    // Nobody waits any more, and nobody listens.
    while TcpStream::connect(free).is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_or_not_declared_is_a_value() {
    let world = World::new();
    let plugin = world.load(&guest("called"), EVERYTHING).unwrap();
    let taken = Waiting::start(&world, &[("open", "hook")]).await;
    for (open, expected) in [
        ("other", "Invalid"),
        ("hook", "the path '/hook' is open already"),
        ("sign-in|sign-in|sign-in|sign-in|sign-in", "at most 4"),
    ] {
        let said = probed(&plugin, &[("open", open)]).await;
        assert!(said.contains(expected), "{open}: {said}");
    }
    assert_eq!(probed(&plugin, &[("open", "sign-in"), ("wait", "1")]).await, "nobody called");
    curl(&[&taken.url]).await;
    taken.said().await;
    for (answer, expected) in
        [("302|plain|", "Invalid"), (&format!("200|plain|{}", "x".repeat(65 << 10)), "Limit")]
    {
        let waiting = Waiting::start(&world, &[("open", "sign-in"), ("answer", answer)]).await;
        let (status, said) = curl(&[&waiting.url]).await;
        assert_eq!(status, 503, "nobody answered: {said}");
        let said = waiting.said().await;
        assert!(said.contains(expected), "{said}");
    }
    // A request that is not answered is answered by the host when the next is taken.
    let waiting = Waiting::start(&world, &[("open", "sign-in"), ("times", "2"), ("wait", "1000")]).await;
    assert_eq!(curl(&[&waiting.url]).await.0, 204);
    assert!(waiting.said().await.ends_with("nobody called"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_granted_written_down_and_read_as_far_as_was_agreed_to() {
    let open = [("open", "sign-in"), ("wait", "1")];
    let refused = probed(&World::new().load(&guest("called"), NOTHING).unwrap(), &open).await;
    assert!(refused.contains("the capability 'inbound' is not granted"), "{refused}");

    let world = World::new();
    *world.machine_uses.full.lock().unwrap() = true;
    let said = probed(&world.load(&guest("called"), EVERYTHING).unwrap(), &open).await;
    assert!(said.contains("could not be audited"), "{said}");

    for guarded in [true, false] {
        let world = if guarded { World::new() } else { World::without(Guard::Scope) };
        let less =
            Scope { reads: Some(vec!["nothing of calls for 'sign-in'".to_owned()]), ..Scope::default() };
        let grants = Grants([(Capability::Inbound, Grant { layers: vec![less] })].into());
        let said = probed(&world.load_with(&guest("called"), grants).unwrap(), &open).await;
        assert_eq!(said.contains("is not covered by the grant of 'inbound'"), guarded, "{said}");
        assert_eq!(said == "nobody called", !guarded, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_is_taken_away_ends_the_wait_and_that_is_the_guards_work() {
    for guarded in [true, false] {
        let world = Arc::new(if guarded { World::new() } else { World::without(Guard::Granted) });
        let plugin = world.load(&guest("called"), EVERYTHING).unwrap();
        let wait = if guarded { "600000" } else { "1000" };
        let waiting = Waiting::of(&world, plugin.clone(), &[("open", "sign-in"), ("wait", wait)]).await;
        plugin.set_grants(NOTHING.iter().copied().collect());
        let said = waiting.said().await;
        assert_eq!(said.contains("the capability 'inbound' is not granted"), guarded, "{said}");
        assert_eq!(said == "nobody called", !guarded, "{said}");
    }
}
