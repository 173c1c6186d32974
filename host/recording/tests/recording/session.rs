//! Recordings from the recorder to the reader, the list and the export.
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use crate::common::{Store, files, info, output};
use ostler_core::{RecordingId, TerminalSize};
use ostler_recording::{
    MAX_MARKER_BYTES, RecordedEvent, RecordedEventKind, Recorder, RecordingError, RecordingState, Recordings,
    parse_asciicast,
};
use ostler_sealing::EnvelopePrivateKey;
use proptest::prelude::*;

#[test]
fn a_session_comes_back_with_its_times_and_every_byte() {
    let store = Store::new();
    let (id, recorder) = store.start();
    recorder.output(b"$ ").unwrap();
    store.clock.advance(Duration::from_micros(1_500_001));
    recorder.input(b"ls\r\xFE").unwrap();
    recorder.resize(TerminalSize { columns: 100, rows: 30 }).unwrap();
    store.clock.advance(Duration::from_micros(2));
    recorder.marker("here \"it\" is\n").unwrap();
    recorder.output(b"raw \x00\x1b[0m\xFF\xC3\x28 end").unwrap();
    let root = recorder.finish(Some(2)).unwrap();

    let at = Duration::from_micros;
    let event = |at, kind| RecordedEvent { at, kind };
    assert_eq!(
        store.events(id),
        [
            event(at(0), RecordedEventKind::Output(b"$ ".into())),
            event(at(1_500_001), RecordedEventKind::Input(b"ls\r\xFE".into())),
            event(at(1_500_001), RecordedEventKind::Resize(TerminalSize { columns: 100, rows: 30 })),
            event(at(1_500_003), RecordedEventKind::Marker("here \"it\" is\n".into())),
            event(at(1_500_003), RecordedEventKind::Output(b"raw \x00\x1b[0m\xFF\xC3\x28 end".into())),
            event(at(1_500_003), RecordedEventKind::Exit(Some(2))),
        ]
    );
    let verified = store.recordings().verify(id, &store.key).unwrap();
    assert_eq!(
        (verified.state, verified.segments, verified.root),
        (RecordingState::Complete, root.segments, root.root)
    );
    assert_eq!(verified.events, 6);
}

#[test]
fn a_finished_recording_is_listed_with_what_it_is_of() {
    let store = Store::new();
    let info = info();
    let (id, recorder) = store.start_with(info.clone());
    store.clock.advance(Duration::from_secs(75));
    recorder.output(b"hello").unwrap();
    assert!(store.recordings().list(&store.key).unwrap()[0].active);
    recorder.finish(None).unwrap();

    let [listed] = &store.recordings().list(&store.key).unwrap()[..] else { panic!("one recording") };
    assert_eq!((listed.id, listed.info.as_ref()), (id, Some(&info)));
    assert_eq!((&listed.state, listed.active), (&RecordingState::Complete, false));
    assert_eq!((listed.duration, listed.segments), (Duration::from_secs(75), 1));
    let sizes: u64 = files(&store.path(id)).iter().map(|file| file.metadata().unwrap().len()).sum();
    assert_eq!(listed.bytes_on_disk, sizes);
    assert_eq!(store.events(id).last().unwrap().kind, RecordedEventKind::Exit(None));
}

#[test]
fn a_recording_that_is_dropped_is_incomplete_and_holds_what_was_recorded() {
    let store = Store::new();
    let (id, recorder) = store.start();
    recorder.output(b"half a horse \xF0\x9F").unwrap();
    drop(recorder);
    assert_eq!(output(&store.events(id)), b"half a horse \xF0\x9F");
    assert_eq!(store.recordings().list(&store.key).unwrap()[0].state, RecordingState::Incomplete);
    assert_eq!(store.recordings().verify(id, &store.key).unwrap().state, RecordingState::Incomplete);
}

#[test]
fn a_recorder_that_is_killed_leaves_an_incomplete_recording_up_to_its_last_segment() {
    let store = Store::new();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "session::recorder_that_waits_to_be_killed", "--ignored", "--nocapture"])
        .env("OSTLER_TEST_RECORDINGS", store.folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("flushed")), "the child came that far");
    let [active] = &store.recordings().list(&store.key).unwrap()[..] else { panic!("one recording") };
    assert!(active.active);
    assert!(matches!(store.recordings().delete(active.id), Err(RecordingError::InUse(_))));
    child.kill().unwrap();
    child.wait().unwrap();

    let [killed] = &store.recordings().list(&store.key).unwrap()[..] else { panic!("one recording") };
    assert_eq!((&killed.state, killed.active), (&RecordingState::Incomplete, false));
    assert!(output(&store.events(killed.id)).starts_with(b"on the disk"));
    assert_eq!(store.recordings().verify(killed.id, &store.key).unwrap().state, RecordingState::Incomplete);
}

#[test]
#[ignore = "the child process of the test above"]
fn recorder_that_waits_to_be_killed() {
    let Some(folder) = std::env::var_os("OSTLER_TEST_RECORDINGS") else { return };
    let store = Store::new();
    let recorder =
        Recorder::start(folder.as_ref(), info(), &store.key.public(), store.clock.clone()).unwrap();
    recorder.output(b"on the disk").unwrap();
    recorder.flush().unwrap();
    recorder.output(b"perhaps not").unwrap();
    println!("flushed");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_segment_that_was_being_written_when_the_power_failed_confuses_nobody() {
    let store = Store::new();
    let (id, recorder) = store.start();
    recorder.output(b"kept").unwrap();
    recorder.flush().unwrap();
    drop(recorder);
    let half = fs::read(store.path(id).join("seg-00000000")).unwrap();
    fs::write(store.folder.path().join(format!("{id}.new")), &half[..half.len() / 2]).unwrap();
    assert_eq!(store.recordings().verify(id, &store.key).unwrap().state, RecordingState::Incomplete);
    assert_eq!(output(&store.events(id)), b"kept");
}

#[test]
fn what_crashes_left_unfinished_is_swept_away_and_a_recording_under_way_is_not() {
    let store = Store::new();
    let top = store.folder.path();
    let (id, _) = store.record();
    let (active, recorder) = store.start();
    let (begun, removed) = (RecordingId::random(), RecordingId::random());
    for folder in [format!("{begun}.new"), format!("{removed}.deleted")] {
        fs::create_dir(top.join(&folder)).unwrap();
        fs::write(top.join(&folder).join("header"), b"half").unwrap();
    }
    for file in [format!("{id}.new"), format!("{active}.new"), "notes.new".to_owned()] {
        fs::write(top.join(file), b"half").unwrap();
    }
    assert_eq!(store.recordings().list(&store.key).unwrap().len(), 2);
    let mut left: Vec<String> =
        fs::read_dir(top).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    left.sort();
    let mut expected =
        vec![id.to_string(), active.to_string(), format!("{active}.new"), "notes.new".to_owned()];
    expected.sort();
    assert_eq!(left, expected);
    drop(recorder);
    assert_eq!(store.recordings().verify(id, &store.key).unwrap().state, RecordingState::Complete);
    store.start().1.finish(None).unwrap();
    assert!(!top.join(format!("{active}.new")).exists());
}

#[test]
fn segments_close_when_they_are_full_and_when_they_are_old() {
    let store = Store::new();
    let (id, recorder) = store.start();
    recorder.output(&vec![b'x'; 600 * 1024]).unwrap();
    recorder.flush().unwrap();
    let full = files(&store.path(id)).len() - 1;
    assert!(full >= 3, "{full} segments of at most 256 KiB of text");
    recorder.output(b"a").unwrap();
    store.clock.advance(Duration::from_secs(2));
    // The recorder looks at the clock with each event; this one finds the other 2 seconds old.
    recorder.output(b"b").unwrap();
    recorder.output(b"c").unwrap();
    recorder.finish(Some(0)).unwrap();
    assert!(files(&store.path(id)).len() > full + 2, "the old segment was closed before the last one");
    assert_eq!(output(&store.events(id)).len(), 600 * 1024 + 3);
}

#[test]
fn long_recordings_start_new_frames_and_read_through() {
    let store = Store::new();
    let (id, recorder) = store.start();
    for minute in 0..4 {
        recorder.output(format!("minute {minute}\n").repeat(50).as_bytes()).unwrap();
        recorder.flush().unwrap();
        store.clock.advance(Duration::from_secs(45));
    }
    recorder.finish(Some(0)).unwrap();
    let text = output(&store.events(id));
    assert_eq!(text.len(), 4 * 50 * "minute 0\n".len());
    assert!(text.ends_with(b"minute 3\n"));
}

#[test]
fn the_export_is_an_asciicast_that_parses_back_to_the_same_events() {
    let store = Store::new();
    for complete in [true, false] {
        let (id, recorder) = store.start();
        recorder.output(b"caf\xC3").unwrap();
        recorder.flush().unwrap();
        store.clock.advance(Duration::from_micros(999_999));
        recorder.output(b"\xA9 \xFF\xFF").unwrap();
        recorder.input("p\u{e4}ss".as_bytes()).unwrap();
        recorder.marker("m").unwrap();
        recorder.output(&[b"bulk".repeat(20_000), b"\xE2\x82".to_vec()].concat()).unwrap();
        if complete {
            recorder.finish(None).unwrap();
        } else {
            drop(recorder);
        }
        let mut exported = Vec::new();
        store.recordings().export_asciicast(id, &store.key, &mut exported).unwrap();
        let (header, events) = parse_asciicast(exported.as_slice()).unwrap();
        assert_eq!(header.title.as_deref(), Some("the big database"));
        assert_eq!(header.terminal, TerminalSize { columns: 80, rows: 24 });
        let events: Vec<RecordedEvent> = events.collect::<Result<_, _>>().unwrap();
        assert_eq!(events, store.events(id), "{complete}");
        // Each line is JSON, and each event has text for its data: what every player takes.
        for line in exported.split(|&byte| byte == b'\n').skip(1).filter(|line| !line.is_empty()) {
            let (_, _, _): (f64, String, String) = serde_json::from_slice(line).unwrap();
        }
    }
}

#[test]
fn nothing_of_a_session_is_in_the_clear() {
    let store = Store::new();
    let (id, recorder) = store.start();
    recorder.output(b"the answer of the remote machine").unwrap();
    recorder.marker("a private note").unwrap();
    recorder.finish(Some(0)).unwrap();
    let words = [
        "db-host",
        "example",
        "the big database",
        "remote-user",
        "local-user",
        "motd",
        "xterm",
        "answer",
        "private note",
        "80x24",
    ];
    for file in files(&store.path(id)) {
        let content = fs::read(&file).unwrap();
        for word in words {
            let found = content.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "'{word}' is in {}", file.display());
        }
    }
    // The same search finds what is in the clear.
    let header = fs::read(store.path(id).join("header")).unwrap();
    assert!(header.windows(9).any(|window| window == b"recording"));
}

#[test]
fn another_key_opens_nothing_and_the_list_says_so() {
    let store = Store::new();
    let (id, _) = store.record();
    let other = EnvelopePrivateKey::from_seed(&[8; 32]);
    assert!(matches!(store.recordings().events(id, &other), Err(RecordingError::Damaged { .. })));
    let listed = store.recordings().list(&other).unwrap();
    assert!(matches!(&listed[0].state, RecordingState::Damaged(reason) if reason.contains("header")));
    assert_eq!(listed[0].info, None);
}

#[test]
fn a_recording_is_written_once() {
    let store = Store::new();
    let info = info();
    let (_, recorder) = store.start_with(info.clone());
    let again = Recorder::start(store.folder.path(), info.clone(), &store.key.public(), store.clock.clone());
    assert!(matches!(again, Err(RecordingError::Exists(id)) if id == info.id));
    recorder.finish(None).unwrap();
    let again = Recorder::start(store.folder.path(), info.clone(), &store.key.public(), store.clock.clone());
    assert!(matches!(again, Err(RecordingError::Exists(id)) if id == info.id));
}

#[test]
fn a_recorder_that_can_not_write_says_so_with_every_call() {
    let store = Store::new();
    let (id, recorder) = store.start();
    recorder.output(b"kept").unwrap();
    recorder.flush().unwrap();
    fs::rename(store.path(id), store.folder.path().join("away")).unwrap();
    recorder.output(b"lost").unwrap();
    assert!(matches!(recorder.flush(), Err(RecordingError::Stopped(_))));
    assert!(matches!(recorder.output(b"lost too"), Err(RecordingError::Stopped(_))));
    assert!(matches!(recorder.finish(Some(0)), Err(RecordingError::Stopped(_))));
    fs::rename(store.folder.path().join("away"), store.path(id)).unwrap();
    assert_eq!(store.recordings().verify(id, &store.key).unwrap().state, RecordingState::Incomplete);
    assert_eq!(output(&store.events(id)), b"kept");
}

#[test]
fn a_recording_does_not_start_where_nothing_can_be_written() {
    let store = Store::new();
    let file = store.folder.path().join("a file");
    fs::File::create(&file).unwrap();
    let started = Recorder::start(&file, info(), &store.key.public(), Arc::clone(&store.clock) as _);
    assert!(matches!(started, Err(RecordingError::Io { .. })));
}

#[test]
fn a_marker_has_a_limit() {
    let store = Store::new();
    let (_, recorder) = store.start();
    recorder.marker(&"m".repeat(MAX_MARKER_BYTES)).unwrap();
    let refused = recorder.marker(&"m".repeat(MAX_MARKER_BYTES + 1));
    assert!(matches!(refused, Err(RecordingError::MarkerTooLong(_))));
}

#[test]
fn a_deleted_recording_is_gone() {
    let store = Store::new();
    let (id, _) = store.record();
    store.recordings().delete(id).unwrap();
    assert!(!store.path(id).exists());
    assert!(matches!(store.recordings().delete(id), Err(RecordingError::Unknown(_))));
    assert!(matches!(store.recordings().verify(id, &store.key), Err(RecordingError::Unknown(_))));
}

#[test]
fn a_missing_folder_holds_no_recordings() {
    let store = Store::new();
    let recordings = Recordings::open(&store.folder.path().join("none"));
    assert!(recordings.list(&store.key).unwrap().is_empty());
    assert!(matches!(recordings.info(RecordingId::random(), &store.key), Err(RecordingError::Unknown(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_in_any_chunks_come_back_byte_for_byte(
        chunks in proptest::collection::vec((any::<Vec<u8>>(), any::<bool>(), 0..3_000_000u64), 0..12)
    ) {
        let store = Store::new();
        let (id, recorder) = store.start();
        for (chunk, flush, microseconds) in &chunks {
            store.clock.advance(Duration::from_micros(*microseconds));
            recorder.output(chunk).unwrap();
            if *flush {
                recorder.flush().unwrap();
            }
        }
        recorder.finish(Some(0)).unwrap();
        let expected: Vec<u8> = chunks.iter().flat_map(|(chunk, ..)| chunk.clone()).collect();
        let events = store.events(id);
        prop_assert_eq!(output(&events), expected);

        let mut exported = Vec::new();
        store.recordings().export_asciicast(id, &store.key, &mut exported).unwrap();
        let parsed: Result<Vec<_>, _> = parse_asciicast(exported.as_slice()).unwrap().1.collect();
        prop_assert_eq!(parsed.unwrap(), events);
    }
}
