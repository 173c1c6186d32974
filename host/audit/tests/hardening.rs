//! The audit log under what its other tests leave out: one log shared by threads, readers beside a writer, files taken
//! away under it, and tails that no crash of ours leaves.
#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "the tests damage files on purpose")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ostler_audit::{AuditError, AuditEvent, AuditLog, EventClass, Outcome, ReadFrom, read, verify};
use ostler_core::{Clock, StoreId, Timestamp};
use ostler_sealing::{DeviceKey, EnvelopePrivateKey};
use tempfile::TempDir;

const STORE: StoreId = StoreId::from_bytes([7; 16]);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_700_000_000_000_000)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Stage {
    home: TempDir,
    device: Arc<DeviceKey>,
    private: EnvelopePrivateKey,
}

impl Stage {
    fn new() -> Self {
        let home = TempDir::new().unwrap();
        let device = Arc::new(DeviceKey::load_or_create(&home.path().join("device.key")).unwrap());
        Self { home, device, private: EnvelopePrivateKey::from_seed(&[3; 32]) }
    }

    fn audit(&self) -> PathBuf {
        self.home.path().join("audit")
    }

    fn try_open(&self) -> Result<AuditLog, AuditError> {
        let (device, key) = (Arc::clone(&self.device), self.private.public());
        AuditLog::open(&self.audit(), STORE, device, &key, Arc::new(FixedClock))
    }

    fn open(&self) -> AuditLog {
        self.try_open().unwrap()
    }

    fn classes(&self) -> Vec<String> {
        let records = read(&self.audit(), STORE, &self.private, ReadFrom::Line(0)).unwrap();
        records.map(|record| record.unwrap().event.class).collect()
    }
}

fn event(class: &str) -> AuditEvent {
    AuditEvent { class: class.to_owned(), ..AuditEvent::of(EventClass::AuditVerify, Outcome::Success) }
}

#[test]
fn threads_that_share_one_log_lose_no_event() {
    let stage = Stage::new();
    let log = stage.open();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = &log;
            scope.spawn(move || {
                for number in 0..50 {
                    log.append(&event(&format!("{writer}.{number}"))).unwrap();
                }
            });
        }
    });
    let mut classes = stage.classes();
    classes.sort();
    classes.dedup();
    assert_eq!(classes.len(), 200);
    assert_eq!(verify(&stage.audit(), None).unwrap().lines, 201);
}

#[test]
fn verifying_and_reading_beside_a_writer_finds_nothing_wrong() {
    let stage = Stage::new();
    let log = stage.open();
    log.append(&event("first")).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..200 {
                log.append(&event("more")).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        while !done.load(Ordering::SeqCst) {
            verify(&stage.audit(), None).unwrap();
            stage.classes();
        }
    });
}

#[test]
fn a_log_whose_files_were_taken_away_is_not_written_into_nowhere() {
    let stage = Stage::new();
    let log = stage.open();
    log.append(&event("kept")).unwrap();
    fs::rename(stage.audit(), stage.home.path().join("away")).unwrap();
    assert!(log.append(&event("into nowhere")).is_err());
    fs::rename(stage.home.path().join("away"), stage.audit()).unwrap();
    log.append(&event("back")).unwrap();
    assert_eq!(stage.classes(), ["kept", "back"]);
}

#[test]
fn a_log_that_was_replaced_by_another_is_not_written_into_nowhere() {
    let stage = Stage::new();
    let log = stage.open();
    log.append(&event("kept")).unwrap();
    let path = stage.audit().join("log");
    let copy = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, copy).unwrap();
    // Either it follows to the new file or it refuses; it never says Ok for a line that nobody can read.
    if log.append(&event("second")).is_ok() {
        assert_eq!(stage.classes(), ["kept", "second"]);
    }
}

#[test]
fn a_log_that_was_moved_aside_and_begun_anew_can_be_read_by_itself() {
    let stage = Stage::new();
    let log = stage.open();
    log.append(&event("old")).unwrap();
    fs::rename(stage.audit(), stage.home.path().join("evidence")).unwrap();
    drop(stage.open());
    log.append(&event("new")).unwrap();
    assert_eq!(stage.classes(), ["new"]);
    verify(&stage.audit(), None).unwrap();
    assert_eq!(verify(&stage.home.path().join("evidence"), None).unwrap().lines, 2);
}

#[test]
fn a_whole_line_behind_the_checkpoint_that_is_no_line_of_ours_is_never_signed() {
    let stage = Stage::new();
    stage.open().append(&event("kept")).unwrap();
    let path = stage.audit().join("log");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"\0\0\0\0 garbage\n");
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(stage.try_open(), Err(AuditError::Damaged(_))), "no crash of ours leaves such a line");
}

#[test]
fn a_log_without_its_checkpoint_is_not_signed_anew() {
    let stage = Stage::new();
    stage.open().append(&event("kept")).unwrap();
    let log = stage.open();
    for _ in 0..8 {
        log.append(&event("more")).unwrap();
    }
    fs::remove_file(stage.audit().join("checkpoint")).unwrap();
    assert!(matches!(stage.try_open(), Err(AuditError::Damaged(_))));
}

#[test]
fn a_line_that_a_crash_left_whole_before_the_first_checkpoint_is_taken_in() {
    let stage = Stage::new();
    stage.open().append(&event("first")).unwrap();
    for name in ["checkpoint", "hashes"] {
        fs::write(stage.audit().join(name), b"").unwrap();
    }
    stage.open().append(&event("second")).unwrap();
    assert_eq!(stage.classes(), ["first", "second"]);
    verify(&stage.audit(), None).unwrap();
}

#[test]
fn a_key_that_was_half_written_when_the_disk_was_full_does_not_close_the_log_for_good() {
    let stage = Stage::new();
    drop(stage.open());
    let path = stage.audit().join("keys");
    let key = fs::read(&path).unwrap();
    fs::write(&path, &key[..key.len() / 2]).unwrap();
    stage.open().append(&event("first")).unwrap();
    verify(&stage.audit(), None).unwrap();
}

#[test]
fn every_bit_that_is_flipped_in_the_keys_is_named_or_changes_nothing() {
    let stage = Stage::new();
    stage.open().append(&event("first")).unwrap();
    let before = verify(&stage.audit(), None).unwrap();
    let path = stage.audit().join("keys");
    let whole = fs::read(&path).unwrap();
    for index in 0..whole.len() {
        for bit in 0..8 {
            let mut flipped = whole.clone();
            if let Some(byte) = flipped.get_mut(index) {
                *byte ^= 1 << bit;
            }
            fs::write(&path, &flipped).unwrap();
            if let Ok(report) = verify(&stage.audit(), None) {
                assert_eq!(report, before, "byte {index}, bit {bit}");
                assert_eq!(stage.classes(), ["first"]);
            }
        }
    }
}

#[test]
fn a_directory_that_can_only_be_read_refuses_the_event() {
    let stage = Stage::new();
    stage.open().append(&event("kept")).unwrap();
    let open_to_all = Permissions::from_mode(0o755);
    fs::set_permissions(stage.home.path(), open_to_all.clone()).unwrap();
    fs::set_permissions(stage.audit(), open_to_all).unwrap();
    for entry in fs::read_dir(stage.audit()).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(0o444)).unwrap();
    }
    std::thread::scope(|scope| {
        let refused = scope.spawn(|| {
            // Root may write anywhere; this thread is somebody else from here on.
            let nobody = rustix::process::Uid::from_raw(65_534);
            if rustix::process::geteuid().is_root() {
                rustix::thread::set_thread_uid(nobody).unwrap();
            }
            stage.try_open().err()
        });
        match refused.join().unwrap() {
            Some(AuditError::Io { .. }) => {}
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(stage.classes(), ["kept"], "and reading goes on");
}

#[test]
fn the_end_of_the_log_is_read_without_its_beginning() {
    let stage = Stage::new();
    let log = stage.open();
    let events: Vec<AuditEvent> = (0..2500).map(|number| event(&format!("event.{number}"))).collect();
    log.append_all(&events).unwrap();
    let classes = |from| -> Vec<String> {
        let records = read(&stage.audit(), STORE, &stage.private, from).unwrap();
        records.map(|record| record.unwrap().event.class).collect()
    };
    assert_eq!(classes(ReadFrom::Line(0)).len(), 2500);
    assert_eq!(classes(ReadFrom::Last(2)), ["event.2498", "event.2499"]);
    // What stands at the log's beginning is not looked at.
    let path = stage.audit().join("log");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_eq!(classes(ReadFrom::Last(1)), ["event.2499"]);
    let last = verify(&stage.audit(), None).unwrap_err().to_string();
    assert!(last.contains("log, line 1"), "{last}");
    // Lines have numbers, those that open a batch too: 3 of them for 2500 events.
    assert_eq!(classes(ReadFrom::Line(2502)), ["event.2499"]);
    assert_eq!(classes(ReadFrom::Line(2503)), [""; 0]);
    assert_eq!(classes(ReadFrom::Line(u64::MAX)), [""; 0]);
}
