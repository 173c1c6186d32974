//! Unlocking a store of 100,000 connections and listing them, with the passphrase stretched in full.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use ostler_core::{Connection, ConnectionId, CredentialMode, SecretBytes, Settings, Timestamp};
use ostler_vault::{Changes, KdfParameters, LockedVault};

use crate::measure::{Limit, Measure, alone, millis};
use crate::world::Nothing;

const CONNECTIONS: usize = 100_000;

pub(crate) fn measure() -> anyhow::Result<Measure> {
    let directory = tempfile::tempdir()?;
    let store = directory.path().join("store");
    let passphrase = SecretBytes::new(b"Bench-passphrase-1".to_vec());
    let vault = LockedVault::create(&store, &passphrase, KdfParameters::DEFAULT, &Nothing)?
        .unlock(&passphrase, &Nothing)?;
    let changes =
        Changes { put_connections: (0..CONNECTIONS).map(connection).collect(), ..Changes::default() };
    vault.apply(&changes, vault.snapshot()?.generation)?;
    drop(vault);
    let own = || {
        millis(|| {
            let vault = LockedVault::open(&store)?.unlock(&passphrase, &Nothing)?;
            let listed = vault.snapshot()?.tree.connections().count();
            ensure!(listed == CONNECTIONS, "{listed} of {CONNECTIONS} were listed");
            Ok(())
        })
    };
    Ok(Measure { unit: "ms", own: alone(own)?, peer: None, limit: Limit::Value(1000.0) })
}

fn connection(number: usize) -> Connection {
    Connection {
        id: ConnectionId::random(),
        folder: None,
        name: format!("server-{number}"),
        kind: "ssh".to_owned(),
        host: format!("host-{number}.example"),
        port: 22,
        credential: CredentialMode::None,
        settings: Settings::default(),
        notes: String::new(),
        tags: BTreeSet::new(),
        custom_fields: BTreeMap::new(),
        source: None,
        created: Timestamp(0),
        updated: Timestamp(0),
    }
}
