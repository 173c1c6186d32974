//! The store as a whole: what it is, whether all of it is sound, and a copy of it.
//!
//! Never changes the store.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use ostler_core::{StoreId, Timestamp};
use ostler_sealing::{KdfParameters, SlotInfo};
use rusqlite::{Connection, params};

use crate::integrity::Digester;
use crate::keys::Keys;
use crate::meta::Meta;
use crate::rows;
use crate::schema::{FORMAT, Table};
use crate::vault::{compare, generation};
use crate::{Generation, Vault, VaultError, database, files, records, secrets, sides};

/// What a store is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreInfo {
    /// Its id.
    pub id: StoreId,
    /// When it was made.
    pub created: Timestamp,
    /// The number of its format.
    pub format: u32,
    /// Counts its root keys; each `rekey` begins a new epoch.
    pub epoch: u64,
    /// How often its content changed.
    pub generation: Generation,
    /// Folders in it.
    pub folders: u64,
    /// Connections in it.
    pub connections: u64,
    /// Secrets in it.
    pub secrets: u64,
    /// Known host keys in it.
    pub known_hosts: u64,
    /// Values that plugins keep in it.
    pub plugin_values: u64,
    /// Documents of the host in it.
    pub documents: u64,
    /// How the passphrase is stretched.
    pub kdf: KdfParameters,
    /// Whether a key file is wanted beside the passphrase.
    pub key_file: bool,
    /// Whether the desktop's keyring opens it too.
    pub keyring: bool,
    /// The bytes of `store.db` and of the write-ahead log beside it.
    pub database_bytes: u64,
}

/// What was checked and found sound: the database's structure, the tables' definitions, the header and its MAC, the
/// digest of every bucket, and every sealed row, each opened and compared with its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifyReport {
    /// The generation that was checked.
    pub generation: Generation,
    /// All sealed rows.
    pub rows: u64,
    /// Rows with folders, connections and known hosts.
    pub records: u64,
    /// Secrets; each was opened and wiped again.
    pub secrets: u64,
    /// Values that plugins keep.
    pub plugin_values: u64,
    /// Documents of the host.
    pub documents: u64,
}

impl Vault {
    /// Returns what the store is.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn info(&self) -> Result<StoreInfo, VaultError> {
        let snapshot = self.snapshot()?;
        let meta = self.read(|_, _, meta| Ok(meta.clone()))?;
        let slot = SlotInfo::of(&meta.slot, meta.store)?;
        let count = |table| u64::try_from(meta.counts.of(table)).unwrap_or_default();
        let database = self.dir().join(files::DATABASE);
        let log = self.dir().join(format!("{}-wal", files::DATABASE));
        Ok(StoreInfo {
            id: meta.store,
            created: meta.created,
            format: FORMAT,
            epoch: u64::try_from(meta.epoch).unwrap_or_default(),
            generation: snapshot.generation,
            folders: snapshot.tree.folders().count() as u64,
            connections: snapshot.tree.connections().count() as u64,
            secrets: count(Table::Secrets),
            known_hosts: snapshot.known_hosts.len() as u64,
            plugin_values: count(Table::PluginValues),
            documents: count(Table::Documents),
            kdf: slot.kdf,
            key_file: slot.key_file,
            keyring: meta.keyring_slot.is_some(),
            // There is no log while nothing was written since the last program closed the store.
            database_bytes: [database, log]
                .iter()
                .filter_map(|file| fs::metadata(file).ok())
                .map(|file| file.len())
                .sum(),
        })
    }

    /// Checks all of the store, whatever was checked before. Opens every secret, one at a time.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] names all faults by table and id as far as they can be told, the first 20 of them.
    pub fn verify(&self) -> Result<VerifyReport, VaultError> {
        self.read(|connection, _, _| verify(connection, self.keys()))
    }

    /// Writes a copy of `store.db` that holds all of one moment, checks it as [`Vault::verify`] does, and puts it at `to`:
    /// a single file, for the owner only, which opens with the passphrase of that moment when it stands as `store.db` in a
    /// directory. Recordings and audit log are files of their own, and not in it.
    ///
    /// # Errors
    /// [`VaultError::Exists`] if there is a file at `to`; [`VaultError::Damaged`] if the copy, and so the store, is not
    /// sound; failures of the disk. Then nothing is left at `to`.
    pub fn backup(&self, to: &Path) -> Result<(), VaultError> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(VaultError::Exists { path: to.to_owned() });
        }
        let mut name = to.file_name().unwrap_or_default().to_owned();
        name.push(".ostler-new");
        let temporary = to.with_file_name(name);
        let failed = |error| VaultError::io(&temporary, error);
        // One that a crash left is written anew; one that is being written is another program's.
        let mut options = OpenOptions::new();
        let writing = options.write(true).create(true).truncate(false).mode(0o600).open(&temporary);
        let writing = writing.map_err(failed)?;
        match writing.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(VaultError::Busy),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        writing.set_len(0).map_err(failed)?;
        let copied = self.copy_checked(&temporary).and_then(|()| files::rename_new(&temporary, to));
        if copied.is_err() {
            files::remove_file_if_there(&temporary)?;
        }
        copied
    }

    fn copy_checked(&self, to: &Path) -> Result<(), VaultError> {
        let failed = |error| VaultError::io(to, error);
        let name = to.to_str().ok_or_else(|| failed(std::io::ErrorKind::InvalidFilename.into()))?;
        // A connection of its own, so that the vault is not held up while the copy is written.
        let source = database::open(&files::database_of(self.dir())?)?;
        source.execute("VACUUM INTO ?1", params![name])?;
        let copy = database::open_copy(to)?;
        verify(&copy, self.keys())?;
        copy.close().map_err(|(_, error)| error)?;
        File::open(to).and_then(|file| file.sync_all()).map_err(failed)
    }
}

/// How many faults one error names.
const NAMED_FAULTS: usize = 20;

pub(crate) fn verify(connection: &Connection, keys: &Keys) -> Result<VerifyReport, VaultError> {
    let mut faults = Faults::default();
    faults.note(check_structure(connection))?;
    faults.note(database::check_tables(connection))?;
    let meta = Meta::read(connection)?;
    faults.note(meta.verify(keys.mac()))?;
    faults.note(SlotInfo::of(&meta.slot, meta.store).map(drop).map_err(VaultError::from))?;
    let mut digester = Digester::new();
    let mut counts = [0_u64; 4];
    for (table, count) in Table::ALL.into_iter().zip(&mut counts) {
        let read = rows::each(connection, table, &[], |row| {
            *count += 1;
            digester.take(row);
            faults.note(match table {
                Table::Records => records::check(keys, row),
                Table::Secrets => secrets::check(keys, row),
                Table::PluginValues | Table::Documents => sides::check(keys, row),
            })
        });
        faults.note(read)?;
    }
    faults.note(compare(connection, &meta, digester))?;
    faults.finish()?;
    let [records, secrets, plugin_values, documents] = counts;
    Ok(VerifyReport {
        generation: generation(&meta)?,
        rows: counts.iter().sum(),
        records,
        secrets,
        plugin_values,
        documents,
    })
}

fn check_structure(connection: &Connection) -> Result<(), VaultError> {
    let answer: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    // The answer names pages and tables; it never quotes content.
    if answer == "ok" {
        Ok(())
    } else {
        Err(VaultError::damaged(format!("the database's structure: {answer}")))
    }
}

/// Gathers what is damaged; any other error ends the check.
#[derive(Default)]
struct Faults {
    named: Vec<String>,
    more: usize,
}

impl Faults {
    fn note(&mut self, checked: Result<(), VaultError>) -> Result<(), VaultError> {
        match checked {
            Err(VaultError::Damaged { what }) if self.named.len() < NAMED_FAULTS => self.named.push(what),
            Err(VaultError::Damaged { .. }) => self.more += 1,
            other => other?,
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), VaultError> {
        if self.more > 0 {
            self.named.push(format!("{} more faults", self.more));
        }
        if self.named.is_empty() { Ok(()) } else { Err(VaultError::damaged(self.named.join("; "))) }
    }
}
