//! The store's directory: what stands in it, made whole or not at all, and moved aside.
//!
//! Never deletes what it did not make.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ostler_core::Clock;
use rustix::fs::{Access, CWD, RenameFlags, renameat_with};

use crate::VaultError;

/// The database's file.
pub(crate) const DATABASE: &str = "store.db";
/// The database while it is being made.
const UNFINISHED_DATABASE: &str = "store.db.new";
/// An empty file that is locked while a store is made or signed in to.
const LOCK: &str = "store.lock";
/// The folders of a store.
const FOLDERS: [&str; 3] = ["recordings", "audit", "plugins"];

/// How often and how long a taken lock is asked for again: 30 s in all, as long as a transaction waits.
const LOCK_TRIES: u32 = 1500;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Returns the database's file of a store that is there and can be written to.
pub(crate) fn database_of(dir: &Path) -> Result<PathBuf, VaultError> {
    let path = dir.join(DATABASE);
    match fs::metadata(&path) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(VaultError::Missing { path: dir.to_owned() });
        }
        Err(error) => return Err(VaultError::io(&path, error)),
    }
    // SQLite writes files beside the database, so both must be writable.
    let wanted = Access::READ_OK | Access::WRITE_OK;
    let dir_allows = rustix::fs::access(dir, wanted | Access::EXEC_OK);
    dir_allows
        .and_then(|()| rustix::fs::access(&path, wanted))
        .map_err(|error| VaultError::io(dir, error.into()))?;
    Ok(path)
}

/// Makes the folders of a store that are missing.
pub(crate) fn make_folders(dir: &Path) -> Result<(), VaultError> {
    for name in FOLDERS {
        make_folder(&dir.join(name))?;
    }
    Ok(())
}

fn make_folder(path: &Path) -> Result<bool, VaultError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(VaultError::io(path, error)),
    }
}

/// Waits for the store's lock and holds it as long as the file is open.
pub(crate) fn lock(dir: &Path) -> Result<File, VaultError> {
    let path = dir.join(LOCK);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|error| VaultError::io(&path, error))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(error)) => return Err(VaultError::io(&path, error)),
        }
    }
    Err(VaultError::Busy)
}

/// A directory in which a store is being made. What was made is removed again unless it is finished.
pub(crate) struct NewStore {
    dir: PathBuf,
    made: Vec<PathBuf>,
    finished: bool,
    _lock: File,
}

impl NewStore {
    /// Makes the directory, or takes an empty one. What an interrupted creation left does not count.
    pub(crate) fn begin(dir: &Path) -> Result<Self, VaultError> {
        let failed = |error| VaultError::io(dir, error);
        let mut made = Vec::new();
        if let Some(above) = dir.parent().filter(|above| !above.as_os_str().is_empty()) {
            fs::create_dir_all(above).map_err(failed)?;
        }
        if make_folder(dir)? {
            made.push(dir.to_owned());
        } else if !unfinished(dir).map_err(failed)? {
            return Err(VaultError::NotEmpty { path: dir.to_owned() });
        }
        let lock = lock(dir)?;
        made.push(dir.join(LOCK));
        let mut store = Self { dir: dir.to_owned(), made, finished: false, _lock: lock };
        // Another program may have finished a store here while the lock was waited for.
        if !unfinished(dir).map_err(failed)? {
            store.finished = true;
            return Err(VaultError::NotEmpty { path: dir.to_owned() });
        }
        remove_file_if_there(&store.database())?;
        for name in FOLDERS {
            if make_folder(&dir.join(name))? {
                store.made.push(dir.join(name));
            }
        }
        store.made.push(store.database());
        Ok(store)
    }

    /// The file to make the database in.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join(UNFINISHED_DATABASE)
    }

    /// Puts the finished database into its place, durably.
    pub(crate) fn finish(mut self) -> Result<(), VaultError> {
        rename_new(&self.database(), &self.dir.join(DATABASE))?;
        self.finished = true;
        if let Some(above) = self.dir.parent().filter(|above| !above.as_os_str().is_empty()) {
            sync_folder(above)?;
        }
        Ok(())
    }
}

impl Drop for NewStore {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        for path in self.made.iter().rev() {
            // Best effort on the way out of an error that the caller hears of. A folder that is not empty stays.
            let removed = if path.is_dir() { fs::remove_dir(path) } else { remove_if_there(path) };
            if let Err(error) = removed {
                tracing::debug!(path = %path.display(), %error, "an unfinished store could not be cleared away");
            }
        }
    }
}

/// Tells whether nothing stands in the directory but what an interrupted creation leaves.
fn unfinished(dir: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let left_over = if FOLDERS.contains(&name.as_ref()) {
            entry.file_type()?.is_dir() && fs::read_dir(entry.path())?.next().is_none()
        } else {
            name == LOCK || name.starts_with(UNFINISHED_DATABASE)
        };
        if !left_over {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Renames a file or folder to a name that nothing has, durably.
pub(crate) fn rename_new(from: &Path, to: &Path) -> Result<(), VaultError> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(|error| {
        match io::Error::from(error) {
            error if error.kind() == ErrorKind::AlreadyExists => VaultError::Exists { path: to.to_owned() },
            error => VaultError::io(to, error),
        }
    })?;
    sync_folder(parent(to))
}

/// Removes a file, and does not mind if it is missing.
pub(crate) fn remove_file_if_there(path: &Path) -> Result<(), VaultError> {
    remove_if_there(path).map_err(|error| VaultError::io(path, error))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

pub(crate) fn sync_folder(path: &Path) -> Result<(), VaultError> {
    File::open(path).and_then(|folder| folder.sync_all()).map_err(|error| VaultError::io(path, error))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Moves a store aside, whatever state it is in, and returns where it lies now: beside its old place, with `.old-` and
/// the time (UTC) behind its name. The whole directory moves in one step, so that a backup is never half a store.
///
/// Programs that have the store open go on working on the moved one.
///
/// # Errors
/// [`VaultError::Missing`] if the directory has no `store.db`; otherwise what the operating system says, as for a
/// directory that is a mount point. Then nothing has moved.
pub fn move_aside(dir: &Path, clock: &dyn Clock) -> Result<PathBuf, VaultError> {
    let dir = std::path::absolute(dir).map_err(|error| VaultError::io(dir, error))?;
    if !dir.join(DATABASE).exists() {
        return Err(VaultError::Missing { path: dir });
    }
    for name in aside_names(&dir, clock) {
        let target = dir.with_file_name(name);
        match rename_new(&dir, &target) {
            Err(VaultError::Exists { .. }) => {}
            Err(error) => return Err(error),
            Ok(()) => return Ok(target),
        }
    }
    Err(VaultError::Exists { path: dir })
}

/// Returns a name that nothing has yet for what a file is moved aside to.
pub(crate) fn free_name(path: &Path, clock: &dyn Clock) -> Result<PathBuf, VaultError> {
    let mut names = aside_names(path, clock).map(|name| path.with_file_name(name));
    names
        .find(|path| fs::symlink_metadata(path).is_err())
        .ok_or_else(|| VaultError::Exists { path: path.to_owned() })
}

/// The names to try for what is moved aside: the time (UTC), then a number too.
fn aside_names(path: &Path, clock: &dyn Clock) -> impl Iterator<Item = OsString> {
    let time = jiff::Timestamp::from_second(clock.now().seconds()).unwrap_or_default();
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".old-{}", time.strftime("%Y%m%dT%H%M%SZ")));
    (1..=100).map(move |number| {
        let mut name = name.clone();
        if number > 1 {
            name.push(format!("-{number}"));
        }
        name
    })
}
