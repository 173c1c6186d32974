//! What the tests of recordings share: a clock that stands still until it is moved, and a session to record.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use ostler_core::{Clock, ConnectionId, RecordingId, SessionId, TerminalSize, Timestamp};
use ostler_recording::{
    RecordedEvent, RecordedEventKind, RecordedSurface, Recorder, RecordingInfo, RecordingRoot, Recordings,
};
use ostler_sealing::EnvelopePrivateKey;

/// A clock in microseconds that the test moves.
#[derive(Default)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.fetch_add(by.as_micros() as u64, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000 + self.0.load(Ordering::SeqCst) as i64)
    }
    fn monotonic(&self) -> Duration {
        Duration::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// A folder of recordings and the key that opens them.
pub(crate) struct Store {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) key: EnvelopePrivateKey,
    pub(crate) clock: Arc<TestClock>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            key: EnvelopePrivateKey::from_seed(&[7; 32]),
            clock: Arc::default(),
        }
    }

    pub(crate) fn recordings(&self) -> Recordings {
        Recordings::open(self.folder.path())
    }

    pub(crate) fn start(&self) -> (RecordingId, Recorder) {
        self.start_with(info())
    }

    pub(crate) fn start_with(&self, info: RecordingInfo) -> (RecordingId, Recorder) {
        let id = info.id;
        let recorder =
            Recorder::start(self.folder.path(), info, &self.key.public(), self.clock.clone()).unwrap();
        (id, recorder)
    }

    /// Records a small session of four segments.
    pub(crate) fn record(&self) -> (RecordingId, RecordingRoot) {
        let (id, recorder) = self.start();
        for part in ["one", "two \u{1F434}", "three"] {
            self.clock.advance(Duration::from_micros(1_234_567));
            recorder.output(part.as_bytes()).unwrap();
            recorder.output(b"\xFF\xC3").unwrap();
            recorder.flush().unwrap();
        }
        recorder.resize(TerminalSize { columns: 132, rows: 50 }).unwrap();
        (id, recorder.finish(Some(3)).unwrap())
    }

    pub(crate) fn path(&self, id: RecordingId) -> PathBuf {
        self.folder.path().join(id.to_string())
    }

    pub(crate) fn events(&self, id: RecordingId) -> Vec<RecordedEvent> {
        self.recordings().events(id, &self.key).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

pub(crate) fn info() -> RecordingInfo {
    RecordingInfo {
        id: RecordingId::random(),
        session: SessionId::random(),
        connection: ConnectionId::random(),
        name: "the big database".into(),
        target: "db-host.example:22".into(),
        kind: "ssh".into(),
        user: "remote-user".into(),
        os_user: "local-user".into(),
        started: Timestamp(1_700_000_000_000_000),
        terminal: TerminalSize { columns: 80, rows: 24 },
        surface: RecordedSurface::Terminal,
        terminal_type: "xterm-256color".into(),
        command: Some("cat /etc/motd".into()),
    }
}

/// All output of a recording in one.
pub(crate) fn output(events: &[RecordedEvent]) -> Vec<u8> {
    let bytes = events.iter().filter_map(|event| match &event.kind {
        RecordedEventKind::Output(bytes) => Some(bytes.as_slice()),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat()
}

/// The files of a folder, in order.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
