//! Kills while a session is recorded: what is left is the beginning of what was shown, never complete by mistake, and
//! lacks at most two seconds of it.

use std::time::Duration;

use ostler_suite::{Bench, Ostler};
use serde_json::Value;

use super::{Kills, Point, tampered, usual, watch};
use crate::watch::{Watch, files};

/// What may be lost of what was shown.
const MOST_LOST: Duration = Duration::from_secs(2);

/// Lines of a session that takes seconds, and the pause between two of them.
const SLOW: (usize, u64) = (400, 15);
/// Lines of a session that fills segments as fast as it can.
const FAST: (usize, u64) = (60_000, 0);

/// The bytes of a line: a number, the microseconds since the first line, and what stands between.
const LINE: usize = 24;

/// Returns how many whole lines there are, which must count up from 0.
fn lines(bytes: &[u8]) -> usize {
    let whole = bytes.chunks_exact(LINE);
    (0..)
        .zip(whole)
        .map(|(number, line)| assert_eq!(line[..11], *format!("{number:010} ").as_bytes()))
        .count()
}

/// Returns the recordings' ids and states.
pub(crate) fn recordings(ostler: &Ostler) -> Vec<(String, String)> {
    let list = ostler.run(&["recording", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|one| (text(&one["id"]), text(&one["state"]))).collect()
}

fn words(command: &str) -> [&str; 6] {
    ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", command]
}

#[test]
fn a_killed_recording_is_the_beginning_of_what_was_shown_and_never_complete() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    let fast = format!("ticks {} {}", FAST.0, FAST.1);
    let calls = usual(ostler, &words(&fast), &[]);
    for (id, _) in recordings(ostler) {
        ostler.run(&["recording", "delete", &id, "--yes"]).unwrap().succeeded().unwrap();
    }
    let mut kills = Kills::new("recording");
    let mut left = Watch::begin(ostler);
    let (mut most, mut none, mut incomplete, mut complete) = (Duration::ZERO, 0, 0, 0);
    while kills.more() {
        let (count, pause) = if kills.rng.bool() { SLOW } else { FAST };
        let command = format!("ticks {count} {pause}");
        let point = if pause > 0 && kills.rng.u8(..4) > 0 {
            Point::After(Duration::from_millis(kills.rng.u64(300..7_000)))
        } else {
            kills.call(&calls)
        };
        let (shown, killed) = kills.run(ostler, &words(&command), &point);
        left.right_after(ostler);
        let found = recordings(ostler);
        assert!(found.len() <= 1, "{found:?}");
        let Some((id, state)) = found.first() else {
            assert!(killed && shown.output.stdout.is_empty(), "{point:?}: what was shown was not recorded");
            none += 1;
            left.after_next_start(ostler);
            continue;
        };
        let played = ostler
            .run(&["recording", "play", id, "--speed", "100", "--idle-limit", "0"])
            .unwrap()
            .succeeded()
            .unwrap();
        let recorded = played.stdout;
        assert!(
            recorded.starts_with(&shown.output.stdout) || shown.output.stdout.starts_with(&recorded),
            "{point:?}: what was recorded is not the beginning of what was shown"
        );
        lines(&shown.output.stdout);
        let verified = ostler.run(&["recording", "verify", id, "--json"]).unwrap();
        let verified = verified.json().unwrap()[0]["state"].as_str().unwrap().to_owned();
        assert_eq!(verified, *state, "{point:?}");
        match state.as_str() {
            "complete" => {
                assert_eq!(lines(&recorded), count, "{point:?}: falsely complete");
                complete += 1;
            }
            "incomplete" => {
                assert!(killed, "a session that came to its end is complete");
                incomplete += 1;
            }
            other => panic!("{point:?}: {other}"),
        }
        if let Some(lost) = shown.span_after(recorded.len()) {
            most = most.max(lost);
            assert!(lost <= MOST_LOST, "{point:?}: lost {lost:?}");
        }
        let files = files(&ostler.store().join("recordings").join(id));
        assert!(files.iter().all(|file| !file.to_string_lossy().ends_with(".new")), "left over: {files:?}");
        ostler.run(&["recording", "delete", id, "--yes"]).unwrap().succeeded().unwrap();
        left.after_next_start(ostler);
    }
    kills.report(&format!(
        "{incomplete} incomplete, {complete} complete, {none} not begun; 0 falsely complete; at most {most:?} lost"
    ));
}

#[test]
fn a_disk_that_is_slow_makes_the_session_wait_rather_than_lose_more() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    bench.on_server("true").unwrap().succeeded().unwrap();
    for (id, _) in recordings(ostler) {
        ostler.run(&["recording", "delete", &id, "--yes"]).unwrap().succeeded().unwrap();
    }
    // The beginning takes 3 s more, and each segment does.
    let command = tampered(ostler, &words("ticks 2000 40"), "rename", "delay_enter=3000000");
    let shown = watch(command, Some(Duration::from_secs(12)));
    let found = recordings(ostler);
    let played = ["recording", "play", &found[0].0, "--speed", "100", "--idle-limit", "0"];
    let recorded = ostler.run(&played).unwrap().succeeded().unwrap().stdout;
    assert!(shown.output.stdout.starts_with(&recorded) && shown.output.stdout.len() > recorded.len());
    let lost = shown.span_after(recorded.len()).unwrap();
    assert!(lost <= MOST_LOST, "lost {lost:?}");
}
