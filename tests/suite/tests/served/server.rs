//! The process that holds a store unlocked: who gets in, when it locks, and what becomes of those that it serves.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ostler_suite::{Bench, Ostler, Output, PASSPHRASE};
use serde_json::Value;

/// A frame that a client may begin with: a build that no server is.
const HELLO: &[u8] = b"\x00\x00\x00\x0c\x00\x91\x94\xa50.0.0\x01\x01\x01";

/// Runs the program as somebody who does not know the passphrase.
fn stranger(ostler: &Ostler, arguments: &[&str]) -> anyhow::Result<Output> {
    Ok(ostler.command(arguments).env_remove("OSTLER_PASSPHRASE_FILE").output()?.into())
}

fn socket(ostler: &Ostler) -> anyhow::Result<PathBuf> {
    for entry in std::fs::read_dir(ostler.home().join("state/ostler/run"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "sock") {
            return Ok(path);
        }
    }
    anyhow::bail!("there is no socket")
}

fn status(ostler: &Ostler) -> anyhow::Result<Value> {
    ostler.run(&["unlock", "--status", "--json"])?.json()
}

/// Waits until it is so: something in another process that tells nobody when it is done.
fn eventually(what: &str, so: impl Fn() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let until = Instant::now() + Duration::from_mins(1);
    while !so()? {
        anyhow::ensure!(Instant::now() < until, "{what} did not happen");
        // Another process does it, and tells nobody.
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// Returns the classes and reasons of the audit events of a class.
fn events(ostler: &Ostler, class: &str) -> anyhow::Result<Vec<Value>> {
    let shown = ostler.run(&["audit", "show", "--json"])?.succeeded()?.json()?;
    let all = shown.as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|event| event["class"] == class).collect())
}

#[test]
fn the_passphrase_is_given_once_and_never_again_until_it_is_locked() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    assert_eq!(status(&ostler)?["unlocked"], true);
    let add = ["connection", "add", "a", "--type", "ssh", "--host", "a.example"];
    stranger(&ostler, &add)?.succeeded()?;
    assert!(stranger(&ostler, &["connection", "list"])?.succeeded()?.text().contains("a.example"));
    stranger(&ostler, &["lock"])?.succeeded()?;
    stranger(&ostler, &["unlock", "--status"])?.failed(1, "")?;
    stranger(&ostler, &["connection", "list"])?.failed(3, "the passphrase is needed")?;
    assert_eq!(events(&ostler, "vault.lock")?[0]["details"]["how"], "asked for");
    eventually("the end of the process", || Ok(events(&ostler, "host.stop")?.len() == 1))
}

#[test]
fn a_wrong_passphrase_unlocks_nothing() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["lock"])?.succeeded()?;
    let wrong = ostler.file("wrong", "Wrong-Horse-7\n")?;
    ostler.run(&["--passphrase-file", wrong.to_str().unwrap(), "unlock"])?.failed(3, "wrong")?;
    assert_eq!(status(&ostler)?["unlocked"], false);
    Ok(())
}

#[test]
fn it_locks_by_itself_when_nobody_uses_it_and_when_its_time_is_over() -> anyhow::Result<()> {
    for (words, reason) in [(["--idle", "1s"], "idle"), (["--for", "1s"], "time over")] {
        let ostler = Ostler::with_store()?;
        ostler.run(&["lock"])?.succeeded()?;
        ostler.run(&[&["unlock"], words.as_slice()].concat())?.succeeded()?;
        eventually("the lock", || Ok(status(&ostler)?["unlocked"] == false))?;
        assert_eq!(events(&ostler, "vault.lock")?[1]["details"]["how"], reason);
    }
    Ok(())
}

#[test]
fn times_come_from_the_configuration_and_what_is_no_time_is_refused() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["lock"])?.succeeded()?;
    let config = ostler.file("config.toml", "[unlock]\nfor = \"never\"\nidle = \"2h\"\n")?;
    ostler.run(&["--config", config.to_str().unwrap(), "unlock"])?.succeeded()?;
    let stands = status(&ostler)?;
    assert_eq!(stands["status"]["idle_limit_seconds"], 7_200);
    assert_eq!(stands["status"]["remaining_seconds"], Value::Null);
    ostler.run(&["unlock", "--for", "soon"])?.failed(2, "is no time")?;
    Ok(())
}

#[test]
fn frames_that_make_no_sense_cost_only_the_one_who_sent_them() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let garbage: [&[u8]; 5] =
        [b"", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 64], &[0, 0, 0, 0], &[0, 0, 0, 2, 0, 0xc1]];
    for bytes in garbage {
        let mut stream = UnixStream::connect(socket(&ostler)?)?;
        stream.write_all(bytes)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = Vec::new();
        // Cut off or answered with an end: both are well.
        stream.read_to_end(&mut answer).map(drop).unwrap_or_default();
        assert!(answer.is_empty(), "{bytes:?} was answered with {answer:?}");
    }
    stranger(&ostler, &["connection", "list"])?.succeeded()?;
    Ok(())
}

#[test]
fn another_build_and_another_user_are_turned_away() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let socket = socket(&ostler)?;
    let mut stream = UnixStream::connect(&socket)?;
    stream.write_all(HELLO)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    assert!(String::from_utf8_lossy(&answer).contains("OtherBuild"), "{answer:?}");

    // All doors are opened, so that only the question who it is can keep the other one out.
    for directory in socket.ancestors().skip(1).take_while(|path| path.starts_with(ostler.home())) {
        std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755))?;
    }
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o666))?;
    let talk = "import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); \
                s.sendall(bytes.fromhex(sys.argv[2])); print(len(s.recv(999)))";
    let hello: String = HELLO.iter().map(|byte| format!("{byte:02x}")).collect();
    let heard = |user: &str| -> anyhow::Result<String> {
        #[expect(clippy::disallowed_methods, reason = "tests start other users' programs")]
        let output = std::process::Command::new("setpriv")
            .args([&format!("--reuid={user}"), "--clear-groups", "python3", "-c", talk])
            .arg(&socket)
            .arg(&hello)
            .env("PATH", "/usr/bin:/bin")
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()
            + &String::from_utf8_lossy(&output.stderr))
    };
    let me = rustix::process::geteuid();
    assert!(me.is_root(), "this test becomes another user, which only root can: run it as root");
    assert_ne!(heard("0")?, "0", "the same user is answered");
    let stranger = heard("65534")?;
    let gone = ["ConnectionReset", "BrokenPipe"].iter().any(|how| stranger.contains(how));
    assert!(stranger == "0" || gone, "another user heard {stranger}");
    Ok(())
}

#[test]
fn a_server_that_is_killed_is_told_of_and_what_it_left_is_no_hindrance() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let mut terminal =
        ostler.terminal(&["connect", Bench::CONNECTION, "--host-key", "accept-new"], 100, 30)?;
    terminal.wait_for("fake$ ")?;
    let pid = status(ostler)?["status"]["pid"].as_i64().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid)?).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
    assert_eq!(terminal.end()?, 255);
    assert!(terminal.screen().contains("went away"), "{}", terminal.screen());
    // The next command finds a socket that nobody listens at.
    stranger(ostler, &["connection", "list"])?.failed(3, "the passphrase is needed")?;
    ostler.run(&["unlock"])?.succeeded()?;
    stranger(ostler, &["connection", "list"])?.succeeded()?;
    Ok(())
}

#[test]
fn a_client_that_is_killed_ends_its_session_and_the_end_is_audited() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new"];
    let terminal = ostler.terminal(&words, 100, 30)?;
    terminal.wait_for("fake$ ")?;
    assert_eq!(status(ostler)?["status"]["sessions"], 1);
    let client = rustix::process::Pid::from_raw(i32::try_from(terminal.process_id()?)?).unwrap();
    rustix::process::kill_process(client, rustix::process::Signal::KILL)?;
    eventually("the end of the session", || Ok(!events(ostler, "session.end")?.is_empty()))?;
    assert_eq!(events(ostler, "session.end")?[0]["reason"], "closed here");
    let recordings = ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    assert_eq!(recordings[0]["state"], "complete");
    eventually("the count", || Ok(status(ostler)?["status"]["sessions"] == 0))
}

#[test]
fn a_lock_leaves_sessions_open_unless_it_says_otherwise() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let mut terminal =
        ostler.terminal(&["connect", Bench::CONNECTION, "--host-key", "accept-new"], 100, 30)?;
    terminal.wait_for("fake$ ")?;
    stranger(ostler, &["lock"])?.succeeded()?;
    stranger(ostler, &["connection", "list"])?.failed(3, "the passphrase is needed")?;
    terminal.keys("echo still here\r")?;
    terminal.wait_for("\nstill here")?;
    terminal.keys("exit 7\r")?;
    assert_eq!(terminal.end()?, 7);

    ostler.run(&["unlock"])?.succeeded()?;
    let mut terminal = ostler.terminal(&["connect", Bench::CONNECTION], 100, 30)?;
    terminal.wait_for("fake$ ")?;
    stranger(ostler, &["lock", "--sessions"])?.succeeded()?;
    assert_eq!(terminal.end()?, 255);
    Ok(())
}

#[test]
fn one_clients_question_never_reaches_another() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    let mut asked = ostler.terminal(&["connect", Bench::CONNECTION], 100, 30)?;
    asked.wait_for("Connect? [1-3]: ")?;
    let other = ostler.run(&["connection", "list"])?.succeeded()?;
    assert!(!other.text().contains("Connect?") && !other.stderr.contains("Connect?"));
    let headless = ostler.run(&["connect", Bench::CONNECTION, "--", "true"])?;
    assert_eq!(headless.code, 255, "nobody is there to ask, though the other client has a terminal");
    asked.keys("1\r")?;
    assert_eq!(asked.end()?, 255);
    Ok(())
}

#[test]
fn new_keys_end_what_was_unlocked_with_the_old_ones() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["store", "rekey"])?.succeeded()?;
    let after = stranger(&ostler, &["connection", "list"])?;
    assert_eq!(after.code, 3, "{}", after.stderr);
    assert_eq!(status(&ostler)?["unlocked"], false);
    ostler.run(&["connection", "list"])?.succeeded()?;
    Ok(())
}

#[test]
fn a_replaced_store_is_not_served_any_more() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["store", "create", "--replace", "--yes"])?.succeeded()?;
    assert_eq!(status(&ostler)?["unlocked"], false);
    Ok(())
}

#[test]
fn the_passphrase_is_in_no_argument_and_no_environment_of_the_server() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let pid = status(&ostler)?["status"]["pid"].to_string();
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}"))?;
        assert!(!String::from_utf8_lossy(&bytes).contains(PASSPHRASE), "{file}");
        assert!(!bytes.is_empty(), "{file} can be read at all");
    }
    Ok(())
}
