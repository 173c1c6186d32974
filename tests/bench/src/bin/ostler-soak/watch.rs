//! The watch: a process for each parser, and the inputs that end one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use ostler_registry::Digest;

use crate::input::Input;
use crate::parsers::Parser;

/// How long one input may take, on a machine that has other work too.
const LONGEST: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A soak run.
pub(crate) struct Soak {
    pub(crate) span: Duration,
    pub(crate) seed: u64,
    pub(crate) components: Vec<PathBuf>,
    pub(crate) regressions: PathBuf,
}

/// A worker and what it is at.
struct Worker {
    parser: &'static str,
    child: Child,
    current: PathBuf,
    /// When the current input was written, and when that was first seen.
    seen: (Option<SystemTime>, Instant),
}

impl Soak {
    /// Runs all parsers at once.
    ///
    /// # Errors
    /// Fails where an input ended a worker; the input is kept.
    pub(crate) fn run(&self, parsers: &[&'static Parser]) -> anyhow::Result<()> {
        let home = tempfile::tempdir()?;
        let mut workers = parsers
            .iter()
            .map(|parser| self.start(parser.name, home.path().join(parser.name)))
            .collect::<anyhow::Result<Vec<Worker>>>()?;
        let mut faults = Vec::new();
        while !workers.is_empty() {
            std::thread::sleep(LOOK_EVERY);
            let mut running = Vec::new();
            for mut worker in workers {
                match worker.fault()? {
                    State::Running => running.push(worker),
                    State::Done => {}
                    State::Fault(how) => faults.push(self.keep(&worker, &how)?),
                }
            }
            workers = running;
        }
        if !faults.is_empty() {
            bail!("{}", faults.join("\n"));
        }
        Ok(())
    }

    fn start(&self, parser: &'static str, current: PathBuf) -> anyhow::Result<Worker> {
        #[expect(clippy::disallowed_methods, reason = "what a panic ends has to be another process")]
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["work", "--parser", parser]);
        command.args(["--seed", &self.seed.to_string(), "--seconds", &self.span.as_secs().to_string()]);
        command.arg("--current").arg(&current).stdin(Stdio::null());
        for directory in &self.components {
            command.arg("--components").arg(directory);
        }
        Ok(Worker { parser, child: command.spawn()?, current, seen: (None, Instant::now()) })
    }

    /// Keeps the input that a worker was at, and says where.
    fn keep(&self, worker: &Worker, how: &str) -> anyhow::Result<String> {
        let (parser, seed) = (worker.parser, self.seed);
        let Ok(frame) = fs::read(&worker.current) else {
            return Ok(format!("{parser}: {how} before its first input, seed {seed}"));
        };
        let input = Input::from_frame(&frame);
        let digest: String = Digest::of(&frame).to_string().chars().skip("sha256:".len()).take(16).collect();
        let kept = self.regressions.join(parser).join(digest);
        input.write(&kept).with_context(|| format!("{} can't be written", kept.display()))?;
        Ok(format!("{parser}: {how}, seed {seed}; the input is kept in {}", kept.display()))
    }
}

enum State {
    Running,
    Done,
    Fault(String),
}

impl Worker {
    fn fault(&mut self) -> anyhow::Result<State> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(if status.success() {
                State::Done
            } else {
                State::Fault(format!("it ended with {status}"))
            });
        }
        let written = modified(&self.current);
        if written != self.seen.0 {
            self.seen = (written, Instant::now());
        } else if self.seen.1.elapsed() > LONGEST {
            return Ok(State::Fault(format!("one input took longer than {LONGEST:?}")));
        }
        Ok(State::Running)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Where it ended already, there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
