//! What happens to a recording that somebody changed.

use std::fs;

use crate::common::{Store, files};
use ostler_core::RecordingId;
use ostler_recording::{Damage, RecordingError, RecordingState};

/// Verifies, and returns the name of the file that is damaged.
fn damaged_file(store: &Store, id: RecordingId) -> Option<(String, Damage)> {
    match store.recordings().verify(id, &store.key) {
        Ok(_) => None,
        Err(RecordingError::Damaged { file, damage }) => Some((file, damage)),
        Err(other) => panic!("{other}"),
    }
}

fn listed_state(store: &Store, id: RecordingId) -> RecordingState {
    let listed = store.recordings().list(&store.key).unwrap();
    listed.into_iter().find(|listed| listed.id == id).unwrap().state
}

#[test]
fn each_byte_that_is_changed_in_any_file_is_reported_by_the_file_s_name() {
    let store = Store::new();
    let (id, root) = store.record();
    assert_eq!(root.segments, 4);
    for file in files(&store.path(id)) {
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let whole = fs::read(&file).unwrap();
        for place in 0..whole.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut changed = whole.clone();
                changed[place] ^= bit;
                fs::write(&file, &changed).unwrap();
                let found = damaged_file(&store, id).map(|(file, _)| file);
                assert_eq!(found.as_ref(), Some(&name), "byte {place}, bit {bit:#x}");
            }
        }
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(damaged_file(&store, id), None, "and the untouched one is whole");
}

#[test]
fn each_file_that_is_cut_or_grows_is_reported() {
    let store = Store::new();
    let (id, _) = store.record();
    for file in files(&store.path(id)) {
        let whole = fs::read(&file).unwrap();
        for length in 0..whole.len() {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(damaged_file(&store, id).is_some(), "{} at {length}", file.display());
        }
        fs::write(&file, [whole.as_slice(), b"\0"].concat()).unwrap();
        assert!(damaged_file(&store, id).is_some(), "{} longer", file.display());
        fs::write(&file, &whole).unwrap();
    }
    assert_eq!(damaged_file(&store, id), None);
}

#[test]
fn a_segment_that_is_missing_from_the_middle_is_named() {
    let store = Store::new();
    let (id, _) = store.record();
    fs::remove_file(store.path(id).join("seg-00000001")).unwrap();
    assert_eq!(damaged_file(&store, id), Some(("seg-00000001".into(), Damage::Missing)));
    let state = listed_state(&store, id);
    assert!(
        matches!(&state, RecordingState::Damaged(reason) if reason.contains("seg-00000001")),
        "{state:?}"
    );
}

#[test]
fn segments_that_are_moved_up_over_a_missing_one_are_refused() {
    let store = Store::new();
    let (id, _) = store.record();
    for (from, to) in [("seg-00000002", "seg-00000001"), ("seg-00000003", "seg-00000002")] {
        fs::rename(store.path(id).join(from), store.path(id).join(to)).unwrap();
    }
    assert_eq!(damaged_file(&store, id).map(|(file, _)| file), Some("seg-00000001".into()));
}

#[test]
fn swapped_segments_are_refused() {
    let store = Store::new();
    let (id, _) = store.record();
    let (one, two) = (store.path(id).join("seg-00000001"), store.path(id).join("seg-00000002"));
    let (first, second) = (fs::read(&one).unwrap(), fs::read(&two).unwrap());
    fs::write(&one, second).unwrap();
    fs::write(&two, first).unwrap();
    assert_eq!(damaged_file(&store, id).map(|(file, _)| file), Some("seg-00000001".into()));
}

#[test]
fn segments_at_the_end_that_are_missing_make_it_incomplete_never_complete() {
    let store = Store::new();
    let (id, root) = store.record();
    for segment in (0..root.segments).rev() {
        fs::remove_file(store.path(id).join(format!("seg-{segment:08}"))).unwrap();
        assert_eq!(listed_state(&store, id), RecordingState::Incomplete, "{segment}");
        let verified = store.recordings().verify(id, &store.key).unwrap();
        assert_eq!((verified.state, verified.segments), (RecordingState::Incomplete, segment));
        assert_ne!(verified.root, root.root, "the audit log knows better");
    }
}

#[test]
fn a_segment_of_another_recording_is_refused() {
    let store = Store::new();
    let ((one, _), (two, _)) = (store.record(), store.record());
    let segment = |id| store.path(id).join("seg-00000002");
    let (first, second) = (fs::read(segment(one)).unwrap(), fs::read(segment(two)).unwrap());
    fs::write(segment(one), second).unwrap();
    fs::write(segment(two), first).unwrap();
    for id in [one, two] {
        assert_eq!(damaged_file(&store, id).map(|(file, _)| file), Some("seg-00000002".into()));
    }
}

#[test]
fn a_recording_under_the_id_of_another_is_refused() {
    let store = Store::new();
    let ((one, _), (two, _)) = (store.record(), store.record());
    fs::remove_dir_all(store.path(two)).unwrap();
    fs::rename(store.path(one), store.path(two)).unwrap();
    assert_eq!(damaged_file(&store, two), Some(("header".into(), Damage::OtherRecording)));
}

#[test]
fn a_header_of_another_recording_is_refused_even_under_the_same_id() {
    let store = Store::new();
    let info = crate::common::info();
    let (id, recorder) = store.start_with(info.clone());
    recorder.output(b"first").unwrap();
    recorder.finish(None).unwrap();
    let first = fs::read(store.path(id).join("header")).unwrap();
    fs::remove_dir_all(store.path(id)).unwrap();
    let (_, recorder) = store.start_with(info);
    recorder.output(b"second").unwrap();
    recorder.finish(None).unwrap();
    fs::write(store.path(id).join("header"), first).unwrap();
    assert_eq!(damaged_file(&store, id).map(|(file, _)| file), Some("seg-00000000".into()));
}

#[test]
fn a_file_that_does_not_belong_there_is_reported() {
    let store = Store::new();
    let (id, _) = store.record();
    for name in ["seg-1", "seg-00000000.bak", "notes"] {
        fs::write(store.path(id).join(name), b"x").unwrap();
        assert_eq!(damaged_file(&store, id), Some((name.into(), Damage::Foreign)));
        fs::remove_file(store.path(id).join(name)).unwrap();
    }
    assert_eq!(damaged_file(&store, id), None);
}

#[test]
fn a_segment_beyond_the_last_is_refused() {
    let store = Store::new();
    let (id, _) = store.record();
    fs::copy(store.path(id).join("seg-00000003"), store.path(id).join("seg-00000004")).unwrap();
    assert_eq!(damaged_file(&store, id), Some(("seg-00000004".into(), Damage::AfterLast)));
    assert!(matches!(listed_state(&store, id), RecordingState::Damaged(_)));
}

#[test]
fn a_file_without_end_is_not_read_into_memory() {
    let store = Store::new();
    let (id, _) = store.record();
    for name in ["seg-00000001", "header"] {
        let path = store.path(id).join(name);
        let whole = fs::read(&path).unwrap();
        // A sparse file of a terabyte takes no room on the disk, and none in memory either.
        fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        assert_eq!(damaged_file(&store, id), Some((name.into(), Damage::TooLarge)));
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(damaged_file(&store, id), None);
}

#[test]
fn a_damaged_recording_does_not_hide_the_others() {
    let store = Store::new();
    let ((broken, _), (whole, _)) = (store.record(), store.record());
    fs::remove_file(store.path(broken).join("header")).unwrap();
    assert!(matches!(listed_state(&store, broken), RecordingState::Damaged(_)));
    assert_eq!(listed_state(&store, whole), RecordingState::Complete);
}

#[test]
fn events_before_the_damage_are_given_out_and_then_the_error() {
    let store = Store::new();
    let (id, _) = store.record();
    let path = store.path(id).join("seg-00000002");
    let mut segment = fs::read(&path).unwrap();
    segment[100] ^= 1;
    fs::write(path, segment).unwrap();
    let events: Vec<_> = store.recordings().events(id, &store.key).unwrap().collect();
    let (last, before) = events.split_last().unwrap();
    assert!(before.iter().all(Result::is_ok) && !before.is_empty());
    assert!(matches!(last, Err(RecordingError::Damaged { file, .. }) if file == "seg-00000002"));
}
