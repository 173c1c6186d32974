//! What the tests of the vault share: a fixed clock, a small store, and a hand that edits its file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use ostler_core::{
    Clock, Connection, ConnectionId, CredentialMode, Folder, FolderId, HostKey, HostRule, LocalCredential,
    SecretBytes, SecretField, SecretId, Settings, SinkRule, SlotName, Timestamp,
};
use ostler_vault::{Changes, KdfParameters, KnownHost, LockedVault, StoredSecret, Vault, VaultError};
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "C0rrect horse!";
pub(crate) const PASSWORD: &str = "hunter2-Pa55word";
pub(crate) const HOST: &str = "db17.customer.example";
pub(crate) const USER: &str = "wilhelmina";
pub(crate) const NOTES: &str = "the key lies under the mat";

/// A clock that stands still until it is set.
pub(crate) struct FixedClock(AtomicI64);

impl FixedClock {
    pub(crate) fn at(seconds: i64) -> Self {
        Self(AtomicI64::new(seconds * 1_000_000))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

pub(crate) fn clock() -> FixedClock {
    FixedClock::at(1_800_000_000)
}

pub(crate) fn text(text: &str) -> SecretBytes {
    SecretBytes::from(text.to_owned())
}

/// A store in a directory of its own.
pub(crate) struct Store {
    pub(crate) home: TempDir,
    pub(crate) dir: PathBuf,
}

impl Store {
    pub(crate) fn create() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("store");
        LockedVault::create(&dir, &text(PASSPHRASE), KdfParameters::FLOOR, &clock()).unwrap();
        Self { home, dir }
    }

    pub(crate) fn unlock(&self) -> Vault {
        self.try_unlock().unwrap()
    }

    pub(crate) fn try_unlock(&self) -> Result<Vault, VaultError> {
        LockedVault::open(&self.dir)?.unlock(&text(PASSPHRASE), &clock())
    }

    /// Edits the file as somebody would who has the disk but not the passphrase.
    pub(crate) fn tamper(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.dir.join("store.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        connection.close().unwrap();
    }

    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<u8>> {
        let connection = rusqlite::Connection::open(self.dir.join("store.db")).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn folder(name: &str) -> Folder {
    Folder {
        id: FolderId::random(),
        parent: None,
        name: name.to_owned(),
        notes: NOTES.to_owned(),
        credential: CredentialMode::None,
        settings: Settings::default(),
        source: None,
    }
}

pub(crate) fn connection(folder: Option<FolderId>, name: &str) -> Connection {
    Connection {
        id: ConnectionId::random(),
        folder,
        name: name.to_owned(),
        kind: "ssh".to_owned(),
        host: HOST.to_owned(),
        port: 22,
        credential: CredentialMode::Inherit,
        settings: Settings::default(),
        notes: NOTES.to_owned(),
        tags: ["production".to_owned()].into(),
        custom_fields: [("rack".to_owned(), "B-12".to_owned())].into(),
        source: None,
        imported: None,
        created: Timestamp(1),
        updated: Timestamp(2),
    }
}

pub(crate) fn secret() -> StoredSecret {
    StoredSecret {
        id: SecretId::random(),
        field: SecretField::Password,
        rules: vec![SinkRule {
            protocol: Some("ssh".to_owned()),
            host: HostRule::Exact { host: HOST.to_owned(), port: 22 },
            field: SecretField::Password,
        }],
        bytes: text(PASSWORD),
    }
}

pub(crate) fn known_host(host: &str, algorithm: &str, key: &str) -> KnownHost {
    KnownHost {
        host: host.to_owned(),
        port: 22,
        key: HostKey {
            algorithm: algorithm.to_owned(),
            openssh: format!("{algorithm} {key}"),
            fingerprint: format!("SHA256:{key}"),
        },
        added: Timestamp(3),
    }
}

/// A connection with its folder, its secret and its known host.
pub(crate) fn one_of_each() -> (Changes, SecretId) {
    let folder = folder("Customers");
    let secret = secret();
    let mut connection = connection(Some(folder.id), "database");
    connection.credential = CredentialMode::Local(LocalCredential {
        user: Some(USER.to_owned()),
        domain: None,
        secrets: [(SlotName::new("login.password").unwrap(), secret.id)].into(),
    });
    let id = secret.id;
    let changes = Changes {
        put_folders: vec![folder],
        put_connections: vec![connection],
        put_secrets: vec![secret],
        put_known_hosts: vec![known_host(HOST, "ssh-ed25519", "AAAAkey")],
        ..Changes::default()
    };
    (changes, id)
}

/// Applies to whatever the store holds now.
pub(crate) fn apply(vault: &Vault, changes: &Changes) {
    vault.apply(changes, vault.snapshot().unwrap().generation).unwrap();
}

/// The message of an error that says that the store is damaged.
pub(crate) fn damage<T: std::fmt::Debug>(result: Result<T, VaultError>) -> String {
    match result {
        Err(error @ VaultError::Damaged { .. }) => {
            let message = error.to_string();
            assert!(message.ends_with("restore a backup"), "{message}");
            message
        }
        other => panic!("expected damage, got {other:?}"),
    }
}

pub(crate) fn all_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(all_files(&path)) } else { found.push(path) }
    }
    found
}
