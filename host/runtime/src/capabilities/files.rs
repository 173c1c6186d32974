//! Capability `files`: files, folders and local sockets that somebody named, to read, write, watch or connect to.
//!
//! How a path is kept inside what was named is the business of [`super::contained`]. A write is written down before it happens.
//! Never makes or removes a folder, never follows a link below what was named, never opens a device or a pipe.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use ostler_core::UseLog;
use ostler_plugin_api::{Capability, Guard};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use wasmtime::component::{HasData, Linker, Resource};

use super::contained::{Astray, Place, base, check_path, find};
use super::machine::ostler::files::files as wit;
use super::ostler::types::types::CapabilityError;
use super::watched::Watched;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};

/// What a call has open at once, as the WIT document says.
const MOST_OPEN: usize = 16;
/// Bytes that one `read` returns, as the WIT document says.
const LARGEST_READ: usize = 64 << 10;
/// Bytes that a call reads in all, as the WIT document says.
const MOST_READ: u64 = 1 << 30;
/// Bytes of a file that is written, as the WIT document says.
const LARGEST_WRITE: usize = 8 << 20;
/// Bytes of one write to a socket, as the WIT document says.
const LARGEST_SEND: usize = 1 << 20;
/// Entries of a folder, as the WIT document says.
const MOST_ENTRIES: usize = 10_000;
/// How long connecting to a socket may take.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// So often a name for a new file is tried.
const NAME_TRIES: u32 = 16;

/// The capability of one plugin.
pub(crate) struct Files {
    gate: Gate,
    uses: Arc<dyn UseLog>,
}

/// A file that is being read.
#[expect(unreachable_pub, reason = "generated code names it from a module of its own")]
pub struct Reader;
/// A folder that is being watched.
#[expect(unreachable_pub, reason = "generated code names it from a module of its own")]
pub struct Watcher;
/// A connection to a local socket.
#[expect(unreachable_pub, reason = "generated code names it from a module of its own")]
pub struct LocalSocket;

/// What is open.
enum Open {
    File { file: Arc<File>, size: u64 },
    Folder(Watched),
    Socket(UnixStream),
}

/// What one call has open.
pub(crate) struct Instance {
    own: Arc<Files>,
    waits: Arc<Waits>,
    open: BTreeMap<u32, Open>,
    opened: u32,
    bytes_read: u64,
}

impl HostCapability for Files {
    const CAPABILITY: Capability = Capability::Files;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.files)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self { gate: Gate::new(Self::CAPABILITY, setup), uses: Arc::clone(&setup.ports.machine_uses) }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            open: BTreeMap::new(),
            opened: 0,
            bytes_read: 0,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl Files {
    /// Checks that a path may be used in this way, and returns the named one above it and the rest.
    fn covered(&self, access: &str, path: &str) -> Result<(String, String), wit::FileError> {
        self.gate.pass().map_err(refused)?;
        check_path(path).map_err(|reason| refused(CapabilityError::Invalid(reason)))?;
        let named = self.gate.files(access);
        if let Some((base, rest)) = base(&named, path) {
            return Ok((base.to_owned(), rest.to_owned()));
        }
        let reason = format!("to {access} '{path}' is not covered by the grant of 'files'");
        self.gate.refuse(Guard::Scope, reason).map_err(refused)?;
        Ok(("/".to_owned(), path.trim_start_matches('/').to_owned()))
    }

    /// Finds what a path leads to.
    fn find(&self, access: &str, path: &str) -> Result<Place, wit::FileError> {
        let (base, rest) = self.covered(access, path)?;
        let place = find(&base, &rest, true).or_else(|astray| match astray {
            Astray::Outside => {
                self.gate.refuse(Guard::Contained, outside(path)).map_err(refused)?;
                find(&base, &rest, false).map_err(|astray| self.astray(path, astray))
            }
            astray => Err(self.astray(path, astray)),
        })?;
        Ok(place)
    }

    fn astray(&self, path: &str, astray: Astray) -> wit::FileError {
        match astray {
            Astray::NotFound => wit::FileError::NotFound,
            Astray::Outside => refused(self.gate.denied(outside(path))),
            Astray::Failed(reason) => wit::FileError::Failed(reason),
        }
    }

    /// Opens a file to read it.
    fn open(&self, path: &str) -> Result<(File, u64), wit::FileError> {
        let place = self.find("read", path)?;
        if place.kind() != FileType::RegularFile {
            return Err(wit::FileError::Unfit("it is no file".to_owned()));
        }
        if !place.named && place.stat.st_nlink > 1 {
            let reason = format!("'{path}' has further names, which may lie elsewhere");
            self.gate.refuse(Guard::Contained, reason).map_err(refused)?;
        }
        let file = place.open(OFlags::RDONLY).map_err(|astray| self.astray(path, astray))?;
        Ok((file, u64::try_from(place.stat.st_size).unwrap_or_default()))
    }

    fn list(&self, path: &str) -> Result<Vec<wit::Entry>, wit::FileError> {
        let folder = self.folder("read", path)?;
        let handle =
            folder.open(OFlags::RDONLY | OFlags::DIRECTORY).map_err(|astray| self.astray(path, astray))?;
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&handle).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            if matches!(name, "." | "..") {
                continue;
            }
            if entries.len() == MOST_ENTRIES {
                return Err(refused(CapabilityError::Limit(format!(
                    "a list has at most {MOST_ENTRIES} entries"
                ))));
            }
            // What was removed meanwhile is not there.
            let Ok(stat) = rustix::fs::statat(&handle, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            entries.push(wit::Entry {
                name: name.to_owned(),
                kind: match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => wit::EntryKind::File,
                    FileType::Directory => wit::EntryKind::Folder,
                    _ => wit::EntryKind::Other,
                },
                size: u64::try_from(stat.st_size).unwrap_or_default(),
                modified: stat.st_mtime,
            });
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn folder(&self, access: &str, path: &str) -> Result<Place, wit::FileError> {
        let place = self.find(access, path)?;
        match place.kind() {
            FileType::Directory => Ok(place),
            _ => Err(wit::FileError::Unfit("it is no folder".to_owned())),
        }
    }

    /// Writes a file beside its place and renames it.
    fn write(&self, path: &str, content: &[u8]) -> Result<(), wit::FileError> {
        let (base, rest) = self.covered("write", path)?;
        if content.len() > LARGEST_WRITE {
            return Err(refused(CapabilityError::Limit(
                "a file that is written has at most 8 MiB".to_owned(),
            )));
        }
        // A file that was itself named lies in a folder that the user chose with it.
        let (base, rest) =
            if rest.is_empty() { base.rsplit_once('/').unwrap_or(("", "")) } else { (&*base, &*rest) };
        let (folder, name) = rest.rsplit_once('/').unwrap_or(("", rest));
        let base = if base.is_empty() { "/" } else { base };
        let folder = find(base, folder, true).or_else(|astray| match astray {
            Astray::Outside => {
                self.gate.refuse(Guard::Contained, outside(path)).map_err(refused)?;
                find(base, folder, false).map_err(|astray| self.astray(path, astray))
            }
            astray => Err(self.astray(path, astray)),
        })?;
        let within = folder.descriptor();
        let mode = match rustix::fs::statat(within, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(rustix::io::Errno::NOENT) => Mode::RUSR | Mode::WUSR,
            Err(error) => return Err(failed(error)),
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                return Err(wit::FileError::Unfit("it is no file".to_owned()));
            }
            Ok(stat) => Mode::from_raw_mode(stat.st_mode & 0o777),
        };
        self.uses.note(Self::CAPABILITY.name(), &format!("write {path}")).map_err(|error| {
            tracing::warn!(%error, "a plugin's write can't be written down");
            refused(CapabilityError::Unavailable("the use can't be written down".to_owned()))
        })?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut beside = None;
        for number in 0..NAME_TRIES {
            let tried = format!(".ostler-{}-{number}.new", std::process::id());
            match rustix::fs::openat(within, &tried, flags, Mode::RUSR | Mode::WUSR) {
                Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(failed(error)),
                Ok(file) => {
                    beside = Some((tried, File::from(file)));
                    break;
                }
            }
        }
        let (beside, mut file) =
            beside.ok_or_else(|| wit::FileError::Failed("unfinished files stand in the way".to_owned()))?;
        let written = file
            .write_all(content)
            .and_then(|()| Ok(rustix::fs::fchmod(&file, mode)?))
            .and_then(|()| file.sync_all())
            .and_then(|()| Ok(rustix::fs::renameat(within, &beside, within, name)?));
        if let Err(error) = written {
            // Nothing can be done about a rest that does not go away either.
            rustix::fs::unlinkat(within, &beside, AtFlags::empty()).ok();
            return Err(wit::FileError::Failed(error.kind().to_string()));
        }
        let handle =
            folder.open(OFlags::RDONLY | OFlags::DIRECTORY).map_err(|astray| self.astray(path, astray))?;
        handle.sync_all().map_err(|error| wit::FileError::Failed(error.kind().to_string()))
    }
}

impl Instance {
    fn put<T: 'static>(&mut self, open: Open) -> Resource<T> {
        self.opened += 1;
        self.open.insert(self.opened, open);
        Resource::new_own(self.opened)
    }

    fn check_room(&self) -> Result<(), wit::FileError> {
        if self.open.len() < MOST_OPEN {
            return Ok(());
        }
        let reason = format!("a call has at most {MOST_OPEN} files, watchers and sockets open");
        Err(refused(CapabilityError::Limit(reason)))
    }

    /// Does what may wait for a disk or a network folder, beside other work.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Files) -> Result<T, wit::FileError> + Send + 'static,
    ) -> Result<T, wit::FileError> {
        let (own, waits) = (Arc::clone(&self.own), Arc::clone(&self.waits));
        let _waiting = waits.begin();
        let done = tokio::task::spawn_blocking(move || work(&own)).await;
        done.unwrap_or_else(|_| Err(wit::FileError::Failed("it was stopped".to_owned())))
    }
}

impl wit::Host for Instance {
    async fn open(&mut self, path: String) -> Result<Resource<Reader>, wit::FileError> {
        self.check_room()?;
        let (file, size) = self.aside(move |own| own.open(&path)).await?;
        Ok(self.put(Open::File { file: Arc::new(file), size }))
    }

    async fn list(&mut self, path: String) -> Result<Vec<wit::Entry>, wit::FileError> {
        self.aside(move |own| own.list(&path)).await
    }

    async fn write(&mut self, path: String, content: Vec<u8>) -> Result<(), wit::FileError> {
        self.aside(move |own| own.write(&path, &content)).await
    }

    async fn watch(&mut self, path: String) -> Result<Resource<Watcher>, wit::FileError> {
        self.check_room()?;
        let folder = self.aside(move |own| own.folder("watch", &path)).await?;
        let watched =
            Watched::new(&folder.path()).map_err(|error| wit::FileError::Failed(error.kind().to_string()))?;
        Ok(self.put(Open::Folder(watched)))
    }

    async fn connect(&mut self, path: String) -> Result<Resource<LocalSocket>, wit::FileError> {
        self.check_room()?;
        let place = self.aside(move |own| own.find("socket", &path)).await?;
        if place.kind() != FileType::Socket {
            return Err(wit::FileError::Unfit("it is no socket".to_owned()));
        }
        let waits = Arc::clone(&self.waits);
        let waiting = waits.begin();
        let connected = tokio::time::timeout(CONNECT_TIME, UnixStream::connect(place.path())).await;
        drop(waiting);
        match connected {
            Ok(Ok(stream)) => Ok(self.put(Open::Socket(stream))),
            Ok(Err(error)) => Err(wit::FileError::Failed(error.kind().to_string())),
            Err(_) => Err(wit::FileError::Failed("it did not answer".to_owned())),
        }
    }
}

impl wit::HostReader for Instance {
    async fn size(&mut self, reader: Resource<Reader>) -> u64 {
        match self.open.get(&reader.rep()) {
            Some(Open::File { size, .. }) => *size,
            _ => 0,
        }
    }

    async fn read(&mut self, reader: Resource<Reader>, most: u32) -> Result<Vec<u8>, wit::FileError> {
        self.own.gate.pass().map_err(refused)?;
        let Some(Open::File { file, .. }) = self.open.get(&reader.rep()) else {
            return Err(wit::FileError::Closed);
        };
        if self.bytes_read >= MOST_READ {
            return Err(refused(CapabilityError::Limit("a call reads at most 1 GiB".to_owned())));
        }
        let (file, most) = (Arc::clone(file), chunk(most));
        let bytes = self
            .aside(move |_| {
                let mut bytes = vec![0; most];
                let count = (&*file).read(&mut bytes);
                bytes.truncate(count.map_err(|error| wit::FileError::Failed(error.kind().to_string()))?);
                Ok(bytes)
            })
            .await?;
        self.bytes_read += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes)
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.open.remove(&reader.rep());
        Ok(())
    }
}

impl wit::HostWatcher for Instance {
    async fn next(
        &mut self,
        watcher: Resource<Watcher>,
        milliseconds: u32,
    ) -> Result<Vec<wit::Change>, wit::FileError> {
        self.own.gate.pass().map_err(refused)?;
        let waits = Arc::clone(&self.waits);
        let Some(Open::Folder(watched)) = self.open.get_mut(&watcher.rep()) else {
            return Err(wit::FileError::Closed);
        };
        let _waiting = waits.begin();
        let most = Duration::from_millis(milliseconds.into());
        match tokio::time::timeout(most, watched.next()).await {
            Err(_) => Ok(Vec::new()),
            Ok(Err(error)) => Err(wit::FileError::Failed(error.kind().to_string())),
            Ok(Ok(changes)) => {
                Ok(changes.into_iter().map(|(name, there)| wit::Change { name, there }).collect())
            }
        }
    }

    async fn drop(&mut self, watcher: Resource<Watcher>) -> wasmtime::Result<()> {
        self.open.remove(&watcher.rep());
        Ok(())
    }
}

impl wit::HostLocalSocket for Instance {
    async fn write(&mut self, socket: Resource<LocalSocket>, bytes: Vec<u8>) -> Result<(), wit::FileError> {
        self.own.gate.pass().map_err(refused)?;
        if bytes.len() > LARGEST_SEND {
            return Err(refused(CapabilityError::Limit("a write has at most 1 MiB".to_owned())));
        }
        let waits = Arc::clone(&self.waits);
        let Some(Open::Socket(stream)) = self.open.get_mut(&socket.rep()) else {
            return Err(wit::FileError::Closed);
        };
        let _waiting = waits.begin();
        stream.write_all(&bytes).await.map_err(|error| wit::FileError::Failed(error.kind().to_string()))
    }

    async fn read(&mut self, socket: Resource<LocalSocket>, most: u32) -> Result<Vec<u8>, wit::FileError> {
        self.own.gate.pass().map_err(refused)?;
        let waits = Arc::clone(&self.waits);
        let Some(Open::Socket(stream)) = self.open.get_mut(&socket.rep()) else {
            return Err(wit::FileError::Closed);
        };
        let mut bytes = vec![0; chunk(most)];
        let _waiting = waits.begin();
        let count = stream.read(&mut bytes).await;
        bytes.truncate(count.map_err(|error| wit::FileError::Failed(error.kind().to_string()))?);
        Ok(bytes)
    }

    async fn drop(&mut self, socket: Resource<LocalSocket>) -> wasmtime::Result<()> {
        self.open.remove(&socket.rep());
        Ok(())
    }
}

fn chunk(most: u32) -> usize {
    usize::try_from(most).unwrap_or(LARGEST_READ).clamp(1, LARGEST_READ)
}

fn outside(path: &str) -> String {
    format!("'{path}' leads out of what was granted, by a symbolic link or another file system's root")
}

fn refused(error: CapabilityError) -> wit::FileError {
    wit::FileError::Refused(error)
}

fn failed(error: rustix::io::Errno) -> wit::FileError {
    wit::FileError::Failed(std::io::Error::from(error).kind().to_string())
}
