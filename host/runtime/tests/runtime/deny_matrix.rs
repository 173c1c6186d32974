//! The deny matrix: every capability, not asked for, not granted, revoked while a call runs, and with a parameter that it does not
//! take. Each is refused with a value, and counted; where a guard refuses, the same call succeeds with that guard switched off.
//!
//! What is denied by policy, and that each refusal is in the audit log, is shown through the program, in
//! `tests/suite/tests/crossing/deny_matrix.rs`.

use std::collections::BTreeSet;
use std::sync::Arc;

use ostler_core::{
    ChallengeAlgorithm, DriveRequest, FormAnswer, InjectError, SecretBytes, SecretField, SecretInjector,
    SessionPlan, Sink, SlotDescription, SlotName, TerminalSize,
};
use ostler_plugin_api::{Capability, Grants, Guard};
use ostler_runtime::{DriveFailure, DriveLink, LoadError, Plugin, PluginError, Said, SaidKind};
use tokio::sync::mpsc;

use crate::driving_world::Echo;
use crate::web::Web;
use crate::world::{World, guest, request, slot};

/// What a wrong parameter is answered with.
#[derive(Clone, Copy)]
enum Wrong {
    /// A guard refuses it.
    Denied(Guard),
    /// It can't be meant, or is too much: nothing but the check itself stands there, and there is nothing to switch off.
    Bad(&'static str),
    /// The capability takes no parameter, or takes any.
    None,
}

/// A capability, what is wrong of its parameters, and what it answers when it is used.
struct Row(Capability, Wrong, &'static str);

const ROWS: [Row; 20] = [
    Row(Capability::SecretsUse, Wrong::Denied(Guard::Offered), "Ok([1, 2, 3])"),
    Row(Capability::SecretsReveal, Wrong::Denied(Guard::Offered), "Ok([115])"),
    Row(Capability::SecretsStore, Wrong::Bad("Invalid("), "Ok(\"store.kept\")"),
    Row(Capability::Http, Wrong::Denied(Guard::Scope), "Ok(200)"),
    Row(Capability::Net, Wrong::Denied(Guard::Scope), "Ok(\"a wire\")"),
    Row(Capability::Terminal, Wrong::Bad("Limit("), "Ok(())"),
    Row(Capability::Desktop, Wrong::Bad("Invalid("), "Ok(())"),
    Row(Capability::Prompt, Wrong::Bad("Invalid("), "Ok(\"an answer\")"),
    Row(Capability::ConnectionsRead, Wrong::Denied(Guard::Scope), "Ok(\"a page\")"),
    Row(Capability::ConnectionsWrite, Wrong::Denied(Guard::Scope), "Ok(())"),
    Row(Capability::RecordingAnnotate, Wrong::Bad("Invalid("), "Ok(())"),
    Row(Capability::RecordingRead, Wrong::Denied(Guard::Scope), "Ok(\"a page\")"),
    Row(Capability::Files, Wrong::Denied(Guard::Scope), "Ok(\"a file\")"),
    Row(Capability::Process, Wrong::Denied(Guard::Scope), "Ok(true)"),
    Row(Capability::Inbound, Wrong::Bad("Invalid("), "Ok(\"a callback\")"),
    Row(Capability::Storage, Wrong::Bad("Invalid("), "Ok(())"),
    Row(Capability::Settings, Wrong::None, "Ok(None)"),
    Row(Capability::Log, Wrong::None, "written, or not"),
    Row(Capability::Clock, Wrong::Bad("Limit("), "Ok(())"),
    Row(Capability::Events, Wrong::Bad("Limit("), "Ok(\"a batch\")"),
];

/// Opens every slot for every place.
struct Opener;

impl SecretInjector for Opener {
    fn inject(&self, _: &SlotName, _: &Sink) -> Result<SecretBytes, InjectError> {
        Ok(SecretBytes::from("s".to_owned()))
    }
    fn reveal(&self, _: &SlotName, _: Option<&SecretBytes>) -> Result<SecretBytes, InjectError> {
        Ok(SecretBytes::from("s".to_owned()))
    }
    fn answer(
        &self,
        _: &SlotName,
        _: &Sink,
        _: ChallengeAlgorithm,
        _: &[u8],
    ) -> Result<Vec<u8>, InjectError> {
        Ok(vec![1, 2, 3])
    }
}

/// A world with everything that a capability may be used on.
struct Stage {
    world: World,
    port: u16,
    _web: Web,
    _echo: Echo,
}

impl Stage {
    async fn new(world: World, capability: Capability) -> Self {
        let (web, echo) = (Web::start(), Echo::start().await);
        world.store.fill();
        let here = vec!["127.0.0.1".parse().unwrap()];
        world.names.0.lock().unwrap().insert("elsewhere.example".to_owned(), here);
        let port = if capability == Capability::Http { web.port } else { echo.port };
        Self { world, port, _web: web, _echo: echo }
    }

    fn plugin(&self, grants: Grants) -> Plugin {
        self.world.load_with(&guest("every"), grants).unwrap()
    }

    /// The person answers so many questions.
    fn person_answers(&self, times: usize) {
        for _ in 0..times {
            let answer = vec![("name".to_owned(), FormAnswer::Text("x".to_owned()))];
            self.world.person.script.lock().unwrap().push_back(Ok(answer));
        }
    }

    /// Lets the plugin use the capability, and returns what came of it.
    async fn used(&self, plugin: &Plugin, capability: Capability, how: &[(&str, &str)]) -> String {
        let told = [&[("do", capability.name())], how].concat();
        let mut request = request(&told);
        "every".clone_into(&mut request.kind);
        "127.0.0.1".clone_into(&mut request.host);
        request.port = self.port;
        let secrets: Arc<dyn SecretInjector> = Arc::new(Opener);
        match plugin.plan_with(&request, &secrets).await {
            Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => text,
            Ok(planned) => {
                let SessionPlan::Driven(plan) = planned.plan else { panic!("it plans no other session") };
                let request = DriveRequest {
                    connection: request.connection,
                    name: request.name,
                    kind: request.kind,
                    target: plan.target,
                    user: None,
                    domain: None,
                    settings: request.settings,
                    slots: vec![SlotDescription {
                        name: slot("login.password"),
                        field: SecretField::Password,
                    }],
                    surface: plan.surface,
                    terminal: TerminalSize { columns: 80, rows: 24 },
                    terminal_type: "xterm".to_owned(),
                };
                let (_input, hears) = mpsc::channel(1);
                let (shows, _output) = mpsc::channel(16);
                let driven = plugin.drive(&request, DriveLink { input: hears, output: shows, secrets }).await;
                match driven {
                    Ok(Err(DriveFailure::Other(text))) => text,
                    other => panic!("the guest should say what it got, not {other:?}"),
                }
            }
            other => panic!("the guest should say what it got, not {other:?}"),
        }
    }
}

fn everything() -> Grants {
    ROWS.iter().map(|Row(capability, ..)| *capability).collect()
}

fn all_but(capability: Capability) -> Grants {
    ROWS.iter().map(|Row(other, ..)| *other).filter(|other| *other != capability).collect()
}

/// Tells whether a grant has bounds: parameters, or what is read of calls.
fn bounded(capability: Capability) -> bool {
    !capability.parameters().is_empty() || capability == Capability::Inbound
}

/// Checks that the plugin was told, and that it was counted. A line of the log has no answer.
fn assert_refused(plugin: &Plugin, capability: Capability, said: &str) {
    let expected = format!("the capability '{capability}' is not granted");
    if capability != Capability::Log {
        assert!(said.contains("Denied(") && said.contains(&expected), "{capability}: {said}");
    }
    let refusals = plugin.usage().refusals;
    let counted = refusals.iter().any(|own| own.capability == capability && own.reason == expected);
    assert!(counted, "{capability}: {refusals:?}");
}

#[test]
fn every_capability_of_this_host_has_its_row() {
    let rows: BTreeSet<Capability> = ROWS.iter().map(|Row(capability, ..)| *capability).collect();
    assert_eq!(rows, BTreeSet::from(Capability::ALL));
    assert_eq!(rows.len(), ROWS.len());
}

#[tokio::test]
async fn what_is_asked_for_and_granted_is_done() {
    for Row(capability, _, done) in ROWS {
        let stage = Stage::new(World::new(), capability).await;
        stage.person_answers(1);
        let plugin = stage.plugin(everything());
        assert_eq!(stage.used(&plugin, capability, &[]).await, done, "{capability}");
        assert!(plugin.usage().capabilities[&capability].used > 0, "{capability}");
    }
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_loaded_and_without_that_guard_it_is() {
    for Row(capability, ..) in ROWS {
        let mut guest = guest("every");
        guest.manifest.capabilities.retain(|request| request.name != capability);
        let refused = World::new().load_with(&guest, everything());
        let Err(LoadError::Import(error)) = refused else { panic!("{capability}: {refused:?}") };
        let expected = format!("does not ask for the capability '{capability}'");
        assert!(error.to_string().contains(&expected), "{capability}: {error}");
        assert!(World::without(Guard::Asked).load_with(&guest, everything()).is_ok(), "{capability}");
    }
}

#[tokio::test]
async fn what_is_not_granted_is_refused_with_a_value_and_without_that_guard_it_is_done() {
    for Row(capability, _, done) in ROWS {
        let stage = Stage::new(World::new(), capability).await;
        stage.person_answers(1);
        let plugin = stage.plugin(all_but(capability));
        let said = stage.used(&plugin, capability, &[]).await;
        assert_refused(&plugin, capability, &said);

        let stage = Stage::new(World::without(Guard::Granted), capability).await;
        stage.person_answers(1);
        // Bounds are another guard's business: what it is not given has none.
        let said = stage.used(&stage.plugin(all_but(capability)), capability, &[]).await;
        let bounded = bounded(capability);
        assert!(said == done || bounded && !said.contains("is not granted"), "{capability}: {said}");
    }
}

#[tokio::test]
async fn what_is_revoked_while_a_call_runs_is_refused_from_then_on() {
    for Row(capability, _, done) in ROWS {
        for guarded in [true, false] {
            let world = if guarded { World::new() } else { World::without(Guard::Granted) };
            let stage = Stage::new(world, capability).await;
            stage.person_answers(3);
            let plugin = stage.plugin(everything());
            // The person is asked in between, and thinks of something else: taking the right away.
            let revoked = plugin.clone();
            *stage.world.person.meanwhile.lock().unwrap() =
                Some(Box::new(move || revoked.set_grants(all_but(capability))));
            let said = stage.used(&plugin, capability, &[("again", "yes")]).await;
            let (first, second) = said.split_once(" | ").unwrap();
            assert_eq!(first, done, "{capability}");
            if guarded {
                assert_refused(&plugin, capability, second);
            } else {
                let bounded = bounded(capability);
                assert!(
                    second == done || bounded && !second.contains("is not granted"),
                    "{capability}: {second}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_parameter_that_is_not_covered_is_refused_with_a_value_and_without_that_guard_it_is_done() {
    for Row(capability, wrong, done) in ROWS {
        let stage = Stage::new(World::new(), capability).await;
        stage.person_answers(1);
        let plugin = stage.plugin(everything());
        let said = match wrong {
            Wrong::None => continue,
            _ => stage.used(&plugin, capability, &[("how", "wrong")]).await,
        };
        match wrong {
            Wrong::None => {}
            Wrong::Bad(expected) => assert!(said.contains(expected), "{capability}: {said}"),
            Wrong::Denied(guard) => {
                assert!(said.contains("Denied("), "{capability}: {said}");
                let refusals = plugin.usage().refusals;
                assert!(
                    refusals.iter().any(|own| own.capability == capability),
                    "{capability}: {refusals:?}"
                );
                let stage = Stage::new(World::without(guard), capability).await;
                let said = stage.used(&stage.plugin(everything()), capability, &[("how", "wrong")]).await;
                assert_eq!(said, done, "{capability}");
            }
        }
    }
}
