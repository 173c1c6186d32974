//! Secrets of driven sessions: sent and answered with by the host, for this session's place only, and never read.

use std::sync::Arc;

use ostler_plugin_api::{Capability, Guard};
use ostler_runtime::Plugin;

use crate::driving_world::{Echo, PASSWORD, Running, Secrets, all, driver, got, request};
use crate::world::World;

async fn with(plugin: &Plugin, secrets: &Arc<Secrets>, port: u16, script: &str) -> Vec<String> {
    Running::start(plugin, secrets, request(port, script)).got().await
}

#[tokio::test]
async fn a_secret_is_sent_by_the_host_and_what_the_server_sends_back_of_it_is_hidden() {
    let server = Echo::start().await;
    let secrets = Secrets::new();
    let script = "slots;connect;send 0 login.password;read 0";
    let answers = with(&driver(&World::new(), all()), &secrets, server.port, script).await;
    assert!(answers[0].contains("login.password") && !answers[0].contains("other"), "{answers:?}");
    assert_eq!(answers[2], "done");
    assert!(answers[3].starts_with("********"), "{answers:?}");
    assert_eq!(server.heard(), format!("{PASSWORD}\r"));
    assert_eq!(secrets.asked().len(), 1);
    let place = format!("127.0.0.1:{}", server.port);
    assert!(secrets.asked()[0].contains(&place), "{:?}", secrets.asked());
}

#[tokio::test]
async fn a_slot_of_another_plugin_is_refused_and_the_guard_of_offers_is_what_refuses() {
    let server = Echo::start().await;
    let script = "connect;send 0 other.password;answer other.password vnc-des 16";
    let (plugin, secrets) = (driver(&World::new(), all()), Secrets::new());
    let answers = with(&plugin, &secrets, server.port, script).await;
    for answer in &answers[1..] {
        assert!(answer.contains("was not offered the slot 'other.password'"), "{answers:?}");
    }
    assert!(secrets.asked().is_empty() && server.heard().is_empty());
    let refusal = &plugin.usage().refusals[0];
    assert_eq!((refusal.capability, refusal.times), (Capability::SecretsUse, 2));
    let open = driver(&World::without(Guard::Offered), all());
    assert_eq!(with(&open, &secrets, server.port, script).await[1..], ["done", "vnc-des of 16 bytes"]);
    assert_eq!(secrets.asked().len(), 2);
}

#[tokio::test]
async fn a_secret_goes_into_no_wire_but_the_targets_and_the_guard_of_wires_is_what_refuses() {
    let (target, other) = (Echo::start().await, Echo::start().await);
    let script = format!("connect localhost {};send 0 login.password;read 0", other.port);
    let (plugin, secrets) = (driver(&World::new(), all()), Secrets::new());
    let refused = format!("connect localhost {};send 0 login.password", other.port);
    let answers = with(&plugin, &secrets, target.port, &refused).await;
    assert!(answers[1].contains("Denied") && answers[1].contains("target only"), "{answers:?}");
    assert!(secrets.asked().is_empty(), "the secret was opened: {:?}", secrets.asked());
    let open = driver(&World::without(Guard::Wire), all());
    assert_eq!(with(&open, &secrets, target.port, &script).await[1], "done");
    assert!(other.heard().contains(PASSWORD), "{}", other.heard());
}

#[tokio::test]
async fn a_secret_that_was_not_stored_for_this_protocol_stays_where_it_is() {
    let server = Echo::start().await;
    let (plugin, secrets) = (driver(&World::new(), all()), Secrets::new());
    let script = "connect;send 0 login.password;answer login.password hmac-sha-256 5";
    let mut request = request(server.port, script);
    "telnet".clone_into(&mut request.kind);
    let answers = Running::start(&plugin, &secrets, request).got().await;
    for answer in &answers[1..] {
        assert!(answer.contains("Denied") && answer.contains("may not go to"), "{answers:?}");
    }
    assert_eq!(server.heard(), "");
    // Only the sink stands between: the same script at its own place.
    assert_eq!(with(&plugin, &secrets, server.port, script).await[1..], ["done", "hmac-sha-256 of 5 bytes"]);
}

#[tokio::test]
async fn challenges_are_answered_by_algorithm_length_and_number() {
    let server = Echo::start().await;
    let plugin = driver(&World::new(), all());
    let one = |algorithm: &str, length: u32| format!("answer login.password {algorithm} {length}");
    let good = [one("vnc-des", 16), one("hmac-sha-256", 1), one("hmac-sha-256", 4096)].join(";");
    assert_eq!(
        got(&plugin, server.port, &good).await,
        ["vnc-des of 16 bytes", "hmac-sha-256 of 1 bytes", "hmac-sha-256 of 4096 bytes"]
    );
    let bad =
        [one("vnc-des", 8), one("hmac-sha-256", 0), one("hmac-sha-256", 4097), one("md5", 16)].join(";");
    let answers = got(&plugin, server.port, &bad).await;
    assert!(answers.iter().all(|answer| answer.contains("Invalid")), "{answers:?}");
    assert!(answers[3].contains("vnc-des, hmac-sha-256"), "{answers:?}");
    let many = vec![one("vnc-des", 16); 17].join(";");
    let answers = got(&plugin, server.port, &many).await;
    assert_eq!(answers[..16], ["vnc-des of 16 bytes"; 16]);
    assert!(answers[16].contains("Limit") && answers[16].contains("at most 16"), "{answers:?}");
}

#[tokio::test]
async fn an_ending_has_at_most_16_bytes() {
    let server = Echo::start().await;
    let script = "connect;send 0 login.password 16;send 0 login.password 17";
    let answers = got(&driver(&World::new(), all()), server.port, script).await;
    assert_eq!(answers[1], "done");
    assert!(answers[2].contains("Limit"), "{answers:?}");
}
