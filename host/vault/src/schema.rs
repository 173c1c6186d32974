//! The tables of `store.db`, word for word: a file whose tables differ in a letter is not opened.
//!
//! In the clear stand only random or keyed ids, the kind of a record, version numbers, sizes and counts.

/// Marks the file as an Ostler store (`PRAGMA application_id`): "OSTL".
pub(crate) const APPLICATION_ID: i32 = 0x4F53_544C;

/// The format that this program writes and the newest it reads (`PRAGMA user_version`).
pub(crate) const FORMAT: u32 = 2;

/// The statements that make the tables, in the order of their names.
///
/// SQLite keeps these texts as they are, so the tables of an opened file are compared with them: no trigger or
/// view that somebody slipped into a file ever runs.
pub(crate) const TABLES: [(&str, &str); 7] = [
    (
        "documents",
        "CREATE TABLE documents (id BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, \
         sealed BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "key_slots",
        "CREATE TABLE key_slots (id INTEGER NOT NULL PRIMARY KEY CHECK (id IN (1, 2)), slot BLOB NOT NULL) STRICT",
    ),
    (
        "meta",
        "CREATE TABLE meta (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), store BLOB NOT NULL, \
         created INTEGER NOT NULL, epoch INTEGER NOT NULL, root_id BLOB NOT NULL, \
         envelope BLOB NOT NULL, generation INTEGER NOT NULL, \
         revision INTEGER NOT NULL, records INTEGER NOT NULL, secrets INTEGER NOT NULL, \
         plugin_values INTEGER NOT NULL, documents INTEGER NOT NULL, root BLOB NOT NULL, \
         buckets BLOB NOT NULL) STRICT",
    ),
    (
        "plugin_values",
        "CREATE TABLE plugin_values (id BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, \
         sealed BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "records",
        "CREATE TABLE records (id BLOB NOT NULL PRIMARY KEY, kind INTEGER NOT NULL, \
         version INTEGER NOT NULL, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "secrets",
        "CREATE TABLE secrets (id BLOB NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, \
         version INTEGER NOT NULL, wrapped_key BLOB NOT NULL, rules BLOB NOT NULL, \
         sealed BLOB NOT NULL) STRICT, WITHOUT ROWID",
    ),
    (
        "sign_in",
        "CREATE TABLE sign_in (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), \
         failures INTEGER NOT NULL, last_try INTEGER NOT NULL, tag BLOB NOT NULL) STRICT",
    ),
];

/// A table whose rows stand under the store's MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Table {
    /// Folders, connections and known hosts.
    Records,
    /// Secrets.
    Secrets,
    /// Values that plugins keep.
    PluginValues,
    /// Documents of the host.
    Documents,
}

impl Table {
    /// All of them, in the order in which a bucket's digest takes them.
    pub(crate) const ALL: [Self; 4] = [Self::Records, Self::Secrets, Self::PluginValues, Self::Documents];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Secrets => "secrets",
            Self::PluginValues => "plugin_values",
            Self::Documents => "documents",
        }
    }

    /// The byte that stands for the table in a digest.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Records => 1,
            Self::Secrets => 2,
            Self::PluginValues => 3,
            Self::Documents => 4,
        }
    }

    /// How long the table's ids are: a random id, or a keyed hash.
    pub(crate) fn id_bytes(self) -> usize {
        match self {
            Self::Records | Self::Secrets => 16,
            Self::PluginValues | Self::Documents => 32,
        }
    }

    /// Selects all rows in the layout of [`crate::rows::StoredRow`].
    pub(crate) fn select(self) -> &'static str {
        match self {
            Self::Records => "SELECT id, kind, version, sealed, NULL, NULL FROM records",
            Self::Secrets => "SELECT id, epoch, version, sealed, wrapped_key, rules FROM secrets",
            Self::PluginValues => "SELECT id, 0, version, sealed, NULL, NULL FROM plugin_values",
            Self::Documents => "SELECT id, 0, version, sealed, NULL, NULL FROM documents",
        }
    }

    /// Replaces a row, in the layout of [`crate::rows::StoredRow`].
    pub(crate) fn update(self) -> &'static str {
        match self {
            Self::Records => "UPDATE records SET kind = ?2, version = ?3, sealed = ?4 WHERE id = ?1",
            Self::Secrets => {
                "UPDATE secrets SET epoch = ?2, version = ?3, sealed = ?4, wrapped_key = ?5, rules = ?6 \
                 WHERE id = ?1"
            }
            Self::PluginValues => "UPDATE plugin_values SET version = ?3, sealed = ?4 WHERE id = ?1",
            Self::Documents => "UPDATE documents SET version = ?3, sealed = ?4 WHERE id = ?1",
        }
    }

    /// Adds a row, in the layout of [`crate::rows::StoredRow`].
    pub(crate) fn insert(self) -> &'static str {
        match self {
            Self::Records => "INSERT INTO records (id, kind, version, sealed) VALUES (?1, ?2, ?3, ?4)",
            Self::Secrets => {
                "INSERT INTO secrets (id, epoch, version, sealed, wrapped_key, rules) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
            }
            Self::PluginValues => "INSERT INTO plugin_values (id, version, sealed) VALUES (?1, ?3, ?4)",
            Self::Documents => "INSERT INTO documents (id, version, sealed) VALUES (?1, ?3, ?4)",
        }
    }
}
