//! Watching a project: tells that a file changed that the next build may depend on.
//!
//! Never says which one and never reads it. Looks away from what builds leave, what begins with a dot, and what editors lay beside a file.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use notify::event::{Event, EventKind, MetadataKind, ModifyKind};
use notify::{Config, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::{Project, ToolError};

/// Folders of a project that commands write: of Cargo, and of `ostler plugin pack`.
const WRITTEN: [&str; 2] = ["target", "dist"];
/// Written by builds, and by `cargo update`, after which the next edit builds with it.
const LOCK: &str = "Cargo.lock";
/// What Cargo puts into its folder for everything that it builds, whatever that is called (<https://bford.info/cachedir>).
const CACHE_TAG: &str = "CACHEDIR.TAG";

/// Watches a project until it is dropped.
pub struct Watch {
    watcher: RecommendedWatcher,
    folder: PathBuf,
}

impl Watch {
    /// Begins to watch, and calls `changed` each time that something changed: often more than once for one edit. It is called on a thread
    /// of its own and must not wait.
    ///
    /// # Errors
    /// [`ToolError::Watch`] where the operating system lets no more folders be watched; [`ToolError::File`] where there is none.
    pub fn start(project: &Project, changed: impl Fn() + Send + 'static) -> Result<Self, ToolError> {
        // With every link on the way there followed: events have the names that were watched.
        let folder = project.folder().canonicalize().map_err(ToolError::file(project.folder()))?;
        let root = folder.clone();
        let heard = move |event: notify::Result<Event>| {
            // Where events were lost, there were some.
            if event.map_or(true, |event| event.need_rescan() || matters(&event, &root)) {
                changed();
            }
        };
        // A link may lead to a folder with more in it than can be watched.
        let config = Config::default().with_follow_symlinks(false);
        let watcher = RecommendedWatcher::new(heard, config).map_err(refused(&folder))?;
        let mut watch = Self { watcher, folder };
        watch.renew()?;
        Ok(watch)
    }

    /// Watches folders, too, that were made since.
    ///
    /// # Errors
    /// As [`Watch::start`].
    pub fn renew(&mut self) -> Result<(), ToolError> {
        self.watch(&self.folder.clone(), RecursiveMode::NonRecursive)?;
        for entry in fs::read_dir(&self.folder).map_err(ToolError::file(&self.folder))? {
            let entry = entry.map_err(ToolError::file(&self.folder))?;
            let path = entry.path();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && is_source(Path::new(&entry.file_name())) && !path.join(CACHE_TAG).exists() {
                self.watch(&path, RecursiveMode::Recursive)?;
            }
        }
        Ok(())
    }

    fn watch(&mut self, path: &Path, mode: RecursiveMode) -> Result<(), ToolError> {
        match self.watcher.watch(path, mode) {
            Err(error) if is_gone(&error) && path != self.folder => Ok(()),
            watched => watched.map_err(refused(path)),
        }
    }
}

fn refused(path: &Path) -> impl FnOnce(notify::Error) -> ToolError {
    let path = path.to_owned();
    move |error| {
        let reason = match error.kind {
            ErrorKind::MaxFilesWatch => "the system watches no more files".to_owned(),
            _ => error.to_string(),
        };
        ToolError::Watch { path, reason }
    }
}

/// What was there a moment ago may be gone.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

fn matters(event: &Event, folder: &Path) -> bool {
    let changes = match event.kind {
        // Who reads a file changes the time of its last use.
        EventKind::Access(_) | EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)) => false,
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => true,
    };
    changes
        && event.paths.iter().any(|path| {
            path.strip_prefix(folder).is_ok_and(|below| below.parent().is_some() && is_source(below))
        })
}

/// Tells whether a build may depend on a file or folder, named from the project's folder.
fn is_source(below: &Path) -> bool {
    let of_editor = |name: &OsStr| {
        let name = name.as_encoded_bytes();
        name.starts_with(b".") || name.ends_with(b"~")
    };
    let first = below.iter().next().unwrap_or_default();
    below != Path::new(LOCK)
        && !WRITTEN.iter().any(|written| first == OsStr::new(written))
        && !below.iter().any(of_editor)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a torn write costs a test nothing")]
mod tests {
    use notify::event::{AccessKind, CreateKind, RemoveKind};
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    use super::*;

    /// How long a change may take to be told on a loaded machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    struct Watched {
        folder: tempfile::TempDir,
        watch: Watch,
        changes: Receiver<()>,
    }

    impl Watched {
        fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            for name in ["src", "target", ".git"] {
                fs::create_dir(folder.path().join(name)).unwrap();
            }
            for name in ["Cargo.toml", "plugin.toml"] {
                fs::write(folder.path().join(name), "").unwrap();
            }
            let (sender, changes) = sync_channel(64);
            let project = Project::open(folder.path()).unwrap();
            let watch = Watch::start(&project, move || sender.try_send(()).unwrap_or_default()).unwrap();
            Self { folder, watch, changes }
        }

        fn write(&self, name: &str) {
            fs::write(self.folder.path().join(name), "text").unwrap();
        }

        fn is_told(&self) -> bool {
            let told = self.changes.recv_timeout(PATIENCE).is_ok();
            while self.changes.recv_timeout(Duration::from_millis(50)).is_ok() {}
            told
        }
    }

    #[test]
    fn a_change_of_a_source_is_told_also_in_a_folder_that_is_new() {
        let mut watched = Watched::start();
        watched.write("src/lib.rs");
        assert!(watched.is_told());
        fs::create_dir(watched.folder.path().join("cases")).unwrap();
        assert!(watched.is_told());
        watched.watch.renew().unwrap();
        watched.write("cases/input");
        assert!(watched.is_told());
        fs::remove_dir_all(watched.folder.path().join("cases")).unwrap();
        assert!(watched.is_told());
        watched.watch.renew().unwrap();
        watched.write("plugin.toml");
        assert!(watched.is_told());
    }

    #[test]
    fn what_builds_and_editors_leave_is_not_told() {
        let written = ["target/x", "dist/x", "Cargo.lock", ".git/index", "src/.lib.rs.swp", "src/lib.rs~"];
        for (name, matters_then) in written.map(|name| (name, false)).into_iter().chain([
            ("src/lib.rs", true),
            ("src/target/x", true),
            ("cases/a/Cargo.lock", true),
            ("build.rs", true),
        ]) {
            let event = Event::new(EventKind::Create(CreateKind::File)).add_path(Path::new("/p").join(name));
            assert_eq!(matters(&event, Path::new("/p")), matters_then, "{name}");
        }
    }

    #[test]
    fn who_only_reads_changes_nothing() {
        let of = |kind| Event::new(kind).add_path("/p/src/lib.rs".into());
        let read = [
            EventKind::Access(AccessKind::Any),
            EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime)),
        ];
        assert!(read.iter().all(|kind| !matters(&of(*kind), Path::new("/p"))));
        assert!(matters(&of(EventKind::Remove(RemoveKind::File)), Path::new("/p")));
    }
}
