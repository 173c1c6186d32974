//! The audit log at its boundary: what is appended can be read, what is changed is named, and a crash loses nothing that
//! was acknowledged.
#![expect(clippy::unwrap_used, reason = "a test says what is wrong by panicking")]
#![expect(clippy::disallowed_methods, reason = "the tests damage files on purpose")]

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ostler_audit::{
    AuditError, AuditEvent, AuditLog, AuditRecord, EventClass, Outcome, ReadFrom, checkpoint, read, verify,
};
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

    fn audit(&self) -> std::path::PathBuf {
        self.home.path().join("audit")
    }

    fn try_open(&self) -> Result<AuditLog, AuditError> {
        let (device, key) = (Arc::clone(&self.device), self.private.public());
        AuditLog::open(&self.audit(), STORE, device, &key, Arc::new(FixedClock))
    }

    fn open(&self) -> AuditLog {
        self.try_open().unwrap()
    }

    fn records(&self) -> Vec<AuditRecord> {
        read(&self.audit(), STORE, &self.private, ReadFrom::Line(0)).unwrap().map(Result::unwrap).collect()
    }

    fn classes(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.event.class).collect()
    }
}

fn event(class: &str) -> AuditEvent {
    let mut event =
        AuditEvent { class: class.to_owned(), ..AuditEvent::of(EventClass::AuditVerify, Outcome::Success) };
    event.target = Some("db.secret-host.example:22".to_owned());
    event
}

fn filled(count: usize) -> Stage {
    let stage = Stage::new();
    let log = stage.open();
    for number in 0..count {
        log.append(&event(&format!("event.{number}"))).unwrap();
    }
    stage
}

#[test]
fn what_is_appended_is_read_back_in_order() {
    let stage = filled(3);
    assert_eq!(stage.classes(), ["event.0", "event.1", "event.2"]);
    let first = &stage.records()[0];
    assert_eq!((first.sequence, first.time), (1, FixedClock.now()));
    assert_eq!(first.event, event("event.0"));
    assert_eq!(verify(&stage.audit(), None).unwrap().lines, 4);
}

#[test]
fn a_reopened_log_goes_on_where_it_was() {
    let stage = filled(2);
    stage.open().append(&event("later")).unwrap();
    assert_eq!(stage.classes(), ["event.0", "event.1", "later"]);
    assert_eq!(verify(&stage.audit(), None).unwrap().keys, 1);
}

#[test]
fn no_file_shows_what_an_event_says() {
    let stage = filled(2);
    for entry in fs::read_dir(stage.audit()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"secret-host"));
        assert!(!bytes.windows(7).any(|window| window == b"event.0"));
    }
}

#[test]
fn kept_checkpoints_and_an_anchor_are_proved() {
    let stage = filled(100);
    let anchor = checkpoint(&stage.audit()).unwrap();
    let log = stage.open();
    for _ in 0..500 {
        log.append(&event("more")).unwrap();
    }
    let report = verify(&stage.audit(), Some(&anchor)).unwrap();
    assert_eq!(report.checkpoints, 1 + report.lines / 256);
}

#[test]
fn a_log_whose_end_was_cut_off_with_all_its_files_does_not_continue_a_later_anchor() {
    let stage = filled(3);
    let aside = stage.home.path().join("aside");
    copy(&stage.audit(), &aside);
    stage.open().append(&event("incriminating")).unwrap();
    let anchor = checkpoint(&stage.audit()).unwrap();
    fs::remove_dir_all(stage.audit()).unwrap();
    copy(&aside, &stage.audit());
    verify(&stage.audit(), None).unwrap();
    let error = verify(&stage.audit(), Some(&anchor)).unwrap_err().to_string();
    assert!(error.contains("its end was cut off"), "{error}");
}

#[test]
fn another_history_of_the_same_length_does_not_continue_the_anchor() {
    let stage = filled(2);
    let aside = stage.home.path().join("aside");
    copy(&stage.audit(), &aside);
    stage.open().append(&event("true")).unwrap();
    let anchor = checkpoint(&stage.audit()).unwrap();
    fs::remove_dir_all(stage.audit()).unwrap();
    copy(&aside, &stage.audit());
    stage.open().append(&event("false")).unwrap();
    let error = verify(&stage.audit(), Some(&anchor)).unwrap_err().to_string();
    assert!(error.contains("anchor"), "{error}");
}

#[test]
fn every_flipped_byte_is_named_or_changes_nothing() {
    let stage = filled(3);
    let (before, classes) = (verify(&stage.audit(), None).unwrap(), stage.classes());
    let mut reported = 0;
    for name in ["log", "hashes", "checkpoint", "checkpoints", "keys"] {
        let path = stage.audit().join(name);
        let whole = fs::read(&path).unwrap();
        for index in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[index] ^= 0x01;
            fs::write(&path, &flipped).unwrap();
            match verify(&stage.audit(), None) {
                Err(_) => reported += 1,
                Ok(report) => {
                    assert_eq!(name, "checkpoint", "byte {index} of {name} was changed and nothing was said");
                    assert_eq!((&report, stage.classes()), (&before, classes.clone()));
                }
            }
        }
        fs::write(&path, &whole).unwrap();
    }
    assert!(reported > 1000);
    verify(&stage.audit(), None).unwrap();
}

#[test]
fn a_deleted_a_swapped_and_a_repeated_line_are_each_named() {
    let stage = filled(4);
    let path = stage.audit().join("log");
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let cases = [vec![0, 1, 3, 4], vec![0, 2, 1, 3, 4], vec![0, 1, 1, 2, 3, 4], vec![0, 1, 2, 3]];
    for case in cases {
        fs::write(&path, case.iter().map(|line| lines[*line]).collect::<String>()).unwrap();
        let error = verify(&stage.audit(), None).unwrap_err().to_string();
        assert!(error.starts_with("the audit log is damaged"), "{case:?}: {error}");
    }
}

#[test]
fn a_torn_line_is_cut_off_and_named_and_nothing_whole_is_lost() {
    let stage = filled(2);
    let path = stage.audit().join("log");
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"e 0123456789abcdef AAAA");
    fs::write(&path, bytes).unwrap();
    stage.open().append(&event("after")).unwrap();
    assert_eq!(stage.classes(), ["event.0", "event.1", "audit.torn-tail", "after"]);
    verify(&stage.audit(), None).unwrap();
}

#[test]
fn a_crash_at_any_file_of_the_append_that_keeps_a_checkpoint_for_good_loses_none_and_keeps_none_twice() {
    let stage = filled(0);
    let log = stage.open();
    let lines = || fs::read_to_string(stage.audit().join("log")).unwrap().lines().count();
    let state = || FILES.map(|name| (name, fs::read(stage.audit().join(name)).unwrap()));
    while lines() < 255 {
        log.append(&event("before")).unwrap();
    }
    let before = state();
    log.append(&event("256th")).unwrap();
    let after = state();
    // As many files as were written before the crash are new; what they hold may be torn.
    for written in 1..FILES.len() {
        for torn in [0, 5] {
            for (number, (name, bytes)) in after.iter().enumerate() {
                let (old, new) = (&before[number].1, bytes);
                let last = number + 1 == written && *name == "checkpoints";
                let kept = if last { new.len() - torn } else { new.len() };
                fs::write(stage.audit().join(name), if number < written { &new[..kept] } else { old })
                    .unwrap();
            }
            stage.open().append(&event("next")).unwrap();
            let report = verify(&stage.audit(), None).unwrap();
            assert_eq!(report.checkpoints, 2, "{written} files were written");
        }
    }
}

/// The files in the order in which an append writes them.
const FILES: [&str; 4] = ["log", "hashes", "checkpoints", "checkpoint"];

#[test]
fn a_crash_after_the_line_and_before_its_hashes_and_checkpoint_loses_nothing() {
    let stage = filled(2);
    let early: Vec<(String, Vec<u8>)> = ["hashes", "checkpoint"]
        .map(|name| (name.to_owned(), fs::read(stage.audit().join(name)).unwrap()))
        .to_vec();
    stage.open().append(&event("third")).unwrap();
    for (name, bytes) in early {
        fs::write(stage.audit().join(name), bytes).unwrap();
    }
    drop(stage.open());
    assert_eq!(stage.classes(), ["event.0", "event.1", "third"]);
    verify(&stage.audit(), None).unwrap();
}

#[test]
fn lost_hashes_are_made_again_from_the_log() {
    let stage = filled(5);
    fs::write(stage.audit().join("hashes"), b"").unwrap();
    stage.open().append(&event("after")).unwrap();
    assert_eq!(verify(&stage.audit(), None).unwrap().lines, 8);
}

#[test]
fn a_log_that_was_cut_short_is_not_written_on() {
    let stage = filled(3);
    let path = stage.audit().join("log");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(stage.try_open(), Err(AuditError::Damaged(_))));
}

#[test]
fn four_writers_at_once_lose_no_event() {
    let stage = Stage::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let log = stage.open();
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
    verify(&stage.audit(), None).unwrap();
}

#[test]
fn a_directory_that_can_not_be_made_refuses_the_log() {
    let stage = Stage::new();
    fs::write(stage.audit(), b"a file").unwrap();
    assert!(matches!(stage.try_open(), Err(AuditError::Io { .. })));
}

#[test]
fn another_stores_log_is_not_written_on() {
    let stage = filled(1);
    let (device, key) = (Arc::clone(&stage.device), stage.private.public());
    let other = StoreId::from_bytes([8; 16]);
    let opened = AuditLog::open(&stage.audit(), other, device, &key, Arc::new(FixedClock));
    assert!(opened.is_err());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
