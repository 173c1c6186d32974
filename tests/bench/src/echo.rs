//! What another session feels of hostile plugins: the slowest echo of an SSH session in the same process while two attacks at
//! a time run, on all cores and on one, beside the slowest echo while nothing else happens.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail, ensure};
use ostler_core::{OpenedSession, SessionEvent, SessionInput};
use ostler_runtime::{Limits, Plugin};

use crate::measure::{Limit, Measure, pairs};
use crate::runaway::{keep_to_one_core, request};
use crate::sshd::Sshd;
use crate::wire::{Wire, run};
use crate::world::{File, runtime_with};

/// What a plan may compute; the default is longer, and stops what goes on for ever no sooner.
const BUDGET: Duration = Duration::from_millis(300);
/// The time between two keys.
const TYPING: Duration = Duration::from_millis(3);
/// Echoes of a run in which nothing else happens.
const QUIET: u32 = 300;

/// Attacks of the guest `hostile` that compute, allocate, flood, or make the host work.
const ATTACKS: [&str; 16] = [
    "loop",
    "loop-of-copies",
    "loop-of-log-lines",
    "loop-of-refused-calls",
    "loop-of-clock-readings",
    "spin-on-an-alarm",
    "sleep-in-small-pieces",
    "recursion",
    "memory",
    "huge-argument",
    "a-million-empty-texts-to-the-host",
    "a-million-empty-variables",
    "ten-thousand-handles",
    "one-line-without-an-end",
    "lines-to-stderr",
    "panic",
];

pub(crate) fn measure(guests: &Path, one_core: bool) -> anyhow::Result<Measure> {
    let file = File::read(guests, "guest-hostile")?;
    let sshd = Sshd::start()?;
    // A thread of its own, since what it starts inherits its one core. The server keeps all of them.
    let thread = std::thread::Builder::new().name("echo".to_owned()).spawn(move || {
        if one_core {
            keep_to_one_core()?;
        }
        let cache = tempfile::tempdir()?;
        let limits = Limits { plan_time: BUDGET, ..Limits::default() };
        let plugin = file.load(&runtime_with(cache.path(), limits)?)?;
        let wire = Wire::new(&sshd, "cat", false)?;
        pairs(|| run(attacked(&wire, &plugin)), || run(quiet(&wire)))
    })?;
    let (own, peer) = thread.join().map_err(|_| anyhow!("the measuring thread panicked"))??;
    Ok(Measure { unit: "ms", own, peer: Some(("no attack", peer)), limit: Limit::Value(50.0) })
}

/// Returns the slowest echo, in milliseconds, while each attack runs.
async fn attacked(wire: &Wire, plugin: &Plugin) -> anyhow::Result<f64> {
    let mut session = wire.open().await?;
    let mut slowest = echo(&mut session).await?;
    for attack in ATTACKS {
        let attacks = [(); 2].map(|()| {
            let plugin = plugin.clone();
            tokio::spawn(async move { plugin.plan(&request("attack", attack)).await })
        });
        while !attacks.iter().all(tokio::task::JoinHandle::is_finished) {
            slowest = slowest.max(echo(&mut session).await?);
        }
        for attack in attacks {
            ensure!(attack.await?.is_err(), "an attack came to something");
        }
    }
    Ok(slowest)
}

/// Returns the slowest echo, in milliseconds, while nothing else happens.
async fn quiet(wire: &Wire) -> anyhow::Result<f64> {
    let mut session = wire.open().await?;
    let mut slowest = 0.0_f64;
    for _ in 0..QUIET {
        slowest = slowest.max(echo(&mut session).await?);
    }
    Ok(slowest)
}

/// Types a key and waits until it is shown; returns the milliseconds.
async fn echo(session: &mut OpenedSession) -> anyhow::Result<f64> {
    tokio::time::sleep(TYPING).await;
    let typed = Instant::now();
    session.control.send(SessionInput::Bytes(b"x".to_vec())).await?;
    match session.events.next().await {
        SessionEvent::Output { bytes, .. } if bytes == b"x" => Ok(typed.elapsed().as_secs_f64() * 1e3),
        other => bail!("an echo should come, not {other:?}"),
    }
}
