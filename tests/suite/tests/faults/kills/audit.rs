//! Kills while the audit log is written, and lines that a crash left torn.

use std::fs;

use ostler_suite::{Bench, Ostler};

use super::recording::recordings;
use super::{Kills, usual};
use crate::watch::{Watch, events};

const FILES: [&str; 6] = ["log", "hashes", "checkpoint", "checkpoints", "keys", "lock"];

#[test]
fn a_killed_append_loses_no_line_and_the_next_command_mends_the_log() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    let words = ["connect", Bench::CONNECTION, "--host-key", "accept-new", "--", "true"];
    let paths = FILES.map(|name| ostler.store().join("audit").join(name));
    let mut kills = Kills::new("audit");
    // Calls on the log's own files, by name.
    let calls = usual(ostler, &words, &paths);
    forget_recordings(ostler);
    let mut watch = Watch::begin(ostler);
    let (mut whole, mut torn, mut acknowledged) = (0, 0, 0);
    let before = events(ostler, "session.end").len();
    while kills.more() {
        let length = log(ostler).len();
        let point = kills.call(&calls);
        let (shown, killed) = kills.run_on(ostler, &words, &point, &paths);
        if !killed {
            shown.output.succeeded().unwrap();
            acknowledged += 1;
        }
        if watch.right_after(ostler) {
            whole += 1;
        }
        // What the kernel had not taken in one piece: the last line, cut anywhere.
        let written = log(ostler);
        let cut = killed && written.len() > length && kills.rng.bool() && !verifies(ostler);
        if cut {
            let last =
                written[..written.len() - 1].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let keep = kills.rng.usize(last.max(length) + 1..written.len());
            fs::OpenOptions::new().write(true).open(&paths[0]).unwrap().set_len(keep as u64).unwrap();
            assert!(!watch.right_after(ostler), "a torn line must be named");
            torn += 1;
        }
        forget_recordings(ostler);
        watch.after_next_start(ostler);
    }
    let named = events(ostler, "audit.torn-tail").len();
    assert_eq!(named, torn, "each torn line that was cut off is named in an event");
    let ends = events(ostler, "session.end").len() - before;
    assert!(ends >= acknowledged, "{acknowledged} sessions were acknowledged, {ends} are in the log");
    kills.report(&format!(
        "0 lines lost; after {whole} the log verified at once, {torn} torn lines were named and mended"
    ));
}

fn forget_recordings(ostler: &Ostler) {
    for (id, _) in recordings(ostler) {
        ostler.run(&["recording", "delete", &id, "--yes"]).unwrap().succeeded().unwrap();
    }
}

fn verifies(ostler: &Ostler) -> bool {
    ostler_audit::verify(&ostler.store().join("audit"), None).is_ok()
}

fn log(ostler: &Ostler) -> Vec<u8> {
    fs::read(ostler.store().join("audit/log")).unwrap()
}
