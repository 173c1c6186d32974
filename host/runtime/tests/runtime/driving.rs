//! Driven sessions: a plugin reaches its session's target and what it was granted, has its limits, and what goes wrong in one session
//! leaves the others alone.

use std::sync::Arc;
use std::time::Duration;

use ostler_core::{EndReason, Exit, SessionEnd, SessionInput};
use ostler_plugin_api::{Capability, Grants, Guard};
use ostler_runtime::{Limits, PluginError};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::driving_world::{Echo, Running, Secrets, all, driver, got, no_addresses, request};
use crate::world::World;

fn close(event: &str) -> bool {
    event.starts_with("Event::Close")
}

#[tokio::test]
async fn a_plugin_talks_to_its_sessions_target_without_a_grant_of_hosts_or_addresses() {
    let server = Echo::start().await;
    let plugin = driver(&World::new(), no_addresses());
    let answers = got(&plugin, server.port, "connect;write 0 hello;next;read 0").await;
    assert_eq!(answers, ["connected", "done", "Event::Readable(1)", "hello"]);
}

#[tokio::test]
async fn another_host_is_refused_and_the_guard_of_scopes_is_what_refuses() {
    let (target, other) = (Echo::start().await, Echo::start().await);
    let script = format!("connect 127.0.0.1 {};write 0 leaked", other.port);
    let plugin = driver(&World::new(), all());
    let only = format!("connect 127.0.0.1 {}", other.port);
    let answers = got(&plugin, target.port, &only).await;
    let reason = format!("the host '127.0.0.1:{}' is not covered by the grant of 'net'", other.port);
    assert!(answers[0].contains("Denied") && answers[0].contains(&reason), "{answers:?}");
    assert_eq!(plugin.usage().refusals[0].reason, reason);
    let open = driver(&World::without(Guard::Scope), all());
    assert_eq!(got(&open, target.port, &script).await, ["connected", "done"]);
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_refused_and_the_guard_of_addresses_is_what_refuses() {
    let (target, other) = (Echo::start().await, Echo::start().await);
    let script = format!("connect localhost {}", other.port);
    let plugin = driver(&World::new(), no_addresses());
    let answers = got(&plugin, target.port, &script).await;
    assert!(answers[0].contains("Denied") && answers[0].contains("a loopback address"), "{answers:?}");
    let open = driver(&World::without(Guard::Address), no_addresses());
    assert_eq!(got(&open, target.port, &script).await, ["connected"]);
    // The same where the address was granted.
    assert_eq!(got(&driver(&World::new(), all()), target.port, &script).await, ["connected"]);
}

#[tokio::test]
async fn what_is_not_granted_is_refused_and_the_guard_of_grants_is_what_refuses() {
    let server = Echo::start().await;
    let script = "connect;show x;slots";
    let answers = got(&driver(&World::new(), Grants::default()), server.port, script).await;
    for (answer, name) in answers.iter().zip(["net", "terminal", "secrets.use"]) {
        assert!(answer.contains(&format!("the capability '{name}' is not granted")), "{answers:?}");
    }
    let open = driver(&World::without(Guard::Granted), Grants::default());
    let answers = got(&open, server.port, script).await;
    assert_eq!(answers[..2], ["connected", "done"]);
    assert!(answers[2].contains("login.password"), "{answers:?}");
}

#[tokio::test]
async fn a_grant_that_is_taken_while_a_session_runs_counts_from_its_next_call() {
    let script = "connect;show ready;next;write 0 x;read 0;send 0 login.password;tls 0;connect;show x";
    for guarded in [true, false] {
        let server = Echo::start().await;
        let world = if guarded { World::new() } else { World::without(Guard::Granted) };
        let plugin = driver(&world, all());
        let mut running = Running::start(&plugin, &Secrets::new(), request(server.port, script));
        assert_eq!(running.shown().await, "ready");
        // What is left lets it name a slot, but send nothing.
        plugin.set_grants([Capability::SecretsUse].into_iter().collect());
        running.typed("go").await;
        let answers = running.got().await;
        assert_eq!(answers[..3], ["connected", "done", "Input go"]);
        let refused = answers[3..].iter().filter(|answer| answer.contains("is not granted")).count();
        assert_eq!(refused, if guarded { 6 } else { 0 }, "{answers:?}");
        assert_eq!(server.heard().is_empty(), guarded);
    }
}

/// Starts a server that greets over TLS, and returns its port and the digest of its certificate.
async fn tls_server() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let pin = Sha256::digest(&certificate).iter().map(|byte| format!("{byte:02x}")).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust it goes away.
            if let Ok(mut stream) = acceptor.accept(stream).await {
                drop(stream.write_all(b"over-tls").await);
                drop(stream.read(&mut [0; 1]).await);
            }
        }
    });
    (port, pin)
}

#[tokio::test]
async fn tls_goes_on_with_the_pinned_certificate_and_no_other_and_the_guard_of_pins_is_what_refuses() {
    let (port, pin) = tls_server().await;
    let plugin = driver(&World::new(), all());
    let good = format!("connect;tls 0 {pin};read 0");
    assert_eq!(got(&plugin, port, &good).await, ["connected", "done", "over-tls"]);
    let bad = format!("connect;tls 0 {};read 0", "0".repeat(64));
    let answers = got(&plugin, port, &bad).await;
    assert!(answers[1].starts_with("NetError::Tls"), "{answers:?}");
    assert!(answers[2].contains("TLS was not agreed on"), "{answers:?}");
    let open = driver(&World::without(Guard::Pin), all());
    assert_eq!(got(&open, port, &bad).await, ["connected", "done", "over-tls"]);
}

#[tokio::test]
async fn tls_without_a_pin_needs_a_certificate_that_this_machine_trusts() {
    let (port, _) = tls_server().await;
    let answers = got(&driver(&World::new(), all()), port, "connect;tls 0;write 0 x;tls 0 short").await;
    assert!(answers[1].starts_with("NetError::Tls"), "{answers:?}");
    assert!(answers[2].starts_with("NetError::Lost"), "a wire goes on in the clear: {answers:?}");
    assert!(answers[3].contains("64 hexadecimal digits"), "{answers:?}");
}

#[tokio::test]
async fn each_limit_of_wires_and_terminal_lets_through_what_is_within_it() {
    let server = Echo::start().await;
    let plugin = driver(&World::new(), all());
    let answers = got(&plugin, server.port, &["connect"; 9].join(";")).await;
    assert_eq!(answers[..8], ["connected"; 8]);
    assert!(answers[8].contains("Limit") && answers[8].contains("at most 8 wires"), "{answers:?}");
    let mib = 1 << 20;
    let script = format!(
        "connect;write-bytes 0 {mib};write-bytes 0 {};show-bytes {mib};show-bytes {}",
        mib + 1,
        mib + 1
    );
    let answers = got(&plugin, server.port, &script).await;
    assert_eq!([&answers[1], &answers[3]], ["done", "done"]);
    assert!(answers[2].contains("Limit") && answers[4].contains("Limit"), "{answers:?}");
}

#[tokio::test]
async fn a_session_moves_more_than_one_call_of_the_host_may() {
    let server = Echo::start().await;
    let mut script = vec!["connect"];
    script.extend(["write-bytes 0 1048576"; 20]);
    let answers = got(&driver(&World::new(), all()), server.port, &script.join(";")).await;
    assert_eq!(answers[1..], ["done"; 20]);
}

#[tokio::test]
async fn wires_take_turns_in_being_told_of() {
    let server = Echo::start().await;
    let script = "connect;connect;write 0 a;write 1 b;read 0;read 1;write 0 a;write 1 b;next;next;next;next";
    let answers = got(&driver(&World::new(), all()), server.port, script).await;
    // Which one is first depends on the server; none is told of twice while the other waits.
    let told = |one: &str| answers[8..].iter().filter(|event| event.as_str() == one).count();
    assert!(told("Event::Readable(1)") >= 1 && told("Event::Readable(2)") >= 1, "{answers:?}");
}

#[tokio::test]
async fn events_come_in_order_and_after_close_nothing_else_comes() {
    let server = Echo::start().await;
    let plugin = driver(&World::new(), all());
    let script = "next 0;show ready;next;next;next;next;next 0";
    let mut running = Running::start(&plugin, &Secrets::new(), request(server.port, script));
    assert_eq!(running.shown().await, "ready");
    running.typed("a").await;
    running.input.send(SessionInput::EndOfInput).await.unwrap();
    let size = ostler_core::TerminalSize { columns: 90, rows: 20 };
    running.input.send(SessionInput::Resize(size)).await.unwrap();
    running.input.send(SessionInput::Close).await.unwrap();
    running.typed("too late").await;
    let answers = running.got().await;
    assert_eq!(answers[0], "Event::Timeout");
    assert_eq!([&answers[2], &answers[3]], ["Input a", "Event::EndOfInput"]);
    assert!(answers[4].contains("columns: 90") && answers[4].contains("rows: 20"), "{answers:?}");
    assert!(close(&answers[5]) && close(&answers[6]), "{answers:?}");
}

#[tokio::test]
async fn a_session_whose_holder_is_gone_is_told_to_close() {
    let server = Echo::start().await;
    let plugin = driver(&World::new(), all());
    let mut running =
        Running::start(&plugin, &Secrets::new(), request(server.port, "show ready;next;finish"));
    assert_eq!(running.shown().await, "ready");
    drop(std::mem::replace(&mut running.input, tokio::sync::mpsc::channel(1).0));
    let end = SessionEnd { exit: Exit::Status(0), reason: EndReason::Finished };
    assert_eq!(running.end().await.unwrap().unwrap(), end);
}

/// Runs a script that breaks its session while another session of the same plugin waits, which must not notice.
async fn breaks_alone(limits: Limits, script: &str) -> PluginError {
    let server = Echo::start().await;
    let plugin = driver(&World::with(limits), all());
    let other = request(server.port, "show ready;next;connect;write 0 alive;read 0");
    let mut other = Running::start(&plugin, &Secrets::new(), other);
    assert_eq!(other.shown().await, "ready");
    let broken = Running::start(&plugin, &Secrets::new(), request(server.port, script)).end().await;
    other.typed("on").await;
    assert_eq!(other.got().await[1..], ["Input on", "connected", "done", "alive"]);
    broken.unwrap_err()
}

#[tokio::test]
async fn a_session_that_crashes_ends_alone_and_says_so() {
    let error = breaks_alone(Limits::default(), "show x;trap").await;
    assert!(matches!(error, PluginError::Trap { .. }), "{error:?}");
}

#[tokio::test]
async fn a_session_that_computes_too_long_ends_alone_and_says_so() {
    let limits = Limits { event_time: Duration::from_millis(100), ..Limits::default() };
    let error = breaks_alone(limits, "show x;compute-forever").await;
    assert_eq!(error.to_string(), "it reached its limit for computing time of an event (100ms)");
}

#[tokio::test]
async fn each_event_renews_the_computing_time_and_close_does_not() {
    let server = Echo::start().await;
    let limits = Limits { event_time: Duration::from_millis(200), ..Limits::default() };
    let plugin = driver(&World::with(limits), all());
    // As much as is too much without events on this machine, and at most twice that.
    let mut turns = 1_000_000_usize;
    loop {
        let script = vec![format!("compute {turns}"); 10].join(";");
        match Running::start(&plugin, &Secrets::new(), request(server.port, &script)).end().await {
            Ok(_) => turns = turns.checked_mul(2).unwrap(),
            Err(PluginError::Limit { limit: "computing time of an event", .. }) => break,
            Err(error) => panic!("{error:?}"),
        }
    }
    let script = vec![format!("compute {turns};next 0"); 10].join(";");
    let answers = got(&plugin, server.port, &script).await;
    assert_eq!(answers.iter().filter(|answer| *answer == "computed").count(), 10);
    let mut running = Running::start(&plugin, &Secrets::new(), request(server.port, "show x;ask-on"));
    running.shown().await;
    running.input.send(SessionInput::Close).await.unwrap();
    assert!(matches!(
        running.end().await,
        Err(PluginError::Limit { limit: "computing time of an event", .. })
    ));
}
