//! One byte flipped anywhere in `store.db` is reported, or the store's logical content is the same as before.
//!
//! Beside the code and not in `tests/`, since signing in for every byte would cost one Argon2id each: here the root key is
//! taken out of the slot once. What the passphrase alone decides (the slot's own bytes) is in the MAC as well.
//!
//! The suite takes every seventh byte, the file's header, and all that is in use of the pages that hold the tables'
//! definitions, the store's header and the key slot. `OSTLER_FLIP_EVERY=1` takes every byte of all pages: an entry of `cargo xtask soak`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ostler_core::{Clock, SecretBytes, SecretId, StoreId, Timestamp};
use ostler_core::{
    Connection, ConnectionId, CredentialMode, Folder, FolderId, HostKey, HostRule, SecretField, Settings,
    SinkRule,
};
use ostler_sealing::{KdfParameters, RootKey, open_slot};

use crate::{Changes, KnownHost, LockedVault, StoredSecret, Vault, VaultError};

const PAGE_BYTES: usize = 4096;
const FILE_HEADER_BYTES: usize = 100;
/// Where among every seven bytes the suite begins: from one throw of a die, so that it is no byte that was chosen.
const FIRST: usize = 4;
const LONGEST_WAIT: Duration = Duration::from_secs(25);

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000_000_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// All that a store holds, as a program sees it.
#[derive(Debug, PartialEq)]
struct Content {
    folders: Vec<Folder>,
    connections: Vec<Connection>,
    known_hosts: Vec<KnownHost>,
    secrets: Vec<StoredSecret>,
    plugin_value: Option<Vec<u8>>,
    plugin_keys: Vec<(String, u64)>,
    document: Option<Vec<u8>>,
}

impl Content {
    fn read(vault: &Vault, secrets: &[SecretId]) -> Result<Self, VaultError> {
        let snapshot = vault.snapshot()?;
        Ok(Self {
            folders: snapshot.tree.folders().cloned().collect(),
            connections: snapshot.tree.connections().cloned().collect(),
            known_hosts: snapshot.known_hosts.clone(),
            secrets: secrets.iter().map(|id| vault.open_secret(*id)).collect::<Result<_, _>>()?,
            plugin_value: vault.plugin_value("org.example.plugin", "key")?,
            plugin_keys: vault.plugin_keys("org.example.plugin")?,
            document: vault.document("grants")?,
        })
    }
}

/// A sound store, closed, with the key that opens it.
struct Sound {
    file: Vec<u8>,
    store: StoreId,
    root: RootKey,
    slot: Vec<u8>,
    secrets: Vec<SecretId>,
    content: Content,
}

impl Sound {
    fn make() -> Self {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("store");
        let passphrase = SecretBytes::from("C0rrect horse!".to_owned());
        let locked = LockedVault::create(&dir, &passphrase, KdfParameters::FLOOR, &Noon).unwrap();
        let vault = locked.unlock(&passphrase, &Noon).unwrap();
        let changes = changes();
        vault.apply(&changes, vault.snapshot().unwrap().generation).unwrap();
        vault.set_plugin_value("org.example.plugin", "key", Some(b"value")).unwrap();
        vault.update_document("grants", &mut |_| Some(b"document".to_vec())).unwrap();
        let secrets: Vec<SecretId> = changes.put_secrets.iter().map(|secret| secret.id).collect();
        let content = Content::read(&vault, &secrets).unwrap();
        let slot = vault.read(|_, _, meta| Ok(meta.slot.clone())).unwrap();
        let (store, root) =
            (vault.store_id(), open_slot(&slot, (&passphrase).into(), vault.store_id()).unwrap());
        drop((vault, locked));
        assert!(!dir.join("store.db-wal").exists(), "everything is in the one file");
        Self { file: fs::read(dir.join("store.db")).unwrap(), store, root, slot, secrets, content }
    }

    /// Puts the bytes in place of a store, and says whether they are reported; if not, the content must be the same.
    fn reported(&self, dir: &Path, bytes: &[u8]) -> Result<Option<VaultError>, String> {
        let path = dir.join("store.db");
        for beside in ["-wal", "-shm", "-journal", ""] {
            let _missing_is_fine = fs::remove_file(dir.join(format!("store.db{beside}")));
        }
        #[expect(clippy::disallowed_methods, reason = "nobody reads this file before it is whole")]
        fs::write(&path, bytes).unwrap();
        let looked = || -> Result<Content, VaultError> {
            let locked = LockedVault::open(dir)?;
            assert!(locked.wait_before_try(&Noon) <= LONGEST_WAIT);
            drop(locked);
            let vault = Vault::open(dir, self.store, &self.root, None)?;
            vault.verify()?;
            Content::read(&vault, &self.secrets)
        };
        match looked() {
            Err(error) => Ok(Some(error)),
            Ok(content) if content == self.content => Ok(None),
            Ok(content) => Err(format!("unreported change: {content:?}")),
        }
    }
}

fn changes() -> Changes {
    let folder = Folder {
        id: FolderId::random(),
        parent: None,
        name: "Customers".to_owned(),
        notes: "notes".to_owned(),
        credential: CredentialMode::None,
        settings: Settings::default(),
        source: None,
    };
    let connection = |name: &str| Connection {
        id: ConnectionId::random(),
        folder: Some(folder.id),
        name: name.to_owned(),
        kind: "ssh".to_owned(),
        host: "host.example".to_owned(),
        port: 22,
        credential: CredentialMode::Inherit,
        settings: Settings::default(),
        notes: String::new(),
        tags: ["tag".to_owned()].into(),
        custom_fields: [("field".to_owned(), "value".to_owned())].into(),
        source: None,
        imported: None,
        created: Timestamp(1),
        updated: Timestamp(2),
    };
    let secret = |bytes: Vec<u8>| StoredSecret {
        id: SecretId::random(),
        field: SecretField::Password,
        rules: vec![SinkRule {
            protocol: Some("ssh".to_owned()),
            host: HostRule::Exact { host: "host.example".to_owned(), port: 22 },
            field: SecretField::Password,
        }],
        bytes: SecretBytes::new(bytes),
    };
    let known = KnownHost {
        host: "host.example".to_owned(),
        port: 22,
        key: HostKey { algorithm: "a".to_owned(), openssh: "a b".to_owned(), fingerprint: "f".to_owned() },
        added: Timestamp(3),
    };
    Changes {
        put_connections: vec![connection("one"), connection("two")],
        put_folders: vec![folder],
        // One of them is longer than a page, so that it has pages of its own.
        put_secrets: vec![secret(b"hunter2".to_vec()), secret(vec![7; 6000])],
        put_known_hosts: vec![known],
        ..Changes::default()
    }
}

/// The offsets to flip.
fn offsets(sound: &Sound) -> Vec<usize> {
    let every: usize =
        std::env::var("OSTLER_FLIP_EVERY").ok().and_then(|every| every.parse().ok()).unwrap_or(7);
    let in_the_clear = |page: &[u8]| {
        [sound.store.to_bytes().as_slice(), &sound.slot]
            .iter()
            .any(|part| page.windows(part.len()).any(|w| w == *part))
    };
    let mut offsets: Vec<usize> =
        (FIRST % every..sound.file.len()).step_by(every).chain(0..FILE_HEADER_BYTES).collect();
    for (number, page) in sound.file.chunks(PAGE_BYTES).enumerate() {
        if number == 0 || in_the_clear(page) {
            let used = page.iter().enumerate().filter(|(_, byte)| **byte != 0);
            offsets.extend(used.map(|(offset, _)| number * PAGE_BYTES + offset));
        }
    }
    offsets.sort_unstable();
    offsets.dedup();
    offsets
}

#[test]
fn a_flipped_byte_is_reported_or_changes_nothing() {
    let sound = Sound::make();
    let home = tempfile::tempdir().unwrap();
    assert!(sound.reported(home.path(), &sound.file).unwrap().is_none(), "the untouched file is sound");

    let offsets = offsets(&sound);
    let (next, reported) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let work = |dir: PathBuf| {
        let mut bytes = sound.file.clone();
        while let Some(offset) = offsets.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
            // Sometimes one bit, sometimes all of them.
            let mask = if offset % 3 == 0 { 0xFF } else { 1 << (offset % 8) };
            bytes[offset] ^= mask;
            match sound.reported(&dir, &bytes) {
                Ok(Some(_)) => {
                    reported.fetch_add(1, Ordering::Relaxed);
                }
                Ok(None) => {}
                Err(failure) => failures.lock().unwrap().push(format!("byte {offset}: {failure}")),
            }
            bytes[offset] ^= mask;
        }
    };
    std::thread::scope(|scope| {
        for number in 0..4 {
            let dir = home.path().join(number.to_string());
            fs::create_dir(&dir).unwrap();
            scope.spawn(|| work(dir));
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{failures:#?}");
    let (flipped, reported) = (offsets.len(), reported.into_inner());
    println!(
        "{flipped} of {} bytes flipped, {reported} reported, the others changed nothing",
        sound.file.len()
    );
    // Free space may be flipped unseen; that the check sees anything at all shows in how much it reports.
    assert!(reported * 5 > flipped, "{reported} of {flipped} reported");
}
