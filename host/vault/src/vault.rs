//! A store that is signed in to.
//!
//! Never hands out what was not checked: every transaction begins with the MAC, and every row that is read stands in a
//! bucket whose digest was compared since the file last changed by another hand. Nothing is cached but the snapshot.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ostler_core::{Clock, SecretField, SecretId, SinkRule, StoreId};
use ostler_sealing::{EnvelopePrivateKey, Factors, RootKey};
use rusqlite::{Connection, TransactionBehavior};

use crate::anchor::{Anchors, History};
use crate::integrity::{self, Digester, PerBucket, bucket_of};
use crate::keys::Keys;
use crate::meta::Meta;
use crate::records::{self, Gathering};
use crate::schema::Table;
use crate::sides::{self, Side};
use crate::sign_in::{self, Counter};
use crate::write::{Writer, check_bucket};
use crate::{Changes, Generation, Snapshot, StoredSecret, VaultError, database, files, rekey, rows, secrets};

/// An unlocked store. Clones share one connection and one set of keys, which are wiped with the last of them.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    dir: PathBuf,
    store: StoreId,
    keys: Keys,
    working: Mutex<Working>,
    anchors: Option<Anchors>,
}

/// The connection, and what is known of the file as it is now.
pub(crate) struct Working {
    pub(crate) connection: Connection,
    pub(crate) known: Known,
}

/// What is known of the file as it was at `data_version`.
pub(crate) struct Known {
    /// SQLite's number that changes when another connection commits.
    data_version: Option<i64>,
    /// The buckets whose digests were compared.
    checked: PerBucket<bool>,
    snapshot: Option<Arc<Snapshot>>,
}

impl Known {
    /// Fixes the transaction's view of the file, checks its MAC, and forgets what another program may have changed.
    pub(crate) fn begin(&mut self, connection: &Connection, keys: &Keys) -> Result<Meta, VaultError> {
        // The first read fixes the view; the number is then the view's.
        let meta = Meta::read(connection)?;
        if meta.root_id != keys.root_id() {
            return Err(VaultError::Rekeyed);
        }
        let data_version = connection.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.data_version != Some(data_version) {
            self.data_version = Some(data_version);
            self.checked = PerBucket::filled(false);
        }
        meta.verify(keys.mac())?;
        Ok(meta)
    }

    pub(crate) fn checked_mut(&mut self) -> &mut PerBucket<bool> {
        &mut self.checked
    }
}

impl Vault {
    /// Opens the store's database with its root key.
    pub(crate) fn open(
        dir: &Path,
        store: StoreId,
        root: &RootKey,
        anchors: Option<Anchors>,
    ) -> Result<Self, VaultError> {
        let mut connection = database::open(&files::database_of(dir)?)?;
        let mut known = Known { data_version: None, checked: PerBucket::filled(false), snapshot: None };
        let transaction = connection.transaction()?;
        let keys = Keys::new(store, Meta::read(&transaction)?.epoch, root);
        // Checks the MAC, which covers the public key that stands in the clear.
        let meta = known.begin(&transaction, &keys)?;
        let bucket = bucket_of(Side::retired_envelopes(&keys).id());
        check_bucket(&transaction, &meta, &mut known.checked, bucket)?;
        let keys = rekey::with_retired_envelopes(&transaction, keys)?;
        drop(transaction);
        let working = Mutex::new(Working { connection, known });
        Ok(Self(Arc::new(Inner { dir: dir.to_owned(), store, keys, working, anchors })))
    }

    /// Returns the store's id.
    #[must_use]
    pub fn store_id(&self) -> StoreId {
        self.0.store
    }

    /// Returns the key that opens recordings and audit events.
    #[must_use]
    pub fn envelope(&self) -> &EnvelopePrivateKey {
        self.0.keys.envelope()
    }

    /// Returns all folders, connections and known hosts. Read again only if they changed, also by another program; then
    /// 4 to 5 us for each entry.
    ///
    /// # Errors
    /// [`VaultError::Damaged`] names the table and id of a row that is not what was written, as far as it can be told;
    /// deleted and replayed rows are found too.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, VaultError> {
        let keys = &self.0.keys;
        self.read(|transaction, known, meta| {
            let all_checked = known.checked.iter().all(|(_, checked)| *checked);
            let generation = generation(meta)?;
            if let Some(snapshot) =
                known.snapshot.as_ref().filter(|snapshot| all_checked && snapshot.generation == generation)
            {
                return Ok(Arc::clone(snapshot));
            }
            let mut gathering = Gathering::default();
            let mut digester = Digester::new();
            for table in Table::ALL {
                if all_checked && table != Table::Records {
                    continue;
                }
                rows::each(transaction, table, &[], |row| {
                    digester.take(row);
                    if table == Table::Records {
                        gathering.take(row);
                    }
                    Ok(())
                })?;
            }
            // First the rows one by one, since what does not open can be named.
            let snapshot = Arc::new(gathering.open(keys, generation)?);
            if !all_checked {
                compare(transaction, meta, digester)?;
                known.checked = PerBucket::filled(true);
            }
            known.snapshot = Some(Arc::clone(&snapshot));
            Ok(snapshot)
        })
    }

    /// Makes the changes in one transaction, durable when this returns, and returns the generation after them.
    ///
    /// # Errors
    /// [`VaultError::Conflict`] if the store's generation is not `based_on` any more; [`VaultError::Damaged`] if rows
    /// beside the changed ones are not what was written; failures of the disk. Then nothing is changed.
    pub fn apply(&self, changes: &Changes, based_on: Generation) -> Result<Generation, VaultError> {
        self.write(|writer| {
            let now = generation(writer.meta())?;
            if now != based_on {
                return Err(VaultError::Conflict);
            }
            if changes.is_empty() {
                return Ok(now);
            }
            records::apply(writer, changes)?;
            secrets::apply(writer, changes)?;
            writer.next_generation();
            generation(writer.meta())
        })
    }

    /// Opens one secret, and nothing else.
    ///
    /// # Errors
    /// [`VaultError::NoSecret`], [`VaultError::Damaged`].
    pub fn open_secret(&self, id: SecretId) -> Result<StoredSecret, VaultError> {
        self.read_checked(&id.to_bytes(), |transaction, keys| secrets::open(transaction, keys, id))
    }

    /// Opens what was fixed for a secret when it was stored, and leaves the secret sealed.
    ///
    /// # Errors
    /// [`VaultError::NoSecret`], [`VaultError::Damaged`].
    pub fn sink_rules(&self, id: SecretId) -> Result<(SecretField, Vec<SinkRule>), VaultError> {
        self.read_checked(&id.to_bytes(), |transaction, keys| secrets::rules(transaction, keys, id))
    }

    /// Returns what a plugin keeps under a key.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn plugin_value(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, VaultError> {
        self.read_side(&Side::plugin_value(&self.0.keys, plugin, key))
    }

    /// Sets what a plugin keeps under a key, durably; none deletes it. The last writer wins.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn set_plugin_value(&self, plugin: &str, key: &str, value: Option<&[u8]>) -> Result<(), VaultError> {
        let side = Side::plugin_value(&self.0.keys, plugin, key);
        self.write(|writer| side.write(writer, value))
    }

    /// Returns the keys that a plugin keeps values under, ordered, with the values' sizes in bytes.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn plugin_keys(&self, plugin: &str) -> Result<Vec<(String, u64)>, VaultError> {
        let owner = sides::owner(&self.0.keys, plugin);
        self.read_checked(&owner, |transaction, keys| sides::plugin_keys(transaction, keys, plugin))
    }

    /// Returns a document of the host.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn document(&self, name: &str) -> Result<Option<Vec<u8>>, VaultError> {
        self.read_side(&Side::document(&self.0.keys, name))
    }

    /// Edits a document in one transaction: `edit` gets what stands there and returns what shall; none deletes it. No
    /// other program's edit comes in between. `edit` must not call this vault, which is locked while it runs.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk. Then nothing is changed.
    pub fn update_document(
        &self,
        name: &str,
        edit: &mut dyn FnMut(Option<Vec<u8>>) -> Option<Vec<u8>>,
    ) -> Result<(), VaultError> {
        let side = Side::document(&self.0.keys, name);
        self.write(|writer| {
            writer.touch(side.id())?;
            let old = side.read(writer.connection(), writer.keys())?.map(|mut old| std::mem::take(&mut *old));
            let new = edit(old.clone());
            if new == old { Ok(()) } else { side.write(writer, new.as_deref()) }
        })
    }

    /// Compares the store with what this device remembers of it, and remembers it if it is newer or nothing can be read
    /// there.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn history(&self) -> Result<History, VaultError> {
        let Some(anchors) = &self.0.anchors else { return Ok(History::New) };
        let revision = self.read(|_, _, meta| Ok(meta.revision()))?;
        let history = anchors.compare(self.0.store, revision);
        match history {
            History::Older { .. } => {}
            History::Current => anchors.advance(self.0.store, revision),
            History::New | History::Unknown => anchors.set(self.0.store, revision),
        }
        Ok(history)
    }

    /// Lets this device take the store as it is for the newest, after an older one was put here on purpose.
    ///
    /// # Errors
    /// [`VaultError::Damaged`], failures of the disk.
    pub fn accept_history(&self) -> Result<(), VaultError> {
        let revision = self.read(|_, _, meta| Ok(meta.revision()))?;
        if let Some(anchors) = &self.0.anchors {
            anchors.set(self.0.store, revision);
        }
        Ok(())
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0.dir
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// Reads in one transaction, after the MAC was checked.
    pub(crate) fn read<T>(
        &self,
        work: impl FnOnce(&Connection, &mut Known, &Meta) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut working = self.working();
        let Working { connection, known } = &mut *working;
        let transaction = connection.transaction()?;
        let meta = known.begin(&transaction, &self.0.keys)?;
        work(&transaction, known, &meta)
    }

    /// Reads from the bucket of one id, after its digest was compared.
    fn read_checked<T>(
        &self,
        id: &[u8],
        work: impl FnOnce(&Connection, &Keys) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        self.read(|connection, known, meta| {
            check_bucket(connection, meta, &mut known.checked, bucket_of(id))?;
            work(connection, &self.0.keys)
        })
    }

    fn read_side(&self, side: &Side) -> Result<Option<Vec<u8>>, VaultError> {
        let value = self.read_checked(side.id(), |connection, keys| side.read(connection, keys))?;
        Ok(value.map(|mut value| std::mem::take(&mut *value)))
    }

    /// Writes in one transaction, which no other program's comes in between of.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut Writer<'_>) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let mut working = self.working();
        let Working { connection, known } = &mut *working;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let meta = known.begin(&transaction, &self.0.keys)?;
        let mut writer = Writer::new(&transaction, &self.0.keys, meta, &mut known.checked);
        let done = work(&mut writer)?;
        if let Some(revision) = writer.finish()? {
            transaction.commit()?;
            self.note_revision(revision);
        }
        Ok(done)
    }

    /// Remembers a revision that was committed.
    pub(crate) fn note_revision(&self, revision: i64) {
        if let Some(anchors) = &self.0.anchors {
            anchors.advance(self.0.store, u64::try_from(revision).unwrap_or_default());
        }
    }

    /// Opens the root key, slowed by wrong passphrases as a sign-in is; returns its slot too.
    pub(crate) fn open_root(
        &self,
        factors: Factors<'_>,
        clock: &dyn Clock,
    ) -> Result<(Vec<u8>, RootKey), VaultError> {
        let counter = Counter::new(self.0.store, self.0.anchors.as_ref());
        let _one_at_a_time = files::lock(&self.0.dir)?;
        sign_in::open_root(&mut self.working().connection, counter, factors, clock)
    }

    pub(crate) fn working(&self) -> MutexGuard<'_, Working> {
        // A panic elsewhere has rolled its transaction back, and what is known was known before it.
        self.0.working.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").field("store", &self.0.store).finish_non_exhaustive()
    }
}

/// Compares the digests of all buckets with the ones that were written.
pub(crate) fn compare(connection: &Connection, meta: &Meta, digester: Digester) -> Result<(), VaultError> {
    let found = digester.finish();
    match meta.buckets.iter().find(|(bucket, written)| found.get(*bucket) != *written) {
        None => Ok(()),
        Some((bucket, _)) => {
            Err(VaultError::damaged(integrity::describe_fault(connection, bucket, |table| {
                meta.counts.of(table)
            })?))
        }
    }
}

pub(crate) fn generation(meta: &Meta) -> Result<Generation, VaultError> {
    u64::try_from(meta.generation)
        .map(Generation)
        .map_err(|_| VaultError::damaged("table meta: the generation is negative"))
}
