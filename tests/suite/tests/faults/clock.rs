//! A clock that steps, by hours and years, between commands and within them.

use std::fs;
use std::io::Read as _;
use std::process::Command;

use ostler_suite::{Bench, Ostler, Output};
use serde_json::Value;

const LIBRARY: &str = "faketime is installed: 'cargo xtask test' does that";

/// Returns the program as a command for which it is some time later or earlier, such as `+5y` or `-3h`.
fn at(ostler: &Ostler, offset: &str, words: &[&str]) -> Command {
    let mut command = ostler.command_under("faketime", &["-f", offset], words);
    // The monotonic clock never steps.
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    command
}

/// Runs the program where it is some time later or earlier.
pub(crate) fn run_at(ostler: &Ostler, offset: &str, words: &[&str]) -> Output {
    at(ostler, offset, words).output().expect(LIBRARY).into()
}

fn events(ostler: &Ostler) -> Vec<Value> {
    let shown = ostler.run(&["audit", "show", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    shown.as_array().unwrap().clone()
}

#[test]
fn wrong_passphrases_make_the_next_try_wait_whatever_the_clock_says() {
    let ostler = Ostler::with_store().unwrap();
    ostler.file("wrong", "Wrong-Horse-7").unwrap();
    let wrong = ["store", "info", "--passphrase-file", "wrong"];
    for offset in ["+0", "+0", "+0"] {
        run_at(&ostler, offset, &wrong).failed(3, "the passphrase is wrong").unwrap();
    }
    // Back by years: the delay begins anew, and is no longer than it is.
    let waits = run_at(&ostler, "-5y", &["store", "info"]).failed(3, "the next try is possible in").unwrap();
    let seconds: u64 =
        waits.stderr.split("possible in ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1..=25).contains(&seconds), "{seconds}");
    run_at(&ostler, "-10y", &wrong).failed(3, "the next try is possible in").unwrap();
    // Once it has passed by the clock that the machine has now, the right passphrase opens.
    run_at(&ostler, "-9y", &["store", "info"]).succeeded().unwrap();
    ostler.run(&["store", "info"]).unwrap().succeeded().unwrap();
}

#[test]
fn a_clock_far_in_the_future_locks_nobody_out_when_it_comes_back() {
    let ostler = Ostler::with_store().unwrap();
    ostler.file("wrong", "Wrong-Horse-7").unwrap();
    for _ in 0..3 {
        let wrong = ["store", "info", "--passphrase-file", "wrong"];
        run_at(&ostler, "+80y", &wrong).failed(3, "the passphrase is wrong").unwrap();
    }
    let refused = ostler.run(&["store", "info"]).unwrap().failed(3, "the next try is possible in").unwrap();
    assert!(refused.stderr.contains("in 15 s") || refused.stderr.contains("in 5 s"), "{}", refused.stderr);
    run_at(&ostler, "+1m", &["store", "info"]).succeeded().unwrap();
}

#[test]
fn the_audit_log_keeps_its_order_and_the_store_its_content_over_steps_of_the_clock() {
    let ostler = Ostler::with_store().unwrap();
    let offsets = ["+0", "+5y", "-3h", "-30y", "+90d", "-60y", "+0"];
    for (number, offset) in offsets.iter().enumerate() {
        let name = format!("n{number}");
        run_at(&ostler, offset, &["connection", "add", &name, "--type", "ssh", "--host", "h"])
            .succeeded()
            .unwrap();
    }
    ostler.run(&["audit", "verify"]).unwrap().succeeded().unwrap();
    let events = events(&ostler);
    let created: Vec<&Value> = events.iter().filter(|event| event["class"] == "connection.create").collect();
    let names: Vec<String> = (0..offsets.len()).map(|number| format!("n{number}")).collect();
    assert_eq!(
        created.iter().map(|event| &event["details"]["name"]).collect::<Vec<_>>(),
        names.iter().collect::<Vec<_>>()
    );
    let sequences: Vec<u64> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    let list = ostler.run(&["connection", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    assert_eq!(list.as_array().unwrap().len(), offsets.len());
}

#[test]
fn the_times_in_a_recording_run_forward_while_the_clock_steps() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    let now = ostler.file("now", "+0").unwrap();
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", "ticks 300 10"];
    // A time that is given on the command line goes before the one in the file.
    let mut command = ostler.command_under("faketime", &["-f", "+0", "env", "--unset=FAKETIME"], &words);
    command.env("FAKETIME_TIMESTAMP_FILE", &now).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut child = command.spawn().expect(LIBRARY);
    let mut line = [0; 24];
    for offset in ["+2h", "-5y", "+9y", "-1d"] {
        for _ in 0..40 {
            child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
        }
        fs::write(&now, offset).unwrap();
    }
    Output::from(child.wait_with_output().unwrap()).succeeded().unwrap();
    let list = ostler.run(&["recording", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    let recording = &list[0];
    let seconds = recording["duration_seconds"].as_f64().unwrap();
    // 300 lines, 10 ms apart: hours or years would be the clock's.
    assert!((2.5..600.0).contains(&seconds), "{recording}");
    assert_eq!(recording["state"], "complete", "{recording}");
    let id = recording["id"].as_str().unwrap();
    let export = ["recording", "export", id, "--format", "asciicast", "--out", "session.cast"];
    ostler.run(&export).unwrap().succeeded().unwrap();
    let cast = fs::read_to_string(ostler.work().join("session.cast")).unwrap();
    for line in cast.lines().skip(1) {
        let event: Value = serde_json::from_str(line).unwrap();
        assert!((0.0..60.0).contains(&event[0].as_f64().unwrap()), "{line}");
    }
    ostler.run(&["recording", "verify", id]).unwrap().succeeded().unwrap();
}
