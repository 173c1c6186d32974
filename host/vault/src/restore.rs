//! Putting a backup in the place of the store's database.
//!
//! Never replaces anything before the backup was opened and checked as a whole, never while another program has the store
//! open, and never throws the replaced database away: it keeps lying beside the new one. The two change places in one step, so
//! that a kill at any moment leaves one of them whole in the store's place.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ostler_core::Clock;
use ostler_sealing::{Factors, open_slot};
use rusqlite::Connection;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::anchor::Anchors;
use crate::keys::Keys;
use crate::maintenance::verify;
use crate::meta::Meta;
use crate::{LockedVault, VaultError, database, files, rekey};

/// A store that was restored.
#[derive(Debug)]
pub struct Restored {
    /// The store, as it is now.
    pub locked: LockedVault,
    /// Where the replaced database lies; none if there was none.
    pub aside: Option<PathBuf>,
}

/// Puts a backup in the place of the store's `store.db`; makes the directory if it is missing. Recordings and audit log stay
/// as they are. What this device remembers of the store begins anew with the backup.
///
/// # Errors
/// [`VaultError::WrongPassphrase`] and its kin if `factors` do not open the backup; [`VaultError::Damaged`],
/// [`VaultError::NotAStore`], [`VaultError::Newer`] and [`VaultError::Older`] if it is no sound store;
/// [`VaultError::OtherStore`] if it is of another one; [`VaultError::Busy`] while another program has the store open; failures
/// of the disk. Then nothing is changed.
pub fn restore(
    dir: &Path,
    backup: &Path,
    factors: Factors<'_>,
    anchors: Anchors,
    clock: &dyn Clock,
) -> Result<Restored, VaultError> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| VaultError::io(dir, error))?;
    let lock = files::lock(dir)?;
    let present = dir.join(files::DATABASE);
    let aside = files::free_name(&present, clock)?;
    let copied = copy_checked(backup, &aside, factors).and_then(|meta| {
        if !present.exists() {
            return files::rename_new(&aside, &present).map(|()| None);
        }
        vacate(&present, &aside, &meta)?;
        renameat_with(CWD, &aside, CWD, &present, RenameFlags::EXCHANGE)
            .map_err(|error| VaultError::io(&present, error.into()))?;
        Ok(Some(aside.clone()))
    });
    let kept = match copied {
        Ok(kept) => kept,
        Err(error) => {
            files::remove_file_if_there(&aside)?;
            return Err(error);
        }
    };
    files::sync_folder(dir)?;
    drop(lock);
    let locked = LockedVault::open(dir)?.anchored(anchors);
    locked.adopt()?;
    Ok(Restored { locked, aside: kept })
}

/// Copies a backup, and checks the copy as [`crate::Vault::verify`] checks a store.
fn copy_checked(backup: &Path, to: &Path, factors: Factors<'_>) -> Result<Meta, VaultError> {
    let mut from = File::open(backup).map_err(|error| VaultError::io(backup, error))?;
    let failed = |error| VaultError::io(to, error);
    let mut copy = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed)?;
    std::io::copy(&mut from, &mut copy).map_err(failed)?;
    copy.sync_all().map_err(failed)?;
    drop(copy);
    let connection = database::open(to)?;
    let checked = check(&connection, factors);
    // One file, with nothing beside it, whatever the backup was.
    leave_wal(&connection)?;
    connection.close().map_err(|(_, error)| error)?;
    let meta = checked?;
    File::open(to).and_then(|file| file.sync_all()).map_err(failed)?;
    Ok(meta)
}

fn check(connection: &Connection, factors: Factors<'_>) -> Result<Meta, VaultError> {
    let meta = Meta::read(connection)?;
    let root = open_slot(&meta.slot, factors, meta.store)?;
    let keys = Keys::new(meta.store, meta.epoch, &root);
    verify(connection, &keys)?;
    rekey::with_retired_envelopes(connection, keys)?;
    Ok(meta)
}

/// Makes sure that nobody else has the present database open, and that nothing lies beside it which would be taken for the
/// new one's. Where it is so damaged that it can't be opened, what lies beside it is moved aside with it.
fn vacate(present: &Path, aside: &Path, backup: &Meta) -> Result<(), VaultError> {
    match database::open(present) {
        Ok(connection) => {
            if let Ok(meta) = Meta::read(&connection)
                && meta.store != backup.store
            {
                return Err(VaultError::OtherStore);
            }
            leave_wal(&connection)
        }
        Err(VaultError::Damaged { .. } | VaultError::NotAStore { .. } | VaultError::Older { .. }) => {
            for ending in ["-wal", "-shm"] {
                let beside = |path: &Path| {
                    let mut name = path.as_os_str().to_owned();
                    name.push(ending);
                    PathBuf::from(name)
                };
                if beside(present).exists() {
                    fs::rename(beside(present), beside(aside))
                        .map_err(|error| VaultError::io(present, error))?;
                }
            }
            Ok(())
        }
        Err(error) => Err(error),
    }
}

/// Moves all of the write-ahead log into the database and removes it, which succeeds for the only user only.
fn leave_wal(connection: &Connection) -> Result<(), VaultError> {
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?;
    if mode.eq_ignore_ascii_case("delete") { Ok(()) } else { Err(VaultError::Busy) }
}
