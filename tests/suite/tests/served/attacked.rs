//! A session goes on while plugins of the same process attack it. How long its echo takes then is measured by
//! `cargo xtask bench --only hostile-echo`.

use std::path::PathBuf;

use ostler_suite::Bench;

const HOSTILE: &str = "test.hostile";

/// Attacks that take their time, so that the session is used while they run.
const SLOW: [&str; 2] = ["loop", "loop-of-copies"];
const QUICK: [&str; 6] =
    ["memory", "recursion", "panic", "exit-0", "ten-thousand-handles", "a-million-empty-variables"];

fn guest() -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let built =
        std::env::var_os("OSTLER_GUESTS_DIR").map_or_else(|| root.join("target/guests"), PathBuf::from);
    built.join("guest-hostile.wasm")
}

#[test]
fn a_session_echoes_while_plugins_of_the_same_process_attack() -> anyhow::Result<()> {
    let bench = Bench::new()?;
    let ostler = &bench.ostler;
    ostler.run(&["unlock"])?.succeeded()?;
    let mut session =
        ostler.terminal(&["connect", Bench::CONNECTION, "--host-key", "accept-new"], 100, 60)?;
    let mut echoes = 0;
    let mut echo = || {
        echoes += 1;
        session.keys(&format!("echo alive-{echoes}-\r"))?;
        session.wait_for(&format!("\nalive-{echoes}-"))
    };
    echo()?;
    ostler.run(&["plugin", "install", guest().to_str().unwrap_or_default()])?.succeeded()?;
    ostler.run(&["plugin", "disable", "ostler.launcher-ssh"])?.succeeded()?;
    bench.add("victim", &["--user", "anna"])?;
    for attack in [&SLOW[..], &QUICK].concat() {
        ostler.run(&["connection", "edit", "victim", "--set", &format!("attack={attack}")])?.succeeded()?;
        // Or it would be held back after a few.
        ostler.run(&["plugin", "enable", HOSTILE])?.succeeded()?;
        let mut attacked = ostler.command(&["connect", "victim", "--dry-run"]).spawn()?;
        echo()?;
        let still_attacked = attacked.try_wait()?.is_none();
        let status = attacked.wait()?;
        anyhow::ensure!(!status.success(), "{attack} came to something");
        // Its time is two seconds, and an echo needs a small part of that.
        anyhow::ensure!(
            still_attacked || QUICK.contains(&attack),
            "the echo waited for the end of '{attack}'"
        );
        echo()?;
    }
    let shown = ostler.run(&["plugin", "show", HOSTILE, "--json"])?.succeeded()?.json()?;
    assert_eq!(
        shown["traps"].as_u64().zip(shown["limits"].as_u64()).map(|(traps, limits)| traps + limits),
        Some(8)
    );
    session.keys("exit\r")?;
    assert_eq!(session.end()?, 0);
    Ok(())
}
