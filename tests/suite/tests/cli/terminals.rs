//! Sessions in a terminal: keys, sizes, escapes, questions. And the terminal as it was, afterwards.

use ostler_fakes::ssh::Observed;
use ostler_suite::{Bench, Terminal};

const SESSION: [&str; 4] = ["connect", Bench::CONNECTION, "--host-key", "accept-new"];

/// Starts a session and waits for its prompt.
fn session(bench: &Bench) -> anyhow::Result<Terminal> {
    let terminal = bench.ostler.terminal(&SESSION, 80, 24)?;
    terminal.wait_for("fake$ ")?;
    Ok(terminal)
}

#[test]
fn keys_go_in_sizes_follow_and_the_exit_status_comes_out() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let mut terminal = session(&bench)?;
    let kind = "xterm-256color".to_owned();
    assert!(bench.server.log().contains(&Observed::Terminal { kind, columns: 80, rows: 24 }));
    terminal.keys("echo hällo\r")?;
    terminal.wait_for("\nhällo\n")?;
    terminal.resize(100, 40)?;
    terminal.wait_for("size: 100x40")?;
    assert!(bench.server.wait_for(|log| log.contains(&Observed::Resized { columns: 100, rows: 40 })));
    terminal.keys("exit 7\r")?;
    assert_eq!(terminal.end()?, 7);
    assert!(terminal.screen().contains("recorded as"), "{}", terminal.screen());
    Ok(())
}

#[test]
fn an_interrupt_is_a_key_and_the_modes_come_back_at_the_end() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    // A session that has not begun shows how the terminal was.
    let mut terminal = bench.ostler.terminal(&["connect", Bench::CONNECTION], 80, 24)?;
    let before = terminal.modes()?;
    terminal.wait_for("Connect? [1-3]: ")?;
    terminal.keys("3\r")?;
    terminal.wait_for("fake$ ")?;
    assert_ne!(terminal.modes()?, before);
    terminal.keys("abc\u{3}")?;
    terminal.wait_for("^C")?;
    terminal.keys("exit\r")?;
    assert_eq!(terminal.end()?, 130);
    assert_eq!(terminal.modes()?, before);
    Ok(())
}

#[test]
fn a_tilde_and_a_dot_close_the_session_and_a_question_mark_helps() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let mut terminal = session(&bench)?;
    terminal.keys("~?")?;
    terminal.wait_for("~.  close the session")?;
    terminal.keys("echo a~.b\r")?;
    terminal.wait_for("\na~.b\n")?;
    terminal.keys("~.")?;
    assert_eq!(terminal.end()?, 255);
    let recordings = bench.ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    assert_eq!(recordings[0]["state"], "complete");
    Ok(())
}

#[test]
fn an_unknown_host_is_asked_about_once_when_it_is_remembered() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let words = ["connect", Bench::CONNECTION, "--", "echo first"];
    let mut terminal = bench.ostler.terminal(&words, 100, 30)?;
    terminal.wait_for("SHA256:")?;
    terminal.wait_for("Connect? [1-3]: ")?;
    terminal.keys("1\r")?;
    assert_eq!(terminal.end()?, 255);
    let mut terminal = bench.ostler.terminal(&words, 100, 30)?;
    terminal.wait_for("3) remember")?;
    terminal.keys("remember\r")?;
    terminal.wait_for("first")?;
    assert_eq!(terminal.end()?, 0);
    bench.ostler.run(&words)?.succeeded()?;
    Ok(())
}

#[test]
fn what_is_not_stored_is_asked_and_a_password_is_not_shown() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.add("asking", &["--credential", "none"])?;
    let words = ["connect", "asking", "--host-key", "accept-new", "--", "echo in"];
    let mut terminal = bench.ostler.terminal(&words, 100, 30)?;
    terminal.wait_until("a question for the user", |screen| screen.contains("User name: "))?;
    terminal.keys(&format!("{}\r", Bench::USER))?;
    terminal.wait_until("a question for the password", |screen| screen.contains("Password"))?;
    terminal.keys(&format!("{}\r", Bench::PASSWORD))?;
    assert_eq!(terminal.end()?, 0);
    assert!(terminal.screen().contains("\nin"), "{}", terminal.screen());
    assert!(!terminal.screen().contains(Bench::PASSWORD));
    Ok(())
}

#[test]
fn a_command_gets_a_terminal_only_when_asked_for() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new", "-t", "--", "size"];
    let mut terminal = bench.ostler.terminal(&words, 90, 25)?;
    terminal.wait_for("size: 90x25")?;
    assert_eq!(terminal.end()?, 0);
    let mut terminal = bench.ostler.terminal(&["connect", Bench::CONNECTION, "--", "size"], 90, 25)?;
    terminal.wait_for("not a terminal")?;
    assert_eq!(terminal.end()?, 2);
    Ok(())
}

#[test]
fn an_interrupt_at_a_question_leaves_at_once_and_puts_the_terminal_back() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let mut terminal = bench.ostler.terminal(&["connect", Bench::CONNECTION], 100, 30)?;
    let before = terminal.modes()?;
    terminal.wait_for("Connect? [1-3]: ")?;
    terminal.keys("\u{3}")?;
    assert_eq!(terminal.end()?, 130);
    assert_eq!(terminal.modes()?, before);
    assert!(!terminal.screen().contains("did not close"), "{}", terminal.screen());
    Ok(())
}

#[test]
fn a_signal_closes_the_session_and_puts_the_terminal_back() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    bench.on_server("true")?.succeeded()?;
    let mut terminal = bench.ostler.terminal(&["connect", Bench::CONNECTION], 80, 24)?;
    let before = terminal.modes()?;
    terminal.wait_for("fake$ ")?;
    assert_ne!(terminal.modes()?, before);
    signal("-TERM", terminal.process_id()?)?;
    assert_eq!(terminal.end()?, 143);
    assert_eq!(terminal.modes()?, before);
    Ok(())
}

#[test]
fn an_interrupt_stops_a_recording_that_plays_and_resets_the_terminal() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let mut session = session(&bench)?;
    session.keys("exit\r")?;
    assert_eq!(session.end()?, 0);
    let list = bench.ostler.run(&["recording", "list", "--json"])?.succeeded()?.json()?;
    let id = list[0]["id"].as_str().unwrap_or_default().to_owned();
    // All but its very end is shown at once, and the end is years away.
    let from = (list[0]["duration_seconds"].as_f64().unwrap_or_default() * 0.999).to_string();
    let words = ["recording", "play", &id, "--from", &from, "--speed", "0.0000000001"];
    let mut terminal = bench.ostler.terminal(&words, 80, 24)?;
    let before = terminal.modes()?;
    terminal.wait_for("fake$ ")?;
    terminal.keys("\u{3}")?;
    assert_eq!(terminal.end()?, 130);
    assert_eq!(terminal.modes()?, before);
    assert!(terminal.raw().ends_with(b"\x1b[r"), "{:?}", String::from_utf8_lossy(&terminal.raw()));
    Ok(())
}

/// Sends a signal to one process.
fn signal(name: &str, process: u32) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "a test sends the signal that a person would")]
    let sent = std::process::Command::new("kill").args([name, &process.to_string()]).status()?;
    anyhow::ensure!(sent.success(), "no signal was sent");
    Ok(())
}
