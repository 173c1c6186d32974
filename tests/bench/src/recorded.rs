//! A session on a terminal with and without a recorder: the processor time of the whole process, from the opened session to
//! the closed recording. The server is a process of its own and not in it.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use ostler_core::{Clock, ConnectionId, RecordingId, SessionId, Timestamp};
use ostler_recording::{RecordedSurface, Recorder, RecordingInfo};
use ostler_sealing::{EnvelopePrivateKey, EnvelopePublicKey};
use rustix::time::{ClockId, clock_gettime};

use crate::measure::{Limit, Measure, pairs};
use crate::sshd::{Sshd, write};
use crate::wire::{TERMINAL, Wire, drain, run};

const LINES: usize = 150_000;

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let sshd = Sshd::start()?;
    let text = text();
    let file = sshd.path("log");
    write(&file, text.as_bytes())?;
    // The terminal puts a carriage return before each end of a line.
    let expected = (text.len() + LINES) as u64;
    let wire = Wire::new(&sshd, &format!("cat {}", file.display()), true)?;
    let key = EnvelopePrivateKey::from_seed(&[7; 32]).public();
    let session = |recorded: bool| {
        run(async {
            let recordings = tempfile::tempdir()?;
            let session = wire.open().await?;
            let before = processor_time();
            let recorder = recorded.then(|| recorder(recordings.path(), &key)).transpose()?;
            let shown =
                drain(session, |bytes| Ok(recorder.iter().try_for_each(|to| to.output(bytes))?)).await?;
            if let Some(recorder) = recorder {
                recorder.finish(Some(0))?;
            }
            let taken = processor_time().saturating_sub(before);
            ensure!(shown == expected, "{shown} of {expected} bytes came");
            Ok(taken.as_secs_f64() * 1e3)
        })
    };
    let (own, peer) = pairs(|| session(true), || session(false))?;
    Ok(Measure { unit: "ms", own, peer: Some(("not recorded", peer)), limit: Limit::TimesPeer(1.03) })
}

/// A log as servers write it, colored.
fn text() -> String {
    let mut random = fastrand::Rng::with_seed(1);
    let mut text = String::new();
    for line in 0..LINES {
        let (color, word) = match random.u8(..3) {
            0 => (32, "INFO"),
            1 => (33, "WARN"),
            _ => (31, "ERROR"),
        };
        let (second, worker, took) = (line / 50, random.u32(..64), random.u32(..9999));
        writeln!(
            text,
            "2026-11-23T{:02}:{:02}:{:02}Z \u{1b}[{color}m{word:<5}\u{1b}[0m worker-{worker}: request {:08x} served in {took} us",
            second / 3600,
            second / 60 % 60,
            second % 60,
            random.u32(..),
        )
        .unwrap_or_default();
    }
    text
}

/// Returns the processor time of all threads of this process.
pub(crate) fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn recorder(recordings: &std::path::Path, key: &EnvelopePublicKey) -> anyhow::Result<Recorder> {
    let info = RecordingInfo {
        id: RecordingId::random(),
        session: SessionId::random(),
        connection: ConnectionId::random(),
        name: "Database".to_owned(),
        target: "127.0.0.1:22".to_owned(),
        kind: "ssh".to_owned(),
        user: "root".to_owned(),
        os_user: "root".to_owned(),
        started: Timestamp(0),
        terminal: TERMINAL,
        terminal_type: "xterm-256color".to_owned(),
        command: None,
        surface: RecordedSurface::Terminal,
    };
    Ok(Recorder::start(recordings, info, key, Arc::new(Running(Instant::now())))?)
}

/// A clock that runs, so that segments close when they are old.
struct Running(Instant);

impl Clock for Running {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}
