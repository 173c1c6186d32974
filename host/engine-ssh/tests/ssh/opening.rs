//! Opening: the host's key, and a host that is not there, not reachable, not SSH, or not in time.

use std::sync::Arc;

use ostler_core::{
    BoxFuture, DrivenPlan, DrivenSurface, Endpoint, HostKey, HostKeyDecision, HostKeyVerifier, SecretField,
    SessionContext, SessionEngine as _, SessionError, SessionPlan,
};
use ostler_engine_ssh::SshEngine;
use ostler_fakes::ssh::{FakeSshOptions, FakeSshServer, FakeUser, Misbehavior, Observed};

use crate::stage::{PASSWORD, Stage, USER, misbehaving_server, ordinary_server, serve};

#[tokio::test]
async fn the_host_key_is_shown_in_openssh_form_with_its_fingerprint() {
    let server = ordinary_server();
    let (session, _, person) = Stage::with_password(&server).open().await;
    assert!(session.is_ok());
    let keys = person.keys.lock().unwrap();
    assert_eq!(keys.len(), 1);
    assert_eq!(keys[0].algorithm, "ssh-ed25519");
    assert_eq!(keys[0].openssh, server.host_key_openssh());
    assert!(keys[0].fingerprint.starts_with("SHA256:") && keys[0].fingerprint.len() == 50);
}

#[tokio::test]
async fn a_changed_or_unknown_host_key_ends_it_before_any_secret() {
    let server = ordinary_server();
    for (known, changed) in [(Some("ssh-ed25519 AAAA"), true), (None, false)] {
        let mut stage = Stage::with_password(&server);
        stage.person.host_key = known.map(str::to_owned);
        let (result, safe, _) = stage.open().await;
        match result.err() {
            Some(SessionError::HostKey { changed: told, reason, .. }) => {
                assert_eq!(told, changed);
                assert!(!reason.is_empty());
            }
            other => panic!("{other:?}"),
        }
        assert!(safe.asked.lock().unwrap().is_empty());
    }
    assert!(!server.log().iter().any(|entry| matches!(entry, Observed::Login { .. })));
}

#[tokio::test]
async fn a_server_with_the_same_seed_has_the_same_key_and_another_has_not() {
    let with_seed = |seed: u8| {
        let users = vec![FakeUser::with_password(USER, PASSWORD)];
        serve(FakeSshOptions { users, host_key_seed: Some([seed; 32]), ..FakeSshOptions::default() })
    };
    let known = with_seed(1).host_key_openssh().to_owned();
    let (same, other) = (with_seed(1), with_seed(2));
    let mut stage = Stage::with_password(&same);
    stage.person.host_key = Some(known.clone());
    stage.session().await;
    let mut stage = Stage::with_password(&other);
    stage.person.host_key = Some(known);
    assert!(matches!(stage.error().await, SessionError::HostKey { changed: true, .. }));
}

#[tokio::test]
async fn a_port_where_nothing_listens_is_refused() {
    // Bound and closed again: free, as far as anyone can tell.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = Stage::at_endpoint("127.0.0.1".to_owned(), port, None).error().await;
    let target = Endpoint { host: "127.0.0.1".to_owned(), port };
    assert_eq!(error, SessionError::Refused { target });
}

#[tokio::test]
async fn every_address_of_a_host_is_tried() {
    // `localhost` is often ::1 first, where the server does not listen.
    let server = ordinary_server();
    let mut stage =
        Stage::at_endpoint("localhost".to_owned(), server.port(), Some(server.host_key_openssh().to_owned()));
    stage = stage.secret("login.password", SecretField::Password, PASSWORD).by_password();
    stage.session().await;
}

#[tokio::test]
async fn a_host_name_without_an_address_is_unknown() {
    let error = Stage::at_endpoint("no-such-host.invalid".to_owned(), 22, None).error().await;
    assert_eq!(error, SessionError::UnknownHost { host: "no-such-host.invalid".to_owned() });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_runs_out_of_time_and_the_wire_is_closed() {
    for silence in [Misbehavior::StallBeforeBanner, Misbehavior::StallInHandshake] {
        let server = misbehaving_server(silence);
        let mut stage = Stage::with_password(&server);
        stage.plan.connect_timeout_seconds = 1;
        assert!(matches!(stage.error().await, SessionError::TimedOut { seconds: 1, .. }));
        assert!(server.wait_for(|log| log.contains(&Observed::Disconnected)));
    }
}

/// A person who looks at a host key until another launch, with the same time, has run out of it.
struct SlowPerson {
    stalled: FakeSshServer,
    seconds: u32,
}

impl HostKeyVerifier for SlowPerson {
    fn verify<'a>(&'a self, _: &'a Endpoint, _: &'a HostKey) -> BoxFuture<'a, HostKeyDecision> {
        Box::pin(async {
            let mut stage = Stage::with_password(&self.stalled);
            stage.plan.connect_timeout_seconds = self.seconds;
            assert!(matches!(stage.error().await, SessionError::TimedOut { .. }));
            HostKeyDecision::Accept
        })
    }
}

#[tokio::test]
async fn time_at_a_host_key_question_does_not_count() {
    let server = ordinary_server();
    let mut stage = Stage::with_password(&server);
    stage.plan.connect_timeout_seconds = 1;
    let stalled = misbehaving_server(Misbehavior::StallBeforeBanner);
    let slow = Arc::new(SlowPerson { stalled, seconds: 1 });
    let (plan, context) = stage.launch();
    let context = SessionContext { host_keys: slow, ..context };
    assert!(SshEngine::new().open(&plan, context).await.is_ok());
}

#[tokio::test]
async fn a_server_that_speaks_something_else_breaks_the_protocol() {
    let server = misbehaving_server(Misbehavior::NotSsh);
    let error = Stage::with_password(&server).error().await;
    assert!(matches!(error, SessionError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_refuses_a_terminal_is_told() {
    let server = misbehaving_server(Misbehavior::NoTerminals);
    let error = Stage::with_password(&server).shell().error().await;
    assert_eq!(error, SessionError::NotStarted { what: "a terminal".to_owned() });
    assert!(!server.log().contains(&Observed::Shell));
}

#[tokio::test]
async fn a_server_that_hangs_up_after_the_log_in_is_told_with_its_words() {
    let server = misbehaving_server(Misbehavior::DisconnectAfterLogin("closed for cleaning".to_owned()));
    match Stage::with_password(&server).error().await {
        SessionError::Lost { cause, .. } => assert_eq!(cause, "closed for cleaning"),
        other => panic!("{other:?}"),
    }
    let server = misbehaving_server(Misbehavior::CloseAfterLogin);
    let error = Stage::with_password(&server).error().await;
    assert!(matches!(error, SessionError::Lost { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_future_closes_the_wire() {
    for silence in [Misbehavior::StallBeforeBanner, Misbehavior::StallInHandshake] {
        let server = misbehaving_server(silence);
        let opening = tokio::spawn(Stage::with_password(&server).open());
        assert!(server.wait_for(|log| log.contains(&Observed::Connected)));
        opening.abort();
        assert!(opening.await.is_err());
        assert!(server.wait_for(|log| log.contains(&Observed::Disconnected)));
    }
}

#[tokio::test]
async fn a_plan_of_another_protocol_has_no_engine_here() {
    let (_, context) = Stage::at(&ordinary_server()).launch();
    let target = Endpoint { host: "127.0.0.1".to_owned(), port: 1 };
    let plan = SessionPlan::Driven(DrivenPlan { target, surface: DrivenSurface::Terminal });
    let error = SshEngine::new().open(&plan, context).await.err();
    assert_eq!(error, Some(SessionError::NoEngine { protocol: plan.protocol().to_owned() }));
}
