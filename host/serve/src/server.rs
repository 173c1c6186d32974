//! The server: holds a host, lets the same user's processes in, and locks the store when its time is over.

use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_app::Host;
use ostler_core::Clock;
use rustix::fs::{FlockOperation, flock};
use tokio::net::UnixListener;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

use crate::attend::attend;
use crate::lifetime::Moment;
use crate::{Build, Lifetime, ServeError, Status, socket};

/// How often it is looked whether the time is over.
const LOOK: Duration = Duration::from_millis(500);

/// How long sessions may take to end after they were asked to.
const GOODBYE: Duration = Duration::from_secs(5);

/// Why a store was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockReason {
    /// Somebody asked for it.
    Asked,
    /// It was unlocked for so long, and no longer.
    TimeOver,
    /// Nobody used it for too long.
    Idle,
    /// The store got new keys.
    Rekeyed,
    /// The process was told to end.
    Ended,
}

impl LockReason {
    /// Returns the reason in words, as the audit log has it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Asked => "asked for",
            Self::TimeOver => "time over",
            Self::Idle => "idle",
            Self::Rekeyed => "the store got new keys",
            Self::Ended => "the process was ended",
        }
    }
}

/// A socket that is listened at, before anybody is let in.
pub struct Server {
    listener: UnixListener,
    socket: PathBuf,
    build: Build,
    /// Held as long as the socket is ours: a second server for the same store can't have it.
    lock: std::fs::File,
}

/// What all clients of a server share.
pub(crate) struct Served {
    pub(crate) host: Host,
    pub(crate) build: Build,
    pub(crate) socket: PathBuf,
    /// Told when all sessions are to end.
    pub(crate) ending: watch::Sender<bool>,
    clock: Arc<dyn Clock>,
    lifetime: Lifetime,
    unlocked: Moment,
    used: Mutex<Moment>,
    busy: AtomicUsize,
    sessions: AtomicUsize,
    locked: watch::Sender<Option<LockReason>>,
    /// Whether another server can have the socket.
    closed: watch::Sender<bool>,
}

/// The store is in use as long as this lives.
pub(crate) struct Busy(Arc<Served>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.touch();
        self.0.busy.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A session is open as long as this lives.
pub(crate) struct SessionCount(Arc<Served>);

impl Drop for SessionCount {
    fn drop(&mut self) {
        self.0.sessions.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Served {
    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Moment::now(self.clock.as_ref());
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::SeqCst);
        self.touch();
        Busy(Arc::clone(self))
    }

    pub(crate) fn session(self: &Arc<Self>) -> SessionCount {
        self.sessions.fetch_add(1, Ordering::SeqCst);
        SessionCount(Arc::clone(self))
    }

    pub(crate) fn status(&self) -> Status {
        let age = self.unlocked.age(self.clock.as_ref());
        Status {
            pid: std::process::id(),
            unlocked_seconds: age.as_secs(),
            remaining_seconds: self.lifetime.whole.map(|whole| whole.saturating_sub(age).as_secs()),
            idle_limit_seconds: self.lifetime.idle.map(|idle| idle.as_secs()),
            sessions: self.sessions.load(Ordering::SeqCst),
        }
    }

    /// Locks the store now; what has begun may still fail for it.
    pub(crate) fn lock(&self, reason: LockReason) {
        if let Err(error) = self.host.lock(reason.words()) {
            tracing::error!(%error, "the store is locked, and this could not be audited");
        }
        self.locked.send_if_modified(|locked| {
            let first = locked.is_none();
            locked.get_or_insert(reason);
            first
        });
    }

    /// Waits until another server can have the socket.
    pub(crate) async fn closed(&self) {
        // The sender is in this very value.
        self.closed.subscribe().wait_for(|closed| *closed).await.map(drop).unwrap_or_default();
    }

    /// Returns why the store must be locked now, if it must.
    fn over(&self) -> Option<LockReason> {
        let clock = self.clock.as_ref();
        if self.lifetime.whole.is_some_and(|whole| self.unlocked.age(clock) >= whole) {
            return Some(LockReason::TimeOver);
        }
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = self.lifetime.idle.is_some_and(|idle| used.age(clock) >= idle);
        (idle && self.busy.load(Ordering::SeqCst) == 0).then_some(LockReason::Idle)
    }
}

impl Server {
    /// Begins to listen at a socket; a socket that nobody listens at any more is replaced. Must be called inside of the
    /// async runtime.
    ///
    /// # Errors
    /// Fails where another server has the socket, its directory is open to others, or the system says no.
    pub fn bind(path: &Path, build: Build) -> Result<Self, ServeError> {
        socket::own_directory(path)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| ServeError::Io { path, source }
        };
        let lock_path = path.with_extension("lock");
        let mut options = std::fs::OpenOptions::new();
        options.mode(0o600);
        let lock =
            options.create(true).truncate(false).write(true).open(&lock_path).map_err(failed(&lock_path))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(ServeError::Running { pid: running(path) });
        }
        // Whoever holds the lock owns the name: what lies there is left from a server that was killed.
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(path)(error)),
            _ => {}
        }
        let listener = UnixListener::bind(path).map_err(failed(path))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed(path))?;
        Ok(Self { listener, socket: path.to_owned(), build, lock })
    }

    /// Serves a host until the store is locked and the last session has ended. `stop` ends it from outside: the store is
    /// locked and the sessions are ended.
    pub async fn run(
        self,
        host: Host,
        lifetime: Lifetime,
        clock: Arc<dyn Clock>,
        mut stop: watch::Receiver<bool>,
    ) -> LockReason {
        let (locked, mut heard) = watch::channel(None);
        let now = Moment::now(clock.as_ref());
        let served = Arc::new(Served {
            host,
            build: self.build,
            socket: self.socket.clone(),
            ending: watch::Sender::new(false),
            clock,
            lifetime,
            unlocked: now,
            used: Mutex::new(now),
            busy: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            locked,
            closed: watch::Sender::new(false),
        });
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let reason = loop {
            tokio::select! {
                _ = heard.wait_for(Option::is_some) => {}
                _ = stop.wait_for(|stop| *stop) => {
                    served.lock(LockReason::Ended);
                    served.ending.send_replace(true);
                }
                _ = look.tick() => if let Some(reason) = served.over() { served.lock(reason) },
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => drop(tokio::spawn(attend(stream, Arc::clone(&served)))),
                    // Such as too many open files: those that are served go on.
                    Err(error) => tracing::warn!(%error, "a client could not be let in"),
                },
            }
            let reason = *served.locked.borrow();
            if let Some(reason) = reason {
                break reason;
            }
        };
        // From here on a new command asks for the passphrase.
        drop(self.listener);
        std::fs::remove_file(&self.socket).unwrap_or_else(|error| tracing::debug!(%error, "no socket"));
        drop(self.lock);
        served.closed.send_replace(true);
        served.quiet(&mut stop, &mut look).await;
        if let Err(error) = served.host.audit_stopped() {
            tracing::error!(%error, "the end could not be audited");
        }
        reason
    }
}

impl Served {
    /// Waits until nothing is going on any more; once sessions were asked to end, not for long.
    async fn quiet(&self, stop: &mut watch::Receiver<bool>, look: &mut tokio::time::Interval) {
        let mut left = GOODBYE.as_millis() / LOOK.as_millis();
        while self.sessions.load(Ordering::SeqCst) + self.busy.load(Ordering::SeqCst) > 0 && left > 0 {
            look.tick().await;
            if *stop.borrow() {
                self.ending.send_replace(true);
            }
            if *self.ending.borrow() {
                left = left.saturating_sub(1);
            }
        }
    }
}

/// Returns the process that listens at a socket, as far as it can be told.
fn running(path: &Path) -> u32 {
    let connected = std::os::unix::net::UnixStream::connect(path);
    let peer = connected.and_then(|stream| Ok(rustix::net::sockopt::socket_peercred(stream)?));
    peer.map(|peer| peer.pid.as_raw_nonzero().get().unsigned_abs()).unwrap_or_default()
}
