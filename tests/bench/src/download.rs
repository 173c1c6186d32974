//! 500 MB from a real OpenSSH server on this machine, read by the engine, beside OpenSSH's own client with the same cipher.

use std::fs::File;

use anyhow::{Context as _, ensure};

use crate::measure::{Limit, Measure, millis, pairs};
use crate::sshd::Sshd;
use crate::wire::{Wire, drain, run};

const BYTES: u64 = 500_000_000;

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let sshd = Sshd::start()?;
    let file = sshd.path("large");
    // A file with nothing in it but zeros is read from memory, and no cipher notices.
    File::create(&file)?.set_len(BYTES)?;
    let command = format!("cat {}", file.display());
    let wire = Wire::new(&sshd, &command, false)?;
    let own = || {
        millis(|| {
            let shown = run(async { drain(wire.open().await?, |_| Ok(())).await })?;
            ensure!(shown == BYTES, "{shown} of {BYTES} bytes came");
            Ok(())
        })
    };
    let peer = || {
        millis(|| {
            let status = sshd.client(&command).status().context("ssh is missing: install openssh-client")?;
            ensure!(status.success(), "ssh ended with {status}");
            Ok(())
        })
    };
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "ms", own, peer: Some(("OpenSSH", peer)), limit: Limit::TimesPeer(1.0) })
}
