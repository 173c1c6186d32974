//! Killing the program (SIGKILL): just before one of the system calls that write, counted in each of its threads, or
//! after some time.
//!
//! A call is found far more precisely than a time: `strace` counts and kills. A killed process loses nothing that the
//! kernel has taken, so this is no test of what a power failure does to calls that were never synced.

mod audit;
mod export;
mod failing;
mod others;
mod passphrase;
mod recording;
mod rekey;
mod store;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fastrand::Rng;
use ostler_suite::{Ostler, Output};
use rustix::process::{Pid, Signal, kill_process_group};

/// The calls that change what is on a disk, or decide who may.
pub(crate) const WRITES: &str = "write,pwrite64,writev,pwritev,ftruncate,fallocate,fsync,fdatasync,rename,renameat,\
    renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,flock,chmod,fchmod";

/// Where the program is killed.
#[derive(Debug, Clone)]
pub(crate) enum Point {
    /// Before one thread's call of this name and number.
    Call(String, usize),
    /// After so long.
    After(Duration),
}

/// A run of kills.
pub(crate) struct Kills {
    pub(crate) rng: Rng,
    wanted: usize,
    pub(crate) killed: usize,
    pub(crate) finished: usize,
    name: &'static str,
    seed: u64,
}

impl Kills {
    pub(crate) fn new(name: &'static str) -> Self {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
        let seed = number("OSTLER_SEED").unwrap_or_else(|| fastrand::u64(..));
        let wanted = number("OSTLER_KILLS").map_or(10, |kills| usize::try_from(kills).unwrap());
        println!("{name}: OSTLER_SEED={seed} OSTLER_KILLS={wanted}");
        Self { rng: Rng::with_seed(seed), wanted, killed: 0, finished: 0, name, seed }
    }

    /// Tells whether more kills are wanted.
    pub(crate) fn more(&self) -> bool {
        assert!(
            self.finished < 20 + self.wanted * 4,
            "{}: the program finishes before it is killed",
            self.name
        );
        self.killed < self.wanted
    }

    /// Runs the program and kills it. Tells whether that was before its end.
    pub(crate) fn run(&mut self, ostler: &Ostler, words: &[&str], point: &Point) -> (Shown, bool) {
        self.run_on(ostler, words, point, &[])
    }

    /// As [`Kills::run`], counting only calls on these files, if there are any.
    pub(crate) fn run_on(
        &mut self,
        ostler: &Ostler,
        words: &[&str],
        point: &Point,
        on: &[PathBuf],
    ) -> (Shown, bool) {
        let shown = match point {
            Point::Call(name, number) => {
                let (trace, inject) =
                    (format!("trace={name}"), format!("inject={name}:signal=SIGKILL:when={number}"));
                watch(strace(ostler, words, &[&trace, &inject], on, Path::new("/dev/null")), None)
            }
            Point::After(time) => watch(ostler.command(words), Some(*time)),
        };
        // Only a signal leaves no exit code; strace ends as the program did.
        let killed = shown.output.code == -1;
        if killed {
            self.killed += 1;
        } else {
            self.finished += 1;
        }
        (shown, killed)
    }

    /// Picks a point: mostly a call, now and then a time.
    pub(crate) fn point(&mut self, usual: &Usual) -> Point {
        if self.rng.u8(..4) == 0 {
            Point::After(usual.time.mul_f64(self.rng.f64()))
        } else {
            self.call(usual)
        }
    }

    /// Picks a call.
    pub(crate) fn call(&mut self, usual: &Usual) -> Point {
        let (name, number) = self.rng.choice(&usual.calls).expect("the program makes calls");
        Point::Call(name.clone(), *number)
    }

    /// Says how it went.
    pub(crate) fn report(&self, found: &str) {
        let Self { name, killed, finished, seed, .. } = self;
        println!("{name}: {killed} kills, {finished} runs to the end, seed {seed}: {found}");
    }
}

/// What a command does when nobody kills it.
pub(crate) struct Usual {
    /// The calls, each with its name and its number among those of the same name and thread.
    calls: Vec<(String, usize)>,
    time: Duration,
}

/// Runs a command to its end, and counts; only calls on these files, if there are any.
pub(crate) fn usual(ostler: &Ostler, words: &[&str], on: &[PathBuf]) -> Usual {
    let trace = ostler.home().join("trace");
    let begun = Instant::now();
    let output = watch(strace(ostler, words, &[&format!("trace={WRITES}")], on, &trace), None).output;
    assert_eq!(output.code, 0, "{words:?}: {}", output.stderr);
    let time = begun.elapsed();
    let text = fs::read_to_string(&trace).unwrap();
    fs::remove_file(trace).unwrap();
    // A line is a thread, spaces, a name, a parenthesis, and so on.
    let called = text.lines().filter_map(|line| line.split_once('(')?.0.split_once(' '));
    let mut numbers: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let calls = called.map(|(thread, name)| {
        let number = numbers.entry((thread, name)).or_default();
        *number += 1;
        (name.trim().to_owned(), *number)
    });
    Usual { calls: calls.collect(), time }
}

/// Returns a command in which the calls of a set are tampered with, such as `fsync:error=EIO:when=3+`.
pub(crate) fn tampered(ostler: &Ostler, words: &[&str], set: &str, how: &str) -> Command {
    strace(
        ostler,
        words,
        &[&format!("trace={set}"), &format!("inject={set}:{how}")],
        &[],
        Path::new("/dev/null"),
    )
}

fn strace(ostler: &Ostler, words: &[&str], expressions: &[&str], on: &[PathBuf], to: &Path) -> Command {
    // Without --seccomp-bpf, which makes strace 6.1 send no signals.
    let mut options: Vec<OsString> = ["-f", "-qq", "-o"].map(OsString::from).into();
    options.push(to.into());
    for expression in expressions {
        options.extend(["-e".into(), expression.into()]);
    }
    for path in on {
        options.extend(["-P".into(), path.into()]);
    }
    ostler.command_under("strace", &options, words)
}

/// What a program showed, and when.
pub(crate) struct Shown {
    pub(crate) output: Output,
    /// How much of standard output had come by when.
    arrivals: Vec<(usize, Instant)>,
}

impl Shown {
    /// Returns how long before the last byte of standard output the first one came that is not among so many; none where
    /// all are.
    pub(crate) fn span_after(&self, kept: usize) -> Option<Duration> {
        let first = self.arrivals.iter().find(|(length, _)| *length > kept)?.1;
        Some(self.arrivals.last()?.1 - first)
    }
}

/// Runs a program, and kills it after some time if it still runs then.
pub(crate) fn watch(mut command: Command, kill_after: Option<Duration>) -> Shown {
    // A group of its own: the program under strace is to be killed, not strace alone.
    let mut child =
        command.process_group(0).spawn().expect("strace is installed: 'cargo xtask test' does that");
    let mut stdout = child.stdout.take().unwrap();
    let reader = std::thread::Builder::new().name("output".to_owned()).spawn(move || {
        let (mut bytes, mut arrivals) = (Vec::new(), Vec::new());
        let mut buffer = [0; 4096];
        while let count @ 1.. = stdout.read(&mut buffer).unwrap() {
            bytes.extend_from_slice(&buffer[..count]);
            arrivals.push((bytes.len(), Instant::now()));
        }
        (bytes, arrivals)
    });
    if let Some(time) = kill_after {
        std::thread::sleep(time);
        let group = Pid::from_child(&child);
        kill_process_group(group, Signal::KILL).unwrap();
    }
    let mut output: Output = child.wait_with_output().unwrap().into();
    let (bytes, arrivals) = reader.unwrap().join().unwrap();
    output.stdout = bytes;
    Shown { output, arrivals }
}
