//! Opening one secret of many, in a store that is unlocked.

use std::time::Instant;

use anyhow::ensure;

use crate::measure::{Limit, Measure, alone};
use crate::store::{CONNECTIONS, LargeStore};

const SECRETS: usize = 10_000;

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
    Ok(Measure { unit: "us", own: alone(own)?, peer: None, limit: Limit::Value(100.0) })
}
