//! A large store to measure with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ostler_core::{
    Connection, ConnectionId, CredentialMode, HostRule, SecretBytes, SecretField, SecretId, Settings,
    SinkRule, Timestamp,
};
use ostler_vault::{Changes, KdfParameters, LockedVault, StoredSecret, Vault};
use tempfile::TempDir;

use crate::world::Nothing;

/// Connections of a large store.
pub(crate) const CONNECTIONS: usize = 100_000;

/// What opens it.
pub(crate) const PASSPHRASE: &str = "Bench-passphrase-1";

/// A store that is removed at the end.
pub(crate) struct LargeStore {
    pub(crate) directory: TempDir,
    pub(crate) path: PathBuf,
    passphrase: SecretBytes,
    /// The ids of its secrets.
    pub(crate) secrets: Vec<SecretId>,
}

impl LargeStore {
    /// Makes a store of so many connections and secrets.
    pub(crate) fn make(connections: usize, secrets: usize) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("store");
        let passphrase = SecretBytes::new(PASSPHRASE.as_bytes().to_vec());
        LockedVault::create(&path, &passphrase, KdfParameters::DEFAULT, &Nothing)?;
        let mut store = Self { directory, path, passphrase, secrets: Vec::new() };
        let changes = Changes {
            put_connections: (0..connections).map(connection).collect(),
            put_secrets: (0..secrets).map(secret).collect(),
            ..Changes::default()
        };
        let vault = store.unlock()?;
        vault.apply(&changes, vault.snapshot()?.generation)?;
        store.secrets = changes.put_secrets.iter().map(|secret| secret.id).collect();
        Ok(store)
    }

    /// Opens the store with its passphrase.
    pub(crate) fn unlock(&self) -> anyhow::Result<Vault> {
        Ok(LockedVault::open(&self.path)?.unlock(&self.passphrase, &Nothing)?)
    }
}

/// Makes a connection of a large store.
pub(crate) fn connection(number: usize) -> Connection {
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
        imported: None,
        created: Timestamp(0),
        updated: Timestamp(0),
    }
}

fn secret(number: usize) -> StoredSecret {
    StoredSecret {
        id: SecretId::random(),
        field: SecretField::Password,
        rules: vec![SinkRule {
            protocol: Some("ssh".to_owned()),
            host: HostRule::Exact { host: format!("host-{number}.example"), port: 22 },
            field: SecretField::Password,
        }],
        bytes: SecretBytes::new(format!("password-{number}").into_bytes()),
    }
}
