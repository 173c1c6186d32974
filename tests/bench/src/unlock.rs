//! Unlocking a store of 100,000 connections and listing them, with the passphrase stretched in full, beside the start of
//! KeePassXC until such a database is open.

use anyhow::ensure;

use crate::keepassxc::{Database, NAME};
use crate::measure::{Limit, Measure, millis, pairs};
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
    let database = Database::make(CONNECTIONS)?;
    let (own, peer) = pairs(own, || millis(|| database.open().map(drop)))?;
    Ok(Measure { unit: "ms", own, peer: Some((NAME, peer)), limit: Limit::Value(1000.0) })
}
