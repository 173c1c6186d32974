//! The capability `process` with real programs: what is started, what of it is read, and what is refused, each refusal once more without
//! its guard.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler_core::{FormAnswer, InjectError, SecretBytes, SecretField, SecretInjector, Sink, SlotName};
use ostler_plugin_api::{Capability, Grant, Grants, Guard, Scope};
use ostler_runtime::{Plugin, PluginError, Said, SaidKind};
use tempfile::TempDir;

use crate::world::{World, guest, probed, request, slot};

const SECRET: &str = "S3cret-for-the-program";

/// The runner with a grant of these programs.
fn runner(world: &World, programs: &[&str]) -> Plugin {
    let mut grants: Grants =
        [Capability::Prompt, Capability::SecretsUse, Capability::SecretsStore].into_iter().collect();
    let programs = programs.iter().map(|program| program.parse().unwrap()).collect();
    let scope = Scope { programs: Some(programs), ..Scope::default() };
    grants.0.insert(Capability::Process, Grant { layers: vec![scope] });
    world.load_with(&guest("runner"), grants).unwrap()
}

fn given(world: &World) {
    let answer =
        FormAnswer::Secret { slot: slot("prompt.secret"), bytes: SecretBytes::from(SECRET.to_owned()) };
    world.person.script.lock().unwrap().push_back(Ok(vec![("secret".to_owned(), answer)]));
}

/// Runs one program once.
async fn ran(programs: &[&str], settings: &[(&str, &str)]) -> String {
    probed(&runner(&World::new(), programs), settings).await
}

/// Runs one once the person has entered the secret.
async fn ran_with_secret(world: &World, programs: &[&str], settings: &[(&str, &str)]) -> String {
    given(world);
    probed(&runner(world, programs), &[&[("ask", "yes")], settings].concat()).await
}

#[tokio::test]
async fn a_program_gets_its_arguments_and_input_and_what_is_not_named_is_not_read() {
    let said = ran(&["cat"], &[("command", "cat"), ("input", "a line\n")]).await;
    assert_eq!(said, r#"Status::Exited(0) [] [] Some("a line\n") Some("")"#);
    let said = ran(&["cat"], &[("command", "/usr/bin/cat|/no/such file")]).await;
    assert!(said.starts_with("Status::Exited(1)") && said.contains("/no/such file"), "{said}");
    let said = ran(&["echo"], &[("command", "echo|hidden")]).await;
    assert_eq!(said, "Status::Exited(0) [] [] None None", "no output of the manifest is for it");
    let said = ran(&["sh"], &[("command", "sh|-c|kill -TERM $$")]).await;
    assert!(said.starts_with("Status::Signalled(15)"), "{said}");
    let said = ran(&["sh"], &[("command", "sh|-c|pwd; ulimit -c")]).await;
    assert!(said.contains(r#"Some("/\n0\n")"#), "{said}");
}

#[tokio::test]
async fn a_program_gets_the_variables_of_the_session_and_no_others_of_the_host() {
    let said = ran(&["env"], &[("command", "env"), ("variable", "TOKEN"), ("value", "of the plugin")]).await;
    assert!(said.contains("TOKEN=of the plugin") && said.contains("PATH=/usr/local/sbin:"), "{said}");
    // Cargo sets this for the test, and it is none of the session.
    assert!(
        std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !said.contains("CARGO_MANIFEST_DIR"),
        "{said}"
    );
}

#[tokio::test]
async fn a_start_that_is_not_covered_is_refused_and_that_is_the_guards_work() {
    for (programs, command) in [
        (&["cat"][..], "echo|x"),
        (&["echo one"], "echo|two"),
        (&["echo *"], "echo|-n"),
        (&["/usr/bin/echo"], "/bin/echo|x"),
        (&[], "echo|x"),
        (&["*"], "echo|x"),
    ] {
        let settings = [("command", command)];
        let world = World::new();
        let plugin = runner(&world, programs);
        let said = probed(&plugin, &settings).await;
        assert!(
            said.contains("Denied") && said.contains("is not covered by the grant of 'process'"),
            "{said}"
        );
        assert!(world.machine_uses.noted.lock().unwrap().is_empty());
        assert_eq!(plugin.usage().capabilities[&Capability::Process].refused, 1);
        let said = probed(&runner(&World::without(Guard::Scope), programs), &settings).await;
        assert!(said.starts_with("Status::Exited(0)"), "{programs:?} {command}: {said}");
    }
    let variable = [("command", "echo|one"), ("variable", "A"), ("value", "b")];
    assert!(ran(&["echo one"], &variable).await.contains("to start 'A=* /usr/bin/echo one' is not covered"));
    assert!(ran(&["A=* echo one"], &variable).await.starts_with("Status::Exited(0)"));
}

#[tokio::test]
async fn a_variable_that_loads_other_code_is_refused_and_that_is_the_guards_work() {
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV", "HOME", "ld_preload"] {
        let settings = [("command", "env"), ("variable", name), ("value", "/tmp")];
        let said = ran(&["env"], &settings).await;
        assert!(
            said.contains("Denied") && said.contains(&format!("no plugin sets the variable '{name}'")),
            "{said}"
        );
        let said = probed(&runner(&World::without(Guard::Variable), &["env"]), &settings).await;
        assert!(said.contains(&format!("{name}=/tmp")), "{said}");
    }
    let said = ran(&["env"], &[("command", "env"), ("variable", "A=B"), ("value", "c")]).await;
    assert!(said.contains("Invalid"), "{said}");
}

#[tokio::test]
async fn a_secret_reaches_the_program_and_not_the_plugin() {
    let world = World::new();
    let said = ran_with_secret(
        &world,
        &["tac"],
        &[("command", "tac"), ("input", r#"{"user":"anna","password":"x","again":"*"}"#)],
    )
    .await;
    assert!(said.contains(r#"$.user=[\"anna\"]"#), "{said}");
    assert!(said.contains(r#"$.again=[\"**********************\"]"#) && !said.contains(SECRET), "{said}");
    assert_eq!(
        *world.uses.0.lock().unwrap(),
        ["test.runner prompt.secret input of process:///usr/bin/tac:0"]
    );
    let world = World::new();
    let said = ran_with_secret(&world, &["env"], &[("command", "env"), ("variable", "TOKEN")]).await;
    assert!(said.contains("TOKEN=**********************") && !said.contains(SECRET), "{said}");
    assert_eq!(
        *world.uses.0.lock().unwrap(),
        ["test.runner prompt.secret environment of process:///usr/bin/env:0"]
    );
}

#[tokio::test]
async fn after_a_secret_no_output_is_read_as_a_whole_and_that_is_the_guards_work() {
    let settings = [("command", "cat"), ("input", "*")];
    let said = ran_with_secret(&World::new(), &["cat"], &settings).await;
    assert!(said.contains("Denied") && said.contains("no output is read as a whole"), "{said}");
    let said = ran_with_secret(&World::without(Guard::Projection), &["cat"], &settings).await;
    assert!(said.contains(SECRET), "{said}");
}

#[tokio::test]
async fn what_a_program_prints_as_a_secret_goes_back_to_it_and_nowhere_else() {
    let first = ("input", r#"{"user":"anna","password":"pr1nted"}"#);
    let said = ran(&["tac"], &[("command", "tac"), first]).await;
    assert!(said.contains("process.password:password") && !said.contains("pr1nted"), "{said}");

    let there = [
        ("command", "tac"),
        ("then", "tac"),
        ("input", r#"{"user":"*","password":"pr1nted"}"#),
        ("ask", "yes"),
    ];
    let world = World::new();
    given(&world);
    let said = probed(&runner(&world, &["tac"]), &there).await;
    let uses = world.uses.0.lock().unwrap().clone();
    assert_eq!(uses[1], "test.runner process.password input of process:///usr/bin/tac:0", "{said}");
    assert!(!said.contains("pr1nted"), "{said}");
    assert!(said.contains("process.password-2:password"), "the first keeps its name: {said}");

    let away = [
        ("command", "tac"),
        ("then", "head"),
        ("input", r#"{"user":"*","password":"pr1nted"}"#),
        ("ask", "yes"),
    ];
    for guarded in [true, false] {
        let world = if guarded { World::new() } else { World::without(Guard::Sink) };
        given(&world);
        let said = probed(&runner(&world, &["tac", "head"]), &away).await;
        assert_eq!(said.contains("may not go to '/usr/bin/head'"), guarded, "{said}");
        assert_eq!(world.machine_uses.noted.lock().unwrap().len(), if guarded { 1 } else { 2 });
    }
}

/// Opens the slots of a launch for the standard input of one program.
struct OneProgram(&'static str, Mutex<Vec<String>>);

impl SecretInjector for OneProgram {
    fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, InjectError> {
        self.1.lock().unwrap().push(format!("{slot} for the {sink}"));
        let host = self.0.to_owned();
        let own = Sink { protocol: Sink::PROCESS.to_owned(), host, port: 0, field: SecretField::Input };
        match own.same_place(sink) {
            true => Ok(SecretBytes::from(SECRET.to_owned())),
            false => Err(InjectError::WrongSink { slot: slot.clone(), sink: sink.clone() }),
        }
    }
}

#[tokio::test]
async fn a_slot_of_the_launch_goes_to_its_sink_and_nowhere_else() {
    let settings = [("command", "tac"), ("slot", "login.password"), ("input", r#"{"again":"*"}"#)];
    for (program, let_through) in [("/usr/bin/tac", true), ("/usr/bin/TAC", false), ("/usr/bin/cat", false)] {
        let place = Arc::new(OneProgram(program, Mutex::default()));
        let secrets: Arc<dyn SecretInjector> = place.clone();
        let world = World::new();
        let said = match runner(&world, &["tac"]).plan_with(&request(&settings), &secrets).await {
            Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => text,
            other => panic!("the runner should answer, not {other:?}"),
        };
        assert_eq!(said.contains("$.again"), let_through, "{said}");
        assert_eq!(said.contains("Denied") && said.contains("may not go to"), !let_through, "{said}");
        assert_eq!(*place.1.lock().unwrap(), ["login.password for the input of process:///usr/bin/tac:0"]);
        assert_eq!(world.machine_uses.noted.lock().unwrap().is_empty(), !let_through);
    }
}

#[tokio::test]
async fn each_start_is_written_down_and_what_can_not_be_is_not_started() {
    let (world, folder) = (World::new(), TempDir::new().unwrap());
    let file = folder.path().join("made").to_str().unwrap().to_owned();
    let plugin = runner(&world, &["touch"]);
    *world.machine_uses.full.lock().unwrap() = true;
    let said = probed(&plugin, &[("command", &format!("touch|{file}"))]).await;
    assert!(said.contains("could not be audited") && !Path::new(&file).exists(), "{said}");
    *world.machine_uses.full.lock().unwrap() = false;
    probed(&plugin, &[("command", &format!("touch|{file}"))]).await;
    assert!(Path::new(&file).exists());
    assert_eq!(*world.machine_uses.noted.lock().unwrap(), [format!("process start /usr/bin/touch {file}")]);
}

#[tokio::test]
async fn what_is_no_program_or_too_much_is_a_value() {
    let (world, folder) = (World::new(), TempDir::new().unwrap());
    let text = folder.path().join("text").to_str().unwrap().to_owned();
    std::fs::write(&text, "no program").unwrap();
    let plugin = runner(&world, &[&text, "/etc", "/no/such", "true", "head", "sleep"]);
    let many = format!("true{}", "|x".repeat(257));
    let large = format!("true|{}", "x".repeat(65 << 10));
    for (command, expected) in [
        (text.as_str(), "can't be started"),
        ("/etc", "can't be started"),
        ("/no/such", "can't be started"),
        ("no-such-program", "there is no program"),
        ("bin/true", "Invalid"),
        ("/usr/bin/../bin/true", "Invalid"),
        ("", "Invalid"),
        ("true|a\0b", "Invalid"),
        (&many, "Limit"),
        (&large, "Limit"),
        ("head|-c|5000000|/dev/zero", "printed more than 4 MiB"),
    ] {
        let said = probed(&plugin, &[("command", command)]).await;
        let shown: String = command.chars().take(60).collect();
        assert!(said.contains(expected), "{shown}: {said}");
    }
    let said = probed(&plugin, &[("command", "true"), ("times", "65")]).await;
    assert!(said.contains("Limit") && said.contains("at most 64 programs"), "{said}");
    let said = probed(&plugin, &[("command", "true"), ("input", &"x".repeat((1 << 20) + 1))]).await;
    assert!(said.contains("at most 1 MiB"), "{said}");
    let said = probed(&plugin, &[("command", "sleep|1000"), ("seconds", "1")]).await;
    assert!(said.contains("TimedOut"), "{said}");
}

/// Waits until a process is gone.
async fn gone(pid: &str) {
    let path = Path::new("/proc").join(pid.trim()).join("stat");
    // A zombie is gone, too: whoever has to wait for it may be slow.
    while std::fs::read_to_string(&path).is_ok_and(|stat| !stat.contains(") Z ")) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_a_program_leaves_behind_is_killed_with_its_end() {
    let said = ran(&["sh"], &[("command", "sh|-c|sleep 1000 & echo $!")]).await;
    let pid: String = said.chars().skip_while(|c| *c != '"').filter(char::is_ascii_digit).collect();
    assert!(!pid.is_empty(), "{said}");
    gone(&pid).await;
}

#[tokio::test]
async fn a_program_dies_with_its_call() {
    let (world, folder) = (World::new(), TempDir::new().unwrap());
    let file = folder.path().join("pid");
    let plugin = runner(&world, &["sh"]);
    let command = format!("sh|-c|echo $$ > {0}.new; mv {0}.new {0}; sleep 1000", file.display());
    let settings = [("command", command.as_str())];
    let written = async {
        while !file.exists() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::select! {
        said = probed(&plugin, &settings) => panic!("it should run on: {said}"),
        () = written => {}
    }
    gone(&std::fs::read_to_string(&file).unwrap()).await;
}
