//! Plugins that start programs, in the program as a user runs it: who agrees to what, what is written down, and what dies with the host.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::component::{manifest_of, with_manifest};
use crate::guest_memory::guest_memory;
use crate::world::{World, guest};

const PLUGIN: &str = "test.runner";
const TOKEN: &str = "token-that-nobody-reads";

/// The plugin with these programs, and a connection of its.
fn stage(programs: &[&str]) -> World {
    let ostler = World::new();
    ostler.ok(&["plugin", "install", guest("runner").to_str().unwrap()]);
    grant(&ostler, programs);
    for capability in ["secrets.use", "secrets.store"] {
        ostler.ok(&["plugin", "grant", PLUGIN, capability]);
    }
    ostler.ok(&[
        "connection",
        "add",
        "run",
        "--type",
        "runs",
        "--host",
        "127.0.0.1",
        "--port",
        "1",
        "--user",
        "anna",
    ]);
    ostler
}

fn grant(ostler: &World, programs: &[&str]) {
    let programs = programs.iter().flat_map(|program| ["--program", program]);
    ostler.ok(&["plugin", "grant", PLUGIN, "process"].into_iter().chain(programs).collect::<Vec<_>>());
}

/// Lets the plugin run something, and returns what it got.
fn ran(ostler: &World, settings: &[&str]) -> String {
    tell(ostler, settings);
    ostler.run(&["connect", "run"]).stderr
}

fn tell(ostler: &World, settings: &[&str]) {
    let settings = settings.iter().flat_map(|setting| ["--set", setting]);
    ostler.ok(&["connection", "edit", "run"].into_iter().chain(settings).collect::<Vec<_>>());
}

fn uses(ostler: &World) -> Vec<Value> {
    let events = ostler.ok(&["audit", "show", "--event", "capability.use", "--json"]).json();
    let of_it = |event: &&Value| event["capability"] == "process";
    events.as_array().unwrap().iter().filter(of_it).cloned().collect()
}

#[test]
fn a_program_runs_as_far_as_the_user_named_it_and_each_start_is_audited() {
    let ostler = stage(&["echo hello *"]);
    let said = ran(&ostler, &["command=echo|hello|world"]);
    assert!(said.contains("Status::Exited(0)"), "{said}");
    let said = ran(&ostler, &["command=echo|good-bye|world"]);
    assert!(said.contains("to start '/usr/bin/echo good-bye world' is not covered"), "{said}");
    let uses = uses(&ostler);
    assert_eq!((uses[0]["outcome"].as_str(), uses[1]["outcome"].as_str()), (Some("success"), Some("denied")));
    assert!(uses[0].to_string().contains("start /usr/bin/echo hello world"), "{}", uses[0]);
}

#[test]
fn a_secret_of_its_own_reaches_the_program_that_it_was_stored_for_and_not_the_plugin() {
    let ostler = stage(&["tac", "cat"]);
    // The guest keeps a secret for one program, and gives it to two.
    let settings = ["store=/usr/bin/tac", "slot=store.kept", "input={\"user\":\"*\"}", "command=tac"];
    let said = ran(&ostler, &settings);
    assert!(said.contains("$.user=") && said.contains("****") && !said.contains("S3cret"), "{said}");
    let said = ran(&ostler, &["command=cat"]);
    assert!(said.contains("Denied") && said.contains("may not go to"), "{said}");
    let injected = ostler.ok(&["audit", "show", "--event", "secret.inject", "--json"]).json();
    let outcomes: Vec<&Value> = injected.as_array().unwrap().iter().map(|event| &event["outcome"]).collect();
    assert_eq!(outcomes, ["success", "denied"]);
}

#[test]
fn a_secret_that_a_program_prints_is_nowhere_in_the_memory_of_the_plugin() {
    let ostler = stage(&["tac", "sleep", "cat"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.json");
    fs::write(&file, format!("{{\"user\":\"a-user-that-is-read\",\"password\":\"{TOKEN}\"}}")).unwrap();
    let bytes = fs::read(guest("runner")).unwrap();
    let manifest = manifest_of(&bytes).replace("command = \"tac\"", "command = \"tac *\"");
    let path = ostler.file("other.wasm", "");
    fs::write(&path, with_manifest(&bytes, &manifest)).unwrap();
    ostler.ok(&["plugin", "install", path.to_str().unwrap()]);
    grant(&ostler, &["tac", "sleep", "cat"]);
    tell(&ostler, &[&format!("command=tac|{}", file.display()), "then=sleep|1000"]);
    let mut running = ostler.command(&["connect", "run"]).spawn().unwrap();
    // The first has ended, and the second runs, while the instance lives.
    wait_for(|| children(running.id()).iter().any(|child| child.1.contains("sleep")));
    let memory = guest_memory(running.id());
    running.kill().unwrap();
    running.wait().unwrap();
    let holds = |text: &str| memory.windows(text.len()).any(|at| at == text.as_bytes());
    assert!(holds("a-user-that-is-read"), "what was read is there, so that the search finds what is there");
    assert!(!holds(TOKEN));
}

#[test]
fn a_program_dies_with_the_host_however_that_ends() {
    let ostler = stage(&["sleep"]);
    tell(&ostler, &["command=sleep|1000"]);
    let mut running = ostler.command(&["connect", "run"]).spawn().unwrap();
    wait_for(|| !children(running.id()).is_empty());
    let (program, _) = children(running.id()).remove(0);
    // SIGKILL: nothing of the host runs any more.
    running.kill().unwrap();
    running.wait().unwrap();
    let alive = || {
        let stat = fs::read_to_string(Path::new("/proc").join(program.to_string()).join("stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    wait_for(|| !alive());
}

#[test]
fn an_update_that_reads_more_waits_and_does_not_read_it_meanwhile() {
    let ostler = stage(&["cat", "head"]);
    let said = ran(&ostler, &["command=cat", "input=read"]);
    assert!(said.contains("Some(\"read\")"), "{said}");
    let said = ran(&ostler, &["command=head"]);
    assert!(said.contains("process.all:password"), "{said}");
    let bytes = fs::read(guest("runner")).unwrap();
    let more = manifest_of(&bytes).replace("version = \"1.0.0\"", "version = \"1.1.0\"").replace(
        "format = \"text\"\nslots = [{ path = \"$\", name = \"all\", field = \"password\" }]",
        "format = \"all\"",
    );
    let path = ostler.file("more.wasm", "");
    fs::write(&path, with_manifest(&bytes, &more)).unwrap();
    let updated = ostler.ok(&["plugin", "install", path.to_str().unwrap()]);
    assert!(
        updated.stdout.contains("process: new and not granted: reads all of 'head'"),
        "{}",
        updated.stdout
    );
    let shown = ostler.ok(&["plugin", "show", PLUGIN, "--json"]).json();
    let process =
        shown["capabilities"].as_array().unwrap().iter().find(|own| own["name"] == "process").unwrap();
    assert_eq!(process["waiting"], json!({ "reads": ["all of 'head'"] }));
    let said = ran(&ostler, &["command=head"]);
    assert!(said.contains("Denied") && said.contains("to read all of 'head' is not covered"), "{said}");
    assert!(ran(&ostler, &["command=cat"]).contains("Some(\"read\")"), "what it read before it still reads");
    grant(&ostler, &["cat", "head"]);
    assert!(ran(&ostler, &["command=head"]).contains("Some(\"read\")"));
}

/// The children of a process, with their command lines.
fn children(of: u32) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse::<u32>().ok());
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if parent == Some(of) && line.starts_with(b"/usr/bin/") {
            found.push((pid, String::from_utf8_lossy(&line).into_owned()));
        }
    }
    found
}

fn wait_for(mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "it did not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
