//! Unlocking a store of 100,000 connections and listing them, with the passphrase stretched in full.

use anyhow::ensure;

use crate::measure::{Limit, Measure, alone, millis};
use crate::store::{CONNECTIONS, LargeStore};

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let store = LargeStore::make(CONNECTIONS, 0)?;
    let own = || {
        millis(|| {
            let vault = store.unlock()?;
            let listed = vault.snapshot()?.tree.connections().count();
            ensure!(listed == CONNECTIONS, "{listed} of {CONNECTIONS} were listed");
            Ok(())
        })
    };
    Ok(Measure { unit: "ms", own: alone(own)?, peer: None, limit: Limit::Value(1000.0) })
}
