//! The long runs that no merge waits for: every byte of a store flipped, and every parser of foreign bytes fuzzed.
//!
//! What a fuzz target finds is kept in `tests/regressions/<parser>`, where the tests take it again.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::building;
use crate::tools;
use crate::workspace::{Workspace, run};

/// The folder of the fuzz targets' own workspace.
const FUZZ: &str = "tests/fuzz";
/// How long one input may take, on a machine that has other work too.
const LONGEST_SECONDS: u64 = 30;
/// An input has no business with more memory, in MiB.
const MOST_MEMORY_MIB: u64 = 2048;
/// The longest input, in bytes: a few segments of a recording, an audit log with a checkpoint that is kept for good.
const LONGEST_INPUT: u64 = 256 << 10;
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What to run, and how long.
pub(crate) struct Soak<'a> {
    /// How long each parser is fed.
    pub(crate) minutes: u64,
    /// Only these parsers, and no flipped bytes; all where there are none.
    pub(crate) only: &'a [String],
}

/// A target that runs.
struct Running {
    target: String,
    child: Child,
    log: PathBuf,
    /// How many inputs were kept before.
    kept: usize,
}

impl Soak<'_> {
    /// Runs it all, without optimization or with checks of overflow, so that an overflow is a panic.
    pub(crate) fn run(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let flipped = if self.only.is_empty() { flip(workspace) } else { Ok(()) };
        let fuzzed = self.fuzz(workspace);
        match (flipped, fuzzed) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(flipped), Err(fuzzed)) => bail!("{flipped:#}; {fuzzed:#}"),
            (Err(error), Ok(())) | (Ok(()), Err(error)) => Err(error),
        }
    }

    fn fuzz(&self, workspace: &Workspace) -> anyhow::Result<()> {
        let all = targets(&workspace.root)?;
        for name in self.only {
            ensure!(all.contains(name), "there is no target '{name}'; there are {}", all.join(", "));
        }
        let mut waiting: VecDeque<String> =
            all.into_iter().filter(|name| self.only.is_empty() || self.only.contains(name)).collect();
        tools::cargo_fuzz(workspace)?;
        let place = workspace.target.join("fuzz");
        let components = std::env::join_paths([
            building::components(workspace, &["plugins"], "bundled-plugins")?,
            building::guests(workspace)?,
        ])?;
        // The same libraries as in the programs; what only the fuzzer needs is added by cargo.
        fs::copy(workspace.root.join("Cargo.lock"), workspace.root.join(FUZZ).join("Cargo.lock"))?;
        let mut build = cargo_fuzz(workspace, "build");
        // One target may be had faster than all of them.
        build.args(waiting.iter().filter(|_| waiting.len() == 1));
        run(&mut build)?;

        let at_once = std::thread::available_parallelism().map_or(1, NonZero::get);
        let (mut running, mut faults) = (Vec::new(), Vec::new());
        while !waiting.is_empty() || !running.is_empty() {
            while running.len() < at_once
                && let Some(target) = waiting.pop_front()
            {
                running.push(self.start(workspace, &place, &components, target)?);
            }
            std::thread::sleep(LOOK_EVERY);
            let mut still = Vec::new();
            for mut one in running {
                match one.child.try_wait()? {
                    None => still.push(one),
                    Some(status) => faults.extend(one.report(&workspace.root, status.success())?),
                }
            }
            running = still;
        }
        ensure!(faults.is_empty(), "{}", faults.join("\n"));
        Ok(())
    }

    /// Starts a target. It goes on from what earlier runs found worth keeping.
    fn start(
        &self,
        workspace: &Workspace,
        place: &Path,
        components: &OsStr,
        target: String,
    ) -> anyhow::Result<Running> {
        let [corpus, seeds] = ["corpus", "seeds"].map(|folder| place.join(folder).join(&target));
        let (kept, logs) = (kept_folder(&workspace.root, &target), place.join("logs"));
        for folder in [&corpus, &seeds, &kept, &logs] {
            fs::create_dir_all(folder)?;
        }
        let log = logs.join(format!("{target}.log"));
        let mut command = cargo_fuzz(workspace, "run");
        command.env("OSTLER_FUZZ_SEEDS", &seeds).env("OSTLER_FUZZ_COMPONENTS", components);
        command.arg(&target).args([&corpus, &seeds, &kept]).arg("--");
        command.arg(format!("-max_total_time={}", self.minutes.saturating_mul(60)));
        command.arg(format!("-timeout={LONGEST_SECONDS}")).arg(format!("-rss_limit_mb={MOST_MEMORY_MIB}"));
        command.arg(format!("-max_len={LONGEST_INPUT}")).arg("-print_final_stats=1");
        command.arg(format!("-artifact_prefix={}/", kept.display()));
        let dictionary = workspace.root.join(FUZZ).join("dictionaries").join(format!("{target}.dict"));
        if dictionary.exists() {
            command.arg(format!("-dict={}", dictionary.display()));
        }
        command.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let child = command.spawn().context("cargo fuzz can't be run")?;
        Ok(Running { target, child, log, kept: count(&kept) })
    }
}

impl Running {
    /// Prints what was done; returns what was found.
    fn report(&self, root: &Path, success: bool) -> anyhow::Result<Option<String>> {
        let log = String::from_utf8_lossy(&fs::read(&self.log)?).into_owned();
        let stat = |name: &str| {
            let line = log.lines().rev().find_map(|line| line.strip_prefix(name));
            line.map_or("?", str::trim).to_owned()
        };
        let coverage = log.lines().rev().find_map(|line| {
            line.split_once(" cov: ").and_then(|(_, rest)| rest.split_whitespace().next()).map(str::to_owned)
        });
        println!(
            "{:<12} {:>10} inputs, {:>6} a second, {:>6} branches, {:>5} MiB",
            self.target,
            stat("stat::number_of_executed_units:"),
            stat("stat::average_exec_per_sec:"),
            coverage.unwrap_or_else(|| "?".to_owned()),
            stat("stat::peak_rss_mb:"),
        );
        let kept = kept_folder(root, &self.target);
        let found = count(&kept).saturating_sub(self.kept);
        if count(&kept) == 0 {
            fs::remove_dir(&kept)?;
        }
        Ok((!success || found > 0).then(|| {
            format!(
                "{}: {found} inputs are kept in {}; see {}",
                self.target,
                kept.display(),
                self.log.display()
            )
        }))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Where it ended already, there is nothing to kill.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn flip(workspace: &Workspace) -> anyhow::Result<()> {
    let mut flips = workspace.cargo();
    flips.args(["test", "-p", "ostler-vault", "--lib", "flipped_byte", "--", "--nocapture"]);
    run(flips.env("OSTLER_FLIP_EVERY", "1"))
}

/// Makes a command of cargo-fuzz, on the project's own toolchain: without a sanitizer, since the code has no unsafe parts
/// of its own, none of what it needs is unstable.
fn cargo_fuzz(workspace: &Workspace, verb: &str) -> std::process::Command {
    let mut command = workspace.cargo();
    command.args(["fuzz", verb, "--fuzz-dir", FUZZ, "--sanitizer", "none", "--target-dir"]);
    command.arg(workspace.target.join("fuzz"));
    command
}

/// Reads the names of the targets.
fn targets(root: &Path) -> anyhow::Result<Vec<String>> {
    let manifest = fs::read_to_string(root.join(FUZZ).join("Cargo.toml"))?;
    let bins = manifest.split("[[bin]]").skip(1);
    let name = |bin: &str| {
        let line = bin.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'));
        line.map(str::to_owned).context("a fuzz target without a name")
    };
    bins.map(name).collect()
}

fn kept_folder(root: &Path, target: &str) -> PathBuf {
    root.join("tests/regressions").join(target)
}

fn count(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}
