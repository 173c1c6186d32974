//! Kills while audit events are handed over: what was handed over twice can be told, and nothing is left out.

use std::fs;
use std::path::Path;

use ostler_suite::Ostler;
use serde_json::Value;

use super::{Kills, usual};

#[test]
fn a_killed_export_leaves_no_event_out_and_no_line_torn() {
    let ostler = Ostler::with_store().unwrap();
    let words = ["audit", "export", "--out", "events", "--cursor-file", "cursor"];
    let paths = ["events", "cursor", "cursor.new", "cursor.lock"].map(|name| ostler.work().join(name));
    let mut kills = Kills::new("export");
    let calls = usual(&ostler, &words, &paths);
    let mut torn = 0;
    while kills.more() {
        let length = fs::metadata(&paths[0]).unwrap().len();
        let point = kills.call(&calls);
        let (shown, killed) = kills.run_on(&ostler, &words, &point, &paths);
        if !killed {
            shown.output.succeeded().unwrap();
        }
        // What the kernel had not taken in one piece: the last of what was added, cut anywhere.
        let now = fs::metadata(&paths[0]).unwrap().len();
        if killed && now > length + 1 && kills.rng.bool() && !moved(&paths[1], &paths[0]) {
            let keep = kills.rng.u64(length + 1..now);
            fs::OpenOptions::new().write(true).open(&paths[0]).unwrap().set_len(keep).unwrap();
            torn += 1;
        }
    }
    ostler.run(&words).unwrap().succeeded().unwrap();
    let text = fs::read_to_string(&paths[0]).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut handed: Vec<u64> = events.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    let all = handed.len();
    handed.sort_unstable();
    handed.dedup();
    let shown = ostler.run(&["audit", "show", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    let shown = shown.as_array().unwrap();
    let newest = shown.iter().rposition(|event| event["class"] == "audit.export").unwrap();
    assert!(handed.len() > newest, "the last export hands itself over, too");
    let shown: Vec<u64> = shown.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert_eq!(handed, shown[..handed.len()], "none is left out");
    kills.report(&format!(
        "0 events left out, {} handed over more than once, {torn} torn lines mended",
        all - handed.len()
    ));
}

/// Tells whether a cursor stands behind the newest event of a file.
fn moved(cursor: &Path, events: &Path) -> bool {
    let cursor: Value = serde_json::from_slice(&fs::read(cursor).unwrap()).unwrap();
    let text = fs::read_to_string(events).unwrap();
    let newest: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    cursor["next"].as_u64() > newest["sequence"].as_u64()
}
