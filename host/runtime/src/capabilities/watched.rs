//! A folder whose changes are waited for, by the kernel's inotify.
//!
//! Never looks below the folder, and never at what its files hold.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use tokio::io::unix::AsyncFd;

/// Bytes of changes that are taken at once.
const ROOM: usize = 16 << 10;

/// A folder that is being watched.
pub(super) struct Watched(AsyncFd<OwnedFd>);

impl Watched {
    pub(super) fn new(path: &str) -> io::Result<Self> {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let changes = WatchFlags::CREATE
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO;
        inotify::add_watch(&queue, path, changes | WatchFlags::ONLYDIR)?;
        // SAFETY: an owned descriptor stays the same open one until it is dropped, and that is after its registration.
        #[expect(unsafe_code, reason = "there is no safe way to wait for a descriptor of this kind")]
        let registered = unsafe { AsyncFd::register(queue) };
        Ok(Self(registered?))
    }

    /// Waits for changes, and returns the names with whether each is there now. An empty name says that some were missed.
    pub(super) async fn next(&mut self) -> io::Result<Vec<(String, bool)>> {
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|queue| take(queue.get_ref())) {
                Ok(changes) => return changes,
                // It was not readable after all.
                Err(_) => continue,
            }
        }
    }
}

fn take(queue: &OwnedFd) -> io::Result<Vec<(String, bool)>> {
    let mut room = [MaybeUninit::uninit(); ROOM];
    let mut reader = inotify::Reader::new(queue, &mut room);
    let mut changes = Vec::new();
    loop {
        let event = reader.next()?;
        let gone = event.events().intersects(ReadFlags::DELETE | ReadFlags::MOVED_FROM);
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            changes.push((String::new(), false));
        } else if let Some(name) = event.file_name().and_then(|name| name.to_str().ok()) {
            changes.push((name.to_owned(), !gone));
        }
        if reader.is_buffer_empty() {
            return Ok(changes);
        }
    }
}
