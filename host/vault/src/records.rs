//! Folders, connections and known hosts as sealed records.
//!
//! Never opens a secret: a connection holds ids of secrets only.

use std::num::NonZero;
use std::ops::Range;

use ostler_core::{Connection, Folder, Tree};
use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::keys::Keys;
use crate::rows::{self, StoredRow};
use crate::schema::Table;
use crate::write::{NewRow, Writer};
use crate::{Changes, Generation, KnownHost, Snapshot, VaultError};

/// What a record is; the number stands in the clear and is bound into the sealing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    Connection,
    /// All known keys of one host and port, so that they are found and forgotten by name.
    KnownHosts,
}

impl Kind {
    fn of(row: &StoredRow<'_>) -> Result<Self, VaultError> {
        match row.attribute {
            1 => Ok(Self::Folder),
            2 => Ok(Self::Connection),
            3 => Ok(Self::KnownHosts),
            _ => Err(row.damaged("the kind of the record is unknown")),
        }
    }

    fn number(self) -> i64 {
        match self {
            Self::Folder => 1,
            Self::Connection => 2,
            Self::KnownHosts => 3,
        }
    }

    /// The place that the sealing is bound to.
    fn place(self) -> &'static str {
        match self {
            Self::Folder => "record folder",
            Self::Connection => "record connection",
            Self::KnownHosts => "record known hosts",
        }
    }
}

/// An opened record.
enum Record {
    Folder(Box<Folder>),
    Connection(Box<Connection>),
    KnownHosts(Vec<KnownHost>),
}

/// Gathers a snapshot: takes the records while they are read, and opens them afterwards, on several threads.
#[derive(Default)]
pub(crate) struct Gathering {
    rows: Vec<SealedRecord>,
    sealed: Vec<u8>,
}

/// A row that was taken.
struct SealedRecord {
    id: Vec<u8>,
    kind: i64,
    version: i64,
    /// Where its sealed content stands among all that was taken.
    sealed: Range<usize>,
}

/// Below this many records, opening them costs less than starting threads.
const WORTH_A_THREAD: usize = 2048;

/// More threads than this wait for memory, not for the cipher.
const MOST_THREADS: usize = 8;

impl Gathering {
    pub(crate) fn take(&mut self, row: &StoredRow<'_>) {
        let start = self.sealed.len();
        self.sealed.extend_from_slice(row.sealed);
        self.rows.push(SealedRecord {
            id: row.id.to_vec(),
            kind: row.attribute,
            version: row.version,
            sealed: start..self.sealed.len(),
        });
    }

    pub(crate) fn open(self, keys: &Keys, generation: Generation) -> Result<Snapshot, VaultError> {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let share = self.rows.len().div_ceil(threads).max(WORTH_A_THREAD);
        let (mut folders, mut connections, mut known_hosts) = (Vec::new(), Vec::new(), Vec::new());
        connections.reserve(self.rows.len());
        std::thread::scope(|scope| -> Result<(), VaultError> {
            let opened: Vec<_> = self
                .rows
                .chunks(share)
                .skip(1)
                .map(|rows| {
                    let work = || self.open_some(keys, rows);
                    std::thread::Builder::new()
                        .name("vault-open".to_owned())
                        .spawn_scoped(scope, work)
                        .map_err(|_| rows)
                })
                .collect();
            let own = self.open_some(keys, self.rows.get(..share).unwrap_or(&self.rows));
            let others = opened.into_iter().map(|thread| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // The system gave no further thread.
                Err(rows) => self.open_some(keys, rows),
            });
            for records in std::iter::once(own).chain(others) {
                for record in records? {
                    match record {
                        Record::Folder(folder) => folders.push(*folder),
                        Record::Connection(connection) => connections.push(*connection),
                        Record::KnownHosts(mut known) => known_hosts.append(&mut known),
                    }
                }
            }
            Ok(())
        })?;
        known_hosts.sort_by(|a: &KnownHost, b| {
            (&a.host, a.port, &a.key.algorithm).cmp(&(&b.host, b.port, &b.key.algorithm))
        });
        Ok(Snapshot { generation, tree: Tree::new(folders, connections), known_hosts })
    }

    fn open_some(&self, keys: &Keys, rows: &[SealedRecord]) -> Result<Vec<Record>, VaultError> {
        let opened = rows.iter().map(|row| {
            let sealed = self.sealed.get(row.sealed.clone()).unwrap_or_default();
            open(
                keys,
                &StoredRow {
                    table: Table::Records,
                    id: &row.id,
                    attribute: row.kind,
                    version: row.version,
                    sealed,
                    wrapped_key: &[],
                    rules: &[],
                },
            )
        });
        opened.collect()
    }
}

/// Writes the changes of the tree and of known hosts.
pub(crate) fn apply(writer: &mut Writer<'_>, changes: &Changes) -> Result<(), VaultError> {
    for folder in &changes.delete_folders {
        writer.delete(Table::Records, &folder.to_bytes())?;
    }
    for connection in &changes.delete_connections {
        writer.delete(Table::Records, &connection.to_bytes())?;
    }
    for (host, port) in &changes.delete_known_hosts {
        let id = known_hosts_id(writer.keys(), host, *port);
        writer.delete(Table::Records, &id)?;
    }
    // In the order of ids, so that a large import fills the table from one end to the other.
    let mut folders: Vec<&Folder> = changes.put_folders.iter().collect();
    folders.sort_by_key(|folder| folder.id);
    for folder in folders {
        put(writer, Kind::Folder, &folder.id.to_bytes(), folder)?;
    }
    let mut connections: Vec<&Connection> = changes.put_connections.iter().collect();
    connections.sort_by_key(|connection| connection.id);
    for connection in connections {
        put(writer, Kind::Connection, &connection.id.to_bytes(), connection)?;
    }
    changes.put_known_hosts.iter().try_for_each(|known| put_known_host(writer, known))
}

/// Opens a record under the keys that it was sealed with, and seals it anew under the writer's, where the ids of known
/// hosts are others.
pub(crate) fn reseal(writer: &mut Writer<'_>, old: &Keys, row: &StoredRow<'_>) -> Result<(), VaultError> {
    let id = match open(old, row)? {
        Record::Folder(_) | Record::Connection(_) => row.id.to_vec(),
        Record::KnownHosts(known) => {
            let known = known.first().map(|first| known_hosts_id(writer.keys(), &first.host, first.port));
            known.unwrap_or_default().to_vec()
        }
    };
    let kind = Kind::of(row)?;
    let plain =
        old.open(kind.place(), row.id, row.version, row.sealed).map_err(|error| row.damaged(error))?;
    put_plain(writer, kind, &id, plain.expose())
}

/// Opens a record of any kind, to see that it can be opened.
pub(crate) fn check(keys: &Keys, row: &StoredRow<'_>) -> Result<(), VaultError> {
    open(keys, row).map(drop)
}

fn put(writer: &mut Writer<'_>, kind: Kind, id: &[u8], record: &impl Serialize) -> Result<(), VaultError> {
    let plain = Zeroizing::new(serde_json::to_vec(record).map_err(|_| unwritable())?);
    put_plain(writer, kind, id, &plain)
}

fn put_plain(writer: &mut Writer<'_>, kind: Kind, id: &[u8], plain: &[u8]) -> Result<(), VaultError> {
    let sealed = writer.keys().seal(kind.place(), id, writer.version(), plain)?;
    writer.put(&NewRow { attribute: kind.number(), sealed: &sealed, ..NewRow::of(Table::Records, id) })
}

fn put_known_host(writer: &mut Writer<'_>, known: &KnownHost) -> Result<(), VaultError> {
    let id = known_hosts_id(writer.keys(), &known.host, known.port);
    writer.touch(&id)?;
    let stored =
        rows::one(writer.connection(), Table::Records, &id, |row| match open(writer.keys(), row)? {
            Record::KnownHosts(stored) => Ok(stored),
            Record::Folder(_) | Record::Connection(_) => Err(row.damaged("a known host was expected here")),
        })?;
    let mut all = stored.unwrap_or_default();
    all.retain(|other| other.key.algorithm != known.key.algorithm);
    all.push(known.clone());
    put(writer, Kind::KnownHosts, &id, &all)
}

fn open(keys: &Keys, row: &StoredRow<'_>) -> Result<Record, VaultError> {
    let kind = Kind::of(row)?;
    let plain =
        keys.open(kind.place(), row.id, row.version, row.sealed).map_err(|error| row.damaged(error))?;
    let (record, expected) = match kind {
        Kind::Folder => {
            let folder: Box<Folder> = read(row, plain.expose())?;
            let id = folder.id.to_bytes();
            (Record::Folder(folder), id)
        }
        Kind::Connection => {
            let connection: Box<Connection> = read(row, plain.expose())?;
            let id = connection.id.to_bytes();
            (Record::Connection(connection), id)
        }
        Kind::KnownHosts => {
            let known: Vec<KnownHost> = read(row, plain.expose())?;
            let id = known.first().map(|first| known_hosts_id(keys, &first.host, first.port));
            (Record::KnownHosts(known), id.unwrap_or_default())
        }
    };
    if row.id == expected { Ok(record) } else { Err(row.damaged("the content belongs to another id")) }
}

fn read<T: DeserializeOwned>(row: &StoredRow<'_>, plain: &[u8]) -> Result<T, VaultError> {
    // The parser's own message could quote the content.
    serde_json::from_slice(plain).map_err(|_| row.damaged("the content can't be read by this program"))
}

pub(crate) fn known_hosts_id(keys: &Keys, host: &str, port: u16) -> [u8; 16] {
    let [id @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        keys.name_id("known hosts", &[host.as_bytes(), &port.to_be_bytes()]);
    id
}

/// Core's types have no map with other keys than texts, which is all that JSON can't write.
pub(crate) fn unwritable() -> VaultError {
    VaultError::damaged("a value can't be written as JSON")
}
