//! Logging in: each method, in the plan's order, with no secret opened too early or for another place.

use ostler_core::{Exit, InjectError, PlanValue, PromptError, SecretField, SessionError, SshAuth};
use ostler_fakes::ssh::{
    FakeKey, FakeKeyPair, FakeLogin, FakeRound, FakeSshOptions, FakeSshServer, FakeUser, Misbehavior,
    Observed,
};

use crate::stage::{PASSWORD, Stage, USER, misbehaving_server, ordinary_server, serve, slot};

fn server_for(login: FakeLogin) -> FakeSshServer {
    let users = vec![FakeUser { name: USER.to_owned(), login }];
    serve(FakeSshOptions { users, ..FakeSshOptions::default() })
}

fn server_for_key(pair: &FakeKeyPair) -> FakeSshServer {
    server_for(FakeLogin::PublicKey(pair.public_openssh().unwrap()))
}

fn round(questions: &[(&str, bool, &str)]) -> FakeRound {
    let questions =
        questions.iter().map(|(prompt, echo, answer)| ((*prompt).to_owned(), *echo, (*answer).to_owned()));
    FakeRound { instructions: "prove it".to_owned(), questions: questions.collect() }
}

fn methods_tried(server: &FakeSshServer) -> Vec<&'static str> {
    let tried = server.log().into_iter().filter_map(|entry| match entry {
        Observed::Login { method, .. } => Some(method),
        _ => None,
    });
    tried.collect()
}

#[tokio::test]
async fn a_password_from_a_slot_logs_in() {
    let server = ordinary_server();
    let outcome = Stage::with_password(&server).outcome().await;
    assert_eq!(outcome.text(), "hello\n");
    assert_eq!(outcome.exit(), &Exit::Status(0));
}

#[tokio::test]
async fn a_wrong_password_is_named_with_what_was_tried_and_offered() {
    let server = ordinary_server();
    let stage = Stage::at(&server).secret("login.password", SecretField::Password, "wrong").by_password();
    match stage.error().await {
        SessionError::WrongCredential { user, tried, offered, target } => {
            assert_eq!((user.as_str(), tried.as_str(), offered.as_str()), (USER, "password", "password"));
            assert_eq!(target.port, server.port());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_secret_for_another_host_port_or_field_is_not_sent() {
    let server = ordinary_server();
    for (host, port, field) in [
        ("other.example", server.port(), SecretField::Password),
        ("127.0.0.1", 22, SecretField::Password),
        ("127.0.0.1", server.port(), SecretField::KeyPassphrase),
    ] {
        let mut stage = Stage::with_password(&server);
        let (sink, _) = stage.safe.secrets.get_mut(&slot("login.password")).unwrap();
        (sink.host, sink.port, sink.field) = (host.to_owned(), port, field);
        match stage.error().await {
            SessionError::Injection(InjectError::WrongSink { sink, .. }) => {
                // The place that the engine was about to use, not the one that the secret is for.
                assert_eq!(sink.host, "127.0.0.1");
                assert_eq!(sink.port, server.port());
                assert_eq!(sink.field, SecretField::Password);
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(!methods_tried(&server).contains(&"password"));
}

#[tokio::test]
async fn a_password_is_refused_as_user_name_and_as_variable() {
    let server = ordinary_server();
    let mut as_user = Stage::with_password(&server);
    as_user.plan.user = PlanValue::Slot(slot("login.password"));
    let as_variable =
        Stage::with_password(&server).variable("LC_LEAK", PlanValue::Slot(slot("login.password")));
    for (stage, wanted) in [(as_user, SecretField::UserName), (as_variable, SecretField::Environment)] {
        match stage.error().await {
            SessionError::Injection(InjectError::WrongSink { sink, .. }) => assert_eq!(sink.field, wanted),
            other => panic!("{other:?}"),
        }
    }
    assert!(!server.log().iter().any(|entry| matches!(entry, Observed::Environment { .. })));
}

#[tokio::test]
async fn a_user_name_from_a_slot_is_used() {
    let server = ordinary_server();
    let mut stage = Stage::with_password(&server).secret("login.user", SecretField::UserName, USER);
    stage.plan.user = PlanValue::Slot(slot("login.user"));
    assert_eq!(stage.outcome().await.exit(), &Exit::Status(0));
}

#[tokio::test]
async fn no_secret_is_opened_for_a_method_that_the_server_does_not_offer() {
    let server = ordinary_server();
    let stage = Stage::at(&server)
        .by_key(None)
        .by_questions(Some("login.password"))
        .secret("login.password", SecretField::Password, PASSWORD)
        .by_password();
    let (session, safe, _) = stage.open().await;
    assert!(session.is_ok());
    let asked = safe.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1.field, SecretField::Password);
    assert_eq!(methods_tried(&server), ["none", "password"]);
}

#[tokio::test]
async fn a_plan_without_a_method_that_the_server_takes_says_so() {
    let pair = FakeKeyPair::generate(FakeKey::Ed25519).unwrap();
    let server = server_for_key(&pair);
    let error = Stage::with_password(&server).error().await;
    assert_eq!(
        error.to_string(),
        format!(
            "127.0.0.1:{} did not accept the credential for 'anna' (tried nothing; the server offers publickey)",
            server.port()
        )
    );
}

#[tokio::test]
async fn private_keys_of_each_kind_log_in() {
    for kind in [FakeKey::Ed25519, FakeKey::EcdsaP256, FakeKey::Rsa] {
        let pair = FakeKeyPair::generate(kind).unwrap();
        let server = server_for_key(&pair);
        for file in [pair.private_openssh(None).unwrap(), pair.private_pkcs8(None).unwrap()] {
            let stage = Stage::at(&server).secret("login.key", SecretField::PrivateKey, &file).by_key(None);
            assert_eq!(stage.outcome().await.exit(), &Exit::Status(0), "{kind:?}");
        }
    }
}

#[tokio::test]
async fn an_encrypted_key_opens_with_the_passphrase_of_its_slot() {
    let pair = FakeKeyPair::generate(FakeKey::Ed25519).unwrap();
    let server = server_for_key(&pair);
    for file in [pair.private_openssh(Some("tell no one")), pair.private_pkcs8(Some("tell no one"))] {
        let file = file.unwrap();
        let stage = |passphrase: &str| {
            Stage::at(&server)
                .secret("login.key", SecretField::PrivateKey, &file)
                .secret("login.passphrase", SecretField::KeyPassphrase, passphrase)
                .by_key(Some("login.passphrase"))
        };
        assert_eq!(stage("tell no one").outcome().await.exit(), &Exit::Status(0));
        let error = stage("tell all").error().await;
        assert_eq!(error, SessionError::BadKey { reason: "its passphrase does not fit".to_owned() });
    }
}

#[tokio::test]
async fn a_missing_passphrase_is_asked_for_and_may_be_mistyped() {
    let pair = FakeKeyPair::generate(FakeKey::Ed25519).unwrap();
    let server = server_for_key(&pair);
    let file = pair.private_openssh(Some("tell no one")).unwrap();
    let stage = || Stage::at(&server).secret("login.key", SecretField::PrivateKey, &file).by_key(None);
    assert_eq!(stage().answers(&["tel no one", "tell no one"]).outcome().await.exit(), &Exit::Status(0));
    assert_eq!(stage().error().await, SessionError::Prompt(PromptError::Headless));
}

#[tokio::test]
async fn a_key_file_that_is_none_is_refused_without_a_word_of_it() {
    let server = server_for_key(&FakeKeyPair::generate(FakeKey::Ed25519).unwrap());
    let files = [
        "hunter2",
        "ssh-ed25519 AAAAhunter2",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: DES-EDE3-CBC,00\n\nhunter2\n-----END RSA PRIVATE KEY-----\n",
    ];
    for file in files {
        let error =
            Stage::at(&server).secret("login.key", SecretField::PrivateKey, file).by_key(None).error().await;
        assert!(matches!(error, SessionError::BadKey { .. }), "{error:?}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_wants_a_key_and_a_password_gets_both() {
    let pair = FakeKeyPair::generate(FakeKey::Ed25519).unwrap();
    let server = server_for(FakeLogin::KeyThenPassword {
        key: pair.public_openssh().unwrap(),
        password: PASSWORD.to_owned(),
    });
    let stage = |password: &str| {
        Stage::at(&server)
            .secret("login.password", SecretField::Password, password)
            .secret("login.key", SecretField::PrivateKey, &pair.private_openssh(None).unwrap())
            .by_password()
            .by_key(None)
    };
    assert_eq!(stage(PASSWORD).outcome().await.exit(), &Exit::Status(0));
    match stage("wrong").error().await {
        SessionError::WrongCredential { tried, offered, .. } => {
            assert_eq!((tried.as_str(), offered.as_str()), ("publickey, password", "password"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_password_question_is_answered_from_the_slot() {
    let server = server_for(FakeLogin::KeyboardInteractive(vec![round(&[("Password: ", false, PASSWORD)])]));
    let stage = Stage::at(&server)
        .secret("login.password", SecretField::Password, PASSWORD)
        .by_questions(Some("login.password"));
    let (session, _, person) = stage.open().await;
    assert!(session.is_ok());
    assert!(person.forms.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_second_round_goes_to_the_person() {
    let rounds = vec![
        round(&[("Password: ", false, PASSWORD)]),
        round(&[("Verification code: ", false, "123456"), ("Reason: ", true, "work")]),
    ];
    let server = server_for(FakeLogin::KeyboardInteractive(rounds));
    let stage = |answers: &[&'static str]| {
        Stage::at(&server)
            .secret("login.password", SecretField::Password, PASSWORD)
            .by_questions(Some("login.password"))
            .answers(answers)
    };
    let (session, safe, person) = stage(&["123456", "work"]).open().await;
    assert!(session.is_ok());
    assert_eq!(safe.asked.lock().unwrap().len(), 1);
    let forms = person.forms.lock().unwrap().clone();
    assert_eq!(forms.len(), 1);
    assert_eq!(forms[0].message, "prove it");
    assert_eq!(forms[0].fields[0].label, "Verification code:");
    assert_eq!(stage(&[]).error().await, SessionError::Prompt(PromptError::Headless));
    assert!(matches!(stage(&["0", "0"]).error().await, SessionError::WrongCredential { .. }));
}

#[tokio::test]
async fn a_password_that_was_refused_is_not_given_again_to_the_same_question() {
    let again = || round(&[("Password: ", false, PASSWORD)]);
    let server = server_for(FakeLogin::KeyboardInteractive(vec![again(), again()]));
    let stage = Stage::at(&server)
        .secret("login.password", SecretField::Password, PASSWORD)
        .by_questions(Some("login.password"))
        .answers(&[PASSWORD]);
    let (session, safe, person) = stage.open().await;
    assert!(session.is_ok());
    assert_eq!(safe.asked.lock().unwrap().len(), 1);
    assert_eq!(person.forms.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn questions_without_a_slot_all_go_to_the_person() {
    let server = server_for(FakeLogin::KeyboardInteractive(vec![round(&[("Password: ", false, PASSWORD)])]));
    let stage = Stage::at(&server).by_questions(None).answers(&[PASSWORD]);
    assert_eq!(stage.outcome().await.exit(), &Exit::Status(0));
}

#[tokio::test]
async fn a_server_may_let_in_whoever_comes() {
    let server = server_for(FakeLogin::Nothing);
    assert_eq!(Stage::at(&server).auth(SshAuth::None).outcome().await.exit(), &Exit::Status(0));
}

#[tokio::test]
async fn a_server_that_rejects_everyone_is_told_apart_from_one_that_is_gone() {
    let server = misbehaving_server(Misbehavior::RejectAll);
    let error = Stage::with_password(&server).error().await;
    assert!(matches!(error, SessionError::WrongCredential { .. }), "{error:?}");
}
