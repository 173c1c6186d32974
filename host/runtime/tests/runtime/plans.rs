//! Plans: what comes out of an honest one, and which are refused.

use ostler_core::{Endpoint, PlanValue, RunRequest, SessionPlan, SshAuth, SshPlan, SshRun};
use ostler_plugin_api::{Capability, Kind};
use ostler_runtime::{LauncherKind, PluginError, SaidKind};

use crate::world::{EVERYTHING, NOTHING, World, guest, probed, request, slot};

#[tokio::test]
async fn an_honest_plan_comes_out_as_it_was_made() {
    let mut request = request(&[("do", "plan")]);
    request.run = RunRequest::Command { line: "uptime".to_owned(), terminal: false };
    let outcome = World::new().probe(EVERYTHING).plan(&request).await.unwrap();
    let expected = SshPlan {
        target: Endpoint { host: "db.example".to_owned(), port: 22 },
        user: PlanValue::Text("root".to_owned()),
        auth: vec![SshAuth::Password(slot("login.password"))],
        run: SshRun::Command("uptime".to_owned()),
        terminal: true,
        environment: Vec::new(),
        connect_timeout_seconds: 10,
        keepalive_seconds: 0,
    };
    assert_eq!(outcome.plan, SessionPlan::Ssh(expected));
    assert!(outcome.prompted.is_empty());
}

#[tokio::test]
async fn a_launcher_gets_names_and_slots_and_no_secret() {
    let seen = probed(&World::new().probe(NOTHING), &[("do", "request")]).await;
    for part in ["Database", "db.example", "root", "login.password", "SecretField::Password"] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
}

#[tokio::test]
async fn kinds_are_described_and_cleaned() {
    let kinds = World::new().probe(NOTHING).launcher_kinds().await.unwrap();
    let expected = LauncherKind { kind: "ssh".into(), title: "Probe\u{fffd}".into(), default_port: 22 };
    assert_eq!(kinds, [expected]);
}

#[tokio::test]
async fn a_plan_that_names_a_slot_without_the_capability_is_refused() {
    let world = World::new();
    let probe = world.probe(&[Capability::Log]);
    let error = probe.plan(&request(&[("do", "plan")])).await.unwrap_err();
    let PluginError::Refused { capability, reason } = &error else { panic!("{error:?}") };
    assert_eq!(*capability, Capability::SecretsUse);
    assert!(
        reason.contains("'login.password'") && reason.contains("'secrets.use' is not granted"),
        "{reason}"
    );
    assert_eq!(probe.usage().capabilities[&Capability::SecretsUse].refused, 1);
    // The same plan without a slot is none of the capability's business.
    assert!(probe.plan(&request(&[])).await.is_ok());
    assert!(world.probe(&[Capability::SecretsUse]).plan(&request(&[("do", "plan")])).await.is_ok());
}

#[tokio::test]
async fn a_plan_that_names_a_slot_which_was_not_offered_is_refused() {
    let evil = World::new().evil_launcher();
    let error = evil.plan(&request(&[("evil", "unknown-slot")])).await.unwrap_err();
    let PluginError::Refused { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("'login.root-password', which this launch does not offer"), "{reason}");
}

#[tokio::test]
async fn plans_out_of_bounds_are_refused_with_the_field() {
    let evil = World::new().evil_launcher();
    let cases = [
        ("no-host", "target.host"),
        ("port-0", "target.port"),
        ("control-character", "user"),
        ("long-command", "run.command"),
        ("many-variables", "environment"),
        ("bad-slot-name", "auth.password"),
    ];
    for (trick, field) in cases {
        match evil.plan(&request(&[("evil", trick)])).await {
            Err(PluginError::BadPlan(fault)) => assert_eq!(fault.field, field),
            other => panic!("{trick}: {other:?}"),
        }
    }
    assert!(evil.plan(&request(&[])).await.is_ok());
}

#[tokio::test]
async fn plans_that_only_sinks_can_judge_come_out_for_the_injection_to_judge() {
    let evil = World::new().evil_launcher();
    for trick in ["other-host", "other-port", "slot-as-user", "slot-in-environment", "slot-as-key"] {
        let outcome = evil.plan(&request(&[("evil", trick)])).await.unwrap();
        assert_eq!(outcome.plan.slots(), [&slot("login.password")], "{trick}");
    }
}

#[tokio::test]
async fn what_a_launcher_says_no_to_is_told_apart_and_cleaned() {
    let probe = World::new().probe(NOTHING);
    let said = async |settings| match probe.plan(&request(&[("do", settings)])).await {
        Err(PluginError::Said(said)) => said,
        other => panic!("{other:?}"),
    };
    let missing = said("no.missing").await;
    assert_eq!((missing.kind, missing.text.as_str()), (SaidKind::Missing, "a user"));
    let setting = said("no.setting").await;
    assert_eq!(setting.to_string(), "setting 'port': is\u{fffd}odd");
    assert_eq!(probe.usage().traps, 0);
}

#[tokio::test]
async fn a_plugin_of_another_kind_is_not_called() {
    let world = World::new();
    let importer = world.load(&guest("importer"), NOTHING).unwrap();
    assert_eq!(
        importer.plan(&request(&[])).await.unwrap_err(),
        PluginError::NotThisKind { kind: Kind::Launcher }
    );
    assert_eq!(
        world.probe(NOTHING).detect(b"", "").await.unwrap_err(),
        PluginError::NotThisKind { kind: Kind::Importer }
    );
}
