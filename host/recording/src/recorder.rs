//! The recorder: takes events from a session and has a thread of its own seal and write them.
//!
//! Never loses an event silently: when its queue is full, or the disk is two seconds behind, the caller waits, and once
//! writing has failed every call says so. Never writes what was typed unless it is told to: [`Recorder::input`] is the caller's decision.

use std::{
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{Builder, JoinHandle},
    time::Duration,
};

use ostler_core::{Clock, DesktopEvent, DesktopPoint, TerminalSize};
use ostler_sealing::EnvelopePublicKey;

use crate::{
    DesktopRecord, RecordedEventKind, RecordingError, RecordingInfo, layout::PIECE_BYTES,
    writer::SegmentWriter,
};

/// The longest marker, in bytes.
pub const MAX_MARKER_BYTES: usize = 4 * 1024;
/// Events that wait for the thread; with pieces of 16 KiB at most 1 MiB.
const QUEUE_EVENTS: usize = 64;
/// After this the segment is closed. With the usual time to write it, an event is on the disk within [`MOST_AHEAD`].
const SEGMENT_SPAN: Duration = Duration::from_millis(1_800);
/// How far the session may be ahead of the disk: what a crash can lose. A disk that is slower makes the session wait.
const MOST_AHEAD: Duration = Duration::from_secs(2);

/// What a finished recording amounts to: to be kept where the recording can't be changed, such as the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingRoot {
    /// The number of segments.
    pub segments: u64,
    /// The SHA-256 chain over the header and all segments.
    pub root: [u8; 32],
}

/// Records one session.
///
/// Dropping it writes what it has and leaves the recording incomplete; [`Recorder::finish`] completes it.
pub struct Recorder {
    /// Taken only where the recorder ends.
    queue: Option<SyncSender<Message>>,
    thread: Option<JoinHandle<Option<RecordingRoot>>>,
    failure: Failure,
    progress: Arc<Progress>,
    clock: Arc<dyn Clock>,
    started: Duration,
}

type Failure = Arc<OnceLock<Arc<RecordingError>>>;

enum Message {
    Event(Duration, RecordedEventKind),
    Desktop(Duration, DesktopEvent),
    Flush(SyncSender<()>),
    Finish(Duration, Option<u32>),
}

impl Recorder {
    /// Starts a recording in the folder of recordings; its header is on the disk when this returns.
    ///
    /// # Errors
    /// Fails if the recording exists or can't be written.
    pub fn start(
        recordings_dir: &Path,
        info: RecordingInfo,
        key: &EnvelopePublicKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RecordingError> {
        let writer = SegmentWriter::create(recordings_dir, &info, key)?;
        let (queue, messages) = sync_channel(QUEUE_EVENTS);
        let failure = Failure::default();
        let started = clock.monotonic();
        let progress = Arc::<Progress>::default();
        let work = Work {
            writer,
            clock: Arc::clone(&clock),
            started,
            failure: Arc::clone(&failure),
            progress: Arc::clone(&progress),
        };
        let thread = Builder::new().name("recorder".to_owned()).spawn(move || work.run(&messages));
        let thread = thread.map_err(|_| RecordingError::Thread)?;
        Ok(Self { queue: Some(queue), thread: Some(thread), failure, progress, clock, started })
    }

    /// Records what the session showed. Waits while the queue is full, or the disk is two seconds behind: what was
    /// recorded before those is on the disk when this returns.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] once writing has failed.
    pub fn output(&self, bytes: &[u8]) -> Result<(), RecordingError> {
        self.pieces(bytes, RecordedEventKind::Output)
    }

    /// Records what the user typed, passwords and all: only for who has decided so. Waits as [`Recorder::output`] does.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] once writing has failed.
    pub fn input(&self, bytes: &[u8]) -> Result<(), RecordingError> {
        self.pieces(bytes, RecordedEventKind::Input)
    }

    /// Records what a desktop shows; its clipboard is not recorded. Waits as [`Recorder::output`] does.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] once writing has failed.
    pub fn desktop(&self, event: &DesktopEvent) -> Result<(), RecordingError> {
        if matches!(event, DesktopEvent::Clipboard(_) | DesktopEvent::Bell) {
            return Ok(());
        }
        let at = self.elapsed();
        self.sent(at, Message::Desktop(at, event.clone()))
    }

    /// Records where the pointer is.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] once writing has failed.
    pub fn pointer_at(&self, at: DesktopPoint) -> Result<(), RecordingError> {
        self.event(self.elapsed(), RecordedEventKind::Desktop(DesktopRecord::PointerAt(at)))
    }

    /// Records a new size of the terminal.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] once writing has failed.
    pub fn resize(&self, size: TerminalSize) -> Result<(), RecordingError> {
        self.event(self.elapsed(), RecordedEventKind::Resize(size))
    }

    /// Records a note at this place.
    ///
    /// # Errors
    /// [`RecordingError::MarkerTooLong`] beyond [`MAX_MARKER_BYTES`]; [`RecordingError::Stopped`] once writing has failed.
    pub fn marker(&self, label: &str) -> Result<(), RecordingError> {
        if label.len() > MAX_MARKER_BYTES {
            return Err(RecordingError::MarkerTooLong(label.len()));
        }
        self.event(self.elapsed(), RecordedEventKind::Marker(label.to_owned()))
    }

    /// Waits until everything recorded so far is on the disk.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] once writing has failed.
    pub fn flush(&self) -> Result<(), RecordingError> {
        let (done, wait) = sync_channel(1);
        self.send(Message::Flush(done))?;
        wait.recv().map_err(|_| self.stopped())
    }

    /// Ends the recording: it is complete, and on the disk, when this returns.
    ///
    /// # Errors
    /// [`RecordingError::Stopped`] if anything could not be written; the recording is incomplete then.
    pub fn finish(mut self, exit: Option<u32>) -> Result<RecordingRoot, RecordingError> {
        self.send(Message::Finish(self.elapsed(), exit))?;
        self.join().ok_or_else(|| self.stopped())
    }

    fn pieces(&self, bytes: &[u8], kind: fn(Vec<u8>) -> RecordedEventKind) -> Result<(), RecordingError> {
        let at = self.elapsed();
        // Up to 3 bytes of a character may come before a piece, and a line holds no more than PIECE_BYTES.
        bytes.chunks(PIECE_BYTES - 3).try_for_each(|piece| self.event(at, kind(piece.to_vec())))
    }

    fn event(&self, at: Duration, kind: RecordedEventKind) -> Result<(), RecordingError> {
        self.sent(at, Message::Event(at, kind))
    }

    fn sent(&self, at: Duration, message: Message) -> Result<(), RecordingError> {
        self.progress.sending(at);
        self.send(message)?;
        self.progress.wait(|| self.elapsed());
        Ok(())
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.started)
    }

    fn send(&self, message: Message) -> Result<(), RecordingError> {
        if self.failure.get().is_some() {
            return Err(self.stopped());
        }
        let queue = self.queue.as_ref().ok_or(RecordingError::Thread)?;
        queue.send(message).map_err(|_| self.stopped())
    }

    fn stopped(&self) -> RecordingError {
        self.failure.get().map_or(RecordingError::Thread, |cause| RecordingError::Stopped(Arc::clone(cause)))
    }

    /// Lets the thread come to its end, and waits for it: as long as it takes to write one segment.
    fn join(&mut self) -> Option<RecordingRoot> {
        self.queue = None;
        self.thread.take()?.join().ok()?
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.join();
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recorder").field("failed", &self.failure.get().is_some()).finish_non_exhaustive()
    }
}

/// How far the disk is behind the session.
#[derive(Default)]
struct Progress {
    state: Mutex<Behind>,
    changed: Condvar,
}

#[derive(Default)]
struct Behind {
    /// Events that were sent to the thread, and those of them that are on the disk.
    sent: u64,
    written: u64,
    /// No event that is not on the disk is older than this.
    since: Duration,
    ended: bool,
}

impl Progress {
    fn sending(&self, at: Duration) {
        let mut behind = self.state();
        if behind.sent == behind.written {
            behind.since = at;
        }
        behind.sent += 1;
    }

    /// Waits until the disk is near enough. The thread closes a segment of that age with the next event that it gets.
    fn wait(&self, now: impl Fn() -> Duration) {
        let mut behind = self.state();
        while !behind.ended && behind.sent > behind.written && now().saturating_sub(behind.since) > MOST_AHEAD
        {
            behind = self.changed.wait(behind).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The first so many events are on the disk, the last of them from this time.
    fn written(&self, count: u64, last: Duration) {
        let mut behind = self.state();
        (behind.written, behind.since) = (count, last);
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, Behind> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets nobody wait for a thread that is gone, however it went.
struct Ended(Arc<Progress>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.changed.notify_all();
    }
}

/// What the thread does.
struct Work {
    writer: SegmentWriter,
    clock: Arc<dyn Clock>,
    started: Duration,
    failure: Failure,
    progress: Arc<Progress>,
}

impl Work {
    fn run(self, messages: &Receiver<Message>) -> Option<RecordingRoot> {
        // First, so that it is dropped last.
        let _ended = Ended(Arc::clone(&self.progress));
        let failure = Arc::clone(&self.failure);
        // Whoever waits for a flush, or finds the queue closed, must find the reason: so both outlive the setting of it.
        let mut waiting = None;
        self.record(messages, &mut waiting).unwrap_or_else(|error| {
            tracing::warn!(%error, "a recording stopped");
            failure.get_or_init(|| Arc::new(error));
            None
        })
    }

    /// Records until the recording is finished or dropped.
    fn record(
        mut self,
        messages: &Receiver<Message>,
        waiting: &mut Option<SyncSender<()>>,
    ) -> Result<Option<RecordingRoot>, RecordingError> {
        let (mut count, mut last) = (0, Duration::ZERO);
        loop {
            let message = self.next(messages);
            if let Ok(Message::Event(at, _) | Message::Desktop(at, _)) = &message {
                (count, last) = (count + 1, *at);
            }
            match message {
                Ok(Message::Event(at, kind)) => {
                    self.writer.event(at, &kind)?;
                    self.flush_if_old()?;
                }
                Ok(Message::Desktop(at, event)) => {
                    self.writer.desktop(at, &event)?;
                    self.flush_if_old()?;
                }
                Ok(Message::Flush(done)) => {
                    let done = waiting.insert(done);
                    self.writer.flush()?;
                    // Whoever asked may have gone.
                    done.send(()).unwrap_or_default();
                }
                Ok(Message::Finish(at, exit)) => return self.writer.finish(at, exit).map(Some),
                Err(RecvTimeoutError::Timeout) => self.writer.flush()?,
                Err(RecvTimeoutError::Disconnected) => return self.writer.flush().map(|()| None),
            }
            if self.writer.unwritten_since().is_none() {
                self.progress.written(count, last);
            }
        }
    }

    fn flush_if_old(&mut self) -> Result<(), RecordingError> {
        let old = self.remaining().is_some_and(|remaining| remaining.is_zero());
        if old { self.writer.flush() } else { Ok(()) }
    }

    fn next(&self, messages: &Receiver<Message>) -> Result<Message, RecvTimeoutError> {
        match self.remaining() {
            Some(remaining) => messages.recv_timeout(remaining),
            None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Returns how long the open segment may stay open.
    fn remaining(&self) -> Option<Duration> {
        let since = self.writer.unwritten_since()?;
        let age = self.clock.monotonic().saturating_sub(self.started).saturating_sub(since);
        Some(SEGMENT_SPAN.saturating_sub(age))
    }
}
