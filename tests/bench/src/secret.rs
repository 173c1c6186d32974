//! Opening one secret of many, in a store that is unlocked, beside showing one in an open KeePassXC.

use std::time::Instant;

use anyhow::ensure;

use crate::keepassxc::{Database, NAME};
use crate::measure::{Limit, Measure, pairs};
use crate::store::{CONNECTIONS, LargeStore};

const SECRETS: usize = 10_000;
/// The peer's are every so manieth.
const PEER_STEP: usize = 5_000;

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let store = LargeStore::make(CONNECTIONS, SECRETS)?;
    let vault = store.unlock()?;
    // Ids are random, so the order of making them is no order in the file.
    let own = || {
        let started = Instant::now();
        for id in &store.secrets {
            let secret = vault.open_secret(*id)?;
            ensure!(secret.bytes.expose().starts_with(b"password-"), "another secret was opened");
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / SECRETS as f64)
    };
    let mut opened = Database::make(CONNECTIONS)?.open()?;
    let peer = || {
        let started = Instant::now();
        for number in (0..CONNECTIONS).step_by(PEER_STEP) {
            let shown = opened.ask(&format!("show -s -a password {}", Database::entry(number)))?;
            ensure!(
                shown.contains(&format!("password-{number}")),
                "KeePassXC showed another secret: {shown}"
            );
        }
        Ok(started.elapsed().as_secs_f64() * 1e6 / (CONNECTIONS / PEER_STEP) as f64)
    };
    let (own, peer) = pairs(own, peer)?;
    Ok(Measure { unit: "us", own, peer: Some((NAME, peer)), limit: Limit::Value(100.0) })
}
