//! The program's start to its end, where it does nothing else: `ostler --version`, beside `ssh -V`.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::measure::{Limit, Measure, millis, pairs};

/// Starts in one run.
const STARTS: u32 = 20;

pub(crate) fn measure(program: &Path) -> anyhow::Result<Measure> {
    let own =
        || Ok(millis(|| (0..STARTS).try_for_each(|_| start(program, "--version")))? / f64::from(STARTS));
    let ssh = Path::new("ssh");
    let peer = || Ok(millis(|| (0..STARTS).try_for_each(|_| start(ssh, "-V")))? / f64::from(STARTS));
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "ms", own, peer: Some(("ssh -V", peer)), limit: Limit::Value(50.0) })
}

#[expect(clippy::disallowed_methods, reason = "starting a program is what is measured")]
fn start(program: &Path, argument: &str) -> anyhow::Result<()> {
    let name = || format!("{} can't be run", program.display());
    let output = Command::new(program).arg(argument).stdin(Stdio::null()).output().with_context(name)?;
    ensure!(output.status.success(), "{} {argument} ended with {}", program.display(), output.status);
    Ok(())
}
