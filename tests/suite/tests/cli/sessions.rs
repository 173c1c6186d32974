//! Commands over a session: bytes, exit codes, host keys, refusals. No terminal here.

use std::io::Read as _;
use std::process::Stdio;

use anyhow::Context as _;
use ostler_fakes::ssh::Observed;
use ostler_suite::{Bench, Output};
use serde_json::json;

#[test]
fn the_output_and_the_exit_status_of_a_command_pass_through() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let greeted = bench.on_server("echo hello there")?.succeeded()?;
    assert_eq!((greeted.text().as_str(), greeted.stderr.as_str()), ("hello there\n", ""));
    assert_eq!(bench.on_server("exit 42")?.code, 42);
    let failed = bench.on_server("fail")?;
    assert_eq!((failed.code, failed.text().as_str(), failed.stderr.as_str()), (3, "", "this went wrong\n"));
    let killed = bench.on_server("kill-self")?;
    assert_eq!(killed.code, 143);
    Ok(())
}

#[test]
fn bytes_pass_in_both_directions_as_they_are() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let counted = bench.on_server("yes-bytes 300000")?.succeeded()?;
    assert_eq!(counted.stdout.len(), 300_000);
    assert!(counted.stdout.iter().zip((0..=u8::MAX).cycle()).all(|(got, sent)| *got == sent));

    let piped: Vec<u8> = (0..=u8::MAX).rev().cycle().take(200_000).collect();
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", "cat"];
    let returned = bench.ostler.run_with_input(&words, &piped)?.succeeded()?;
    assert!(returned.stdout == piped, "{} bytes came back", returned.stdout.len());

    let words = ["connect", Bench::CONNECTION, "--no-input", "--", "cat"];
    let nothing = bench.ostler.run_with_input(&words, b"");
    assert_eq!(nothing?.succeeded()?.stdout, b"");
    Ok(())
}

#[test]
fn words_after_the_dashes_are_joined_with_spaces() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let words =
        ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", "echo", "-n", "--json", "'a  b'"];
    assert_eq!(bench.ostler.run(&words)?.succeeded()?.text(), "-n --json 'a  b'\n");
    Ok(())
}

#[test]
fn a_plan_shows_slots_and_opens_nothing() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let words = bench.ostler.run(&["connect", Bench::CONNECTION, "--dry-run"])?.succeeded()?.text();
    assert!(words.contains("login.password") && !words.contains(Bench::PASSWORD), "{words}");
    let plan = ["connect", Bench::CONNECTION, "--dry-run", "--json", "--", "uptime"];
    let plan = bench.ostler.run(&plan)?.succeeded()?.json()?;
    assert_eq!(plan["connection"], Bench::CONNECTION);
    assert_eq!(plan["plan"]["ssh"]["target"], json!({ "host": "127.0.0.1", "port": bench.server.port() }));
    assert_eq!(plan["plan"]["ssh"]["run"], json!({ "command": "uptime" }));
    assert!(
        plan["slots"]["login.password"][0]
            .as_str()
            .is_some_and(|sink| sink.starts_with("password of ssh://"))
    );
    assert_eq!(bench.server.log(), []);
    Ok(())
}

#[test]
fn an_unknown_host_key_is_refused_without_a_person_and_remembered_when_told_so() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    for policy in ["ask", "strict"] {
        let words = ["connect", Bench::CONNECTION, "--host-key", policy, "--", "true"];
        let refused = bench.ostler.run(&words)?.failed(255, "was not accepted")?;
        assert!(refused.stderr.contains("SHA256:") && refused.stderr.contains("hint:"), "{}", refused.stderr);
    }
    assert_eq!(bench.ostler.run(&["host-key", "list", "--json"])?.succeeded()?.json()?, json!([]));
    assert!(!bench.server.log().iter().any(|seen| matches!(seen, Observed::Login { .. })));

    bench.on_server("true")?.succeeded()?;
    bench.ostler.run(&["connect", Bench::CONNECTION, "--host-key", "strict", "--", "true"])?.succeeded()?;
    let known = bench.ostler.run(&["host-key", "list", "--json"])?.succeeded()?.json()?;
    assert_eq!(known[0]["port"], bench.server.port());
    let host = format!("127.0.0.1:{}", bench.server.port());
    bench.ostler.run(&["host-key", "remove", &host])?.succeeded()?;
    bench.ostler.run(&["host-key", "remove", &host])?.failed(1, "no key of")?;
    Ok(())
}

#[test]
fn failures_of_its_own_are_255_with_a_reason() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    ostler
        .run(&["connect", "nobody", "--", "true"])?
        .failed(255, "there is no folder or connection 'nobody'")?;

    ostler.file("password", "not-the-password")?;
    bench.add("wrong", &["--user", Bench::USER, "--password-file", "password"])?;
    let words = ["connect", "wrong", "--host-key", "accept-new", "--", "true"];
    let wrong = ostler.run(&words)?.failed(255, "did not accept the credential for 'alice'")?;
    assert!(!wrong.stderr.contains("not-the-password"), "{}", wrong.stderr);

    // Nothing is stored and nobody is there to be asked.
    bench.add("open", &["--credential", "none"])?;
    ostler
        .run(&["connect", "open", "--host-key", "accept-new", "--", "true"])?
        .failed(255, "nobody to ask")?;

    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let words = [
        "connection",
        "add",
        "closed",
        "--type",
        "ssh",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        "u",
    ];
    ostler.run(&[&words[..], &["--password-file", "password"]].concat())?.succeeded()?;
    ostler.run(&["connect", "closed", "--", "true"])?.failed(255, "refused the connection")?;
    // A preview is no session: its exit codes are the usual ones.
    ostler.run(&["connect", "nobody", "--dry-run"])?.failed(1, "there is no folder or connection")?;
    Ok(())
}

#[test]
fn a_wire_that_breaks_is_a_failure_with_a_reason() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.on_server("drop")?.failed(255, "error: ")?;
    bench.on_server("disconnect closed for today")?.failed(255, "closed for today")?;
    Ok(())
}

#[test]
fn a_reader_that_goes_away_ends_the_session() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.on_server("true")?.succeeded()?;
    let mut child =
        bench.ostler.command(&["connect", Bench::CONNECTION, "--", "yes-bytes 50000000"]).spawn()?;
    let mut some = [0_u8; 10];
    child.stdout.take().context("no output")?.read_exact(&mut some)?;
    let mut complaint = String::new();
    child.stderr.take().context("no errors")?.read_to_string(&mut complaint)?;
    assert_eq!((child.wait()?.code(), complaint.as_str()), (Some(255), ""));
    Ok(())
}

#[test]
fn an_interrupt_closes_the_session_and_its_recording() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.on_server("true")?.succeeded()?;
    let words = ["connect", Bench::CONNECTION, "--", "cat"];
    let mut child = bench.ostler.command(&words).stdin(Stdio::piped()).spawn()?;
    assert!(bench.server.wait_for(|log| log.contains(&Observed::Command("cat".to_owned()))));
    #[expect(clippy::disallowed_methods, reason = "a test sends the signal that a person would")]
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status()?;
    assert!(sent.success());
    let input = child.stdin.take();
    let ended = Output::from(child.wait_with_output()?);
    drop(input);
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    let recordings = bench.ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    assert_eq!(recordings[0]["state"], "complete");
    Ok(())
}

#[test]
fn a_key_logs_in_where_its_passphrase_is_stored_with_it() -> anyhow::Result<()> {
    use ostler_fakes::ssh::{FakeKey, FakeKeyPair, FakeSshOptions, FakeSshServer, FakeUser};
    let pair = FakeKeyPair::generate(FakeKey::Ed25519)?;
    let server = FakeSshServer::start(FakeSshOptions {
        users: vec![FakeUser::with_key("bob", &pair.public_openssh()?)],
        ..FakeSshOptions::default()
    })?;
    let bench = Bench { server, ostler: ostler_suite::Ostler::with_store()? };
    bench.ostler.file("key", pair.private_openssh(Some("key-passphrase"))?)?;
    bench.ostler.file("key-passphrase", "key-passphrase\n")?;
    bench.add("box", &["--user", "bob", "--key-file", "key", "--key-passphrase-file", "key-passphrase"])?;
    assert_eq!(bench.on_server("echo with a key")?.succeeded()?.text(), "with a key\n");
    Ok(())
}
