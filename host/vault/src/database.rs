//! The SQLite file: how it is made, recognized and opened.
//!
//! Never opens a file whose tables are not exactly this program's, and never reads `store.db` but through SQLite while it
//! may be in use: closing a second handle on the file would drop SQLite's locks in this process (POSIX).

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use ostler_sealing::MacKey;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::VaultError;
use crate::meta::Meta;
use crate::schema::{APPLICATION_ID, FORMAT, TABLES};
use crate::sign_in;

/// How long a transaction waits for another program's.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Room for all statements that a connection prepares.
const CACHED_STATEMENTS: usize = 64;

/// The bytes that every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The settings of a connection: nothing of a foreign schema runs, what is deleted is overwritten, and a commit is on
/// the disk when it returns.
const SETTINGS: &str = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; \
     PRAGMA temp_store = MEMORY; PRAGMA secure_delete = ON; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; \
     PRAGMA checkpoint_fullfsync = ON; PRAGMA cache_size = -65536; PRAGMA journal_size_limit = 4194304;";

/// Makes the file, which must not exist, readable by its owner only.
pub(crate) fn create(path: &Path, meta: &mut Meta, mac: &MacKey) -> Result<(), VaultError> {
    // SQLite gives the files beside it the same mode.
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    drop(made.map_err(|error| VaultError::io(path, error))?);
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let transaction = connection.transaction()?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    for (_, sql) in TABLES {
        transaction.execute_batch(sql)?;
    }
    meta.insert(&transaction, mac)?;
    sign_in::insert(&transaction)?;
    transaction.commit()?;
    use_wal(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| VaultError::io(path, error))
}

/// Opens the file for reading and writing.
pub(crate) fn open(path: &Path) -> Result<Connection, VaultError> {
    let connection = open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    if connection.is_readonly(MAIN_DB)? {
        return Err(VaultError::ReadOnly);
    }
    use_wal(&connection)?;
    Ok(connection)
}

/// Opens a file that nobody else uses for reading only.
pub(crate) fn open_copy(path: &Path) -> Result<Connection, VaultError> {
    open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
}

fn open_with(path: &Path, flags: OpenFlags) -> Result<Connection, VaultError> {
    let metadata = fs::metadata(path).map_err(|error| VaultError::io(path, error))?;
    if !metadata.is_file() {
        return Err(VaultError::NotAStore { path: path.to_owned(), reason: "it is not a file" });
    }
    if metadata.len() < MAGIC.len() as u64 {
        return Err(not_ours(path));
    }
    let connection = connect(path, flags)?;
    let number = |pragma: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let application = match number("application_id") {
        Ok(application) => application,
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
            drop(connection);
            return Err(not_ours(path));
        }
        Err(error) => return Err(error.into()),
    };
    if application != i64::from(APPLICATION_ID) {
        drop(connection);
        return Err(not_ours(path));
    }
    match u32::try_from(number("user_version")?) {
        Ok(found) if found > FORMAT => return Err(VaultError::Newer { found, known: FORMAT }),
        Ok(FORMAT) => {}
        Ok(found) if found > 0 => return Err(VaultError::Older { found }),
        _ => {
            return Err(VaultError::damaged(
                "the format number in the header of store.db is none that ever was",
            ));
        }
    }
    check_tables(&connection)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, VaultError> {
    // A connection is used by one thread at a time (the vault holds a lock), so SQLite needs no lock of its own.
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    match connection.execute_batch(SETTINGS) {
        // Some settings look into the file. That it is no database is said in better words later.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {}
        other => other?,
    }
    Ok(connection)
}

fn use_wal(connection: &Connection) -> Result<(), VaultError> {
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode.eq_ignore_ascii_case("wal") {
        Ok(())
    } else {
        Err(VaultError::damaged("store.db can't be put into write-ahead mode"))
    }
}

/// Compares the tables with the ones that this program makes, letter by letter.
pub(crate) fn check_tables(connection: &Connection) -> Result<(), VaultError> {
    let mut statement = connection
        .prepare("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")?;
    let found: Vec<(String, String, String)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let same = found.len() == TABLES.len()
        && found.iter().zip(TABLES).all(|((kind, name, sql), (own_name, own_sql))| {
            kind == "table" && name == own_name && sql == own_sql
        });
    if same {
        Ok(())
    } else {
        Err(VaultError::damaged("the tables of store.db are not those of this format"))
    }
}

/// Says what a file is that SQLite takes for none of ours. Nobody has it open as a store.
fn not_ours(path: &Path) -> VaultError {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut head));
    match read {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return VaultError::ReadOnly,
        Err(error) => return VaultError::io(path, error),
        Ok(_) => {}
    }
    if head.is_empty() {
        VaultError::damaged("store.db is empty")
    } else if head.iter().all(|byte| *byte == 0) {
        VaultError::damaged("store.db is filled with zeros")
    } else if head == MAGIC {
        VaultError::NotAStore { path: path.to_owned(), reason: "it is a database of another program" }
    } else if MAGIC.starts_with(&head) {
        VaultError::damaged("store.db is cut short")
    } else {
        VaultError::NotAStore { path: path.to_owned(), reason: "it is no database" }
    }
}
