//! Kills while the store gets new keys: everything is sealed with the old ones or with the new ones, and opens.

use ostler_suite::{Bench, Ostler};
use serde_json::Value;

use super::recording::recordings;
use super::{Kills, usual};
use crate::watch::Watch;

fn epoch(ostler: &Ostler) -> Value {
    let info = ostler.run(&["store", "info", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    assert!(info["epoch"].is_number(), "{info}");
    info["epoch"].clone()
}

#[test]
fn a_killed_rekey_leaves_the_old_keys_or_the_new_ones_and_everything_opens() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    bench.on_server("echo kept").unwrap().succeeded().unwrap();
    let id = recordings(ostler)[0].0.clone();
    let words = ["store", "rekey"];
    let mut kills = Kills::new("rekey");
    let usual = usual(ostler, &words, &[]);
    let mut watch = Watch::begin(ostler);
    let listed = |ostler: &Ostler| ostler.run(&["connection", "list"]).unwrap().succeeded().unwrap().text();
    let (before, mut at) = (listed(ostler), epoch(ostler));
    let (mut old, mut new) = (0, 0);
    while kills.more() {
        let point = kills.point(&usual);
        let (shown, killed) = kills.run(ostler, &words, &point);
        watch.right_after(ostler);
        let now = epoch(ostler);
        if !killed {
            shown.output.succeeded().unwrap();
            assert_ne!(now, at, "new keys were acknowledged");
        }
        if now == at {
            old += 1;
        } else {
            new += 1;
        }
        at = now;
        assert_eq!(listed(ostler), before, "{point:?}");
        let again = bench.on_server("true").unwrap().succeeded().unwrap();
        assert_eq!(again.stderr, "", "{point:?}: the password of the connection still opens");
        let newest = recordings(ostler).into_iter().find(|(other, _)| *other != id).unwrap().0;
        ostler.run(&["recording", "delete", &newest, "--yes"]).unwrap().succeeded().unwrap();
        let played = ostler.run(&["recording", "play", &id, "--speed", "100", "--idle-limit", "0"]).unwrap();
        assert_eq!(played.succeeded().unwrap().text(), "kept\n", "{point:?}");
        watch.after_next_start(ostler);
    }
    kills.report(&format!("the old keys {old} times, the new ones {new} times; everything opens"));
}
