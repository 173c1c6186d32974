//! Kills while the passphrase is changed: the old one opens the store or the new one does, never both and never none.

use ostler_suite::{Ostler, PASSPHRASE};

use super::{Kills, usual};
use crate::watch::Watch;

const OTHER: &str = "Battery-Staple-8";

#[test]
fn a_killed_change_of_passphrase_leaves_exactly_one_that_opens_the_store() {
    let ostler = Ostler::with_store().unwrap();
    ostler.run(&["folder", "add", "Kept"]).unwrap().succeeded().unwrap();
    let mut now = [PASSPHRASE, OTHER];
    let set = |now: [&str; 2]| {
        ostler.file("passphrase", now[0]).unwrap();
        ostler.file("new", now[1]).unwrap();
    };
    let words = ["store", "passwd", "--new-passphrase-file", "new"];
    set(now);
    let mut kills = Kills::new("change of passphrase");
    let usual = usual(&ostler, &words, &[]);
    now.reverse();
    set(now);
    let mut watch = Watch::begin(&ostler);
    let (mut old, mut new) = (0, 0);
    while kills.more() {
        let point = kills.point(&usual);
        let (shown, killed) = kills.run(&ostler, &words, &point);
        watch.right_after(&ostler);
        let opens = |file: &str| {
            let output = ostler.run(&["folder", "show", "Kept", "--passphrase-file", file]).unwrap();
            assert!([0, 3].contains(&output.code), "{point:?}: {}", output.stderr);
            output.code == 0
        };
        let changed = match [opens("passphrase"), opens("new")] {
            [true, false] => false,
            [false, true] => true,
            [true, true] => panic!("{point:?}: both passphrases open the store"),
            [false, false] => panic!("{point:?}: neither passphrase opens the store"),
        };
        if !killed {
            shown.output.succeeded().unwrap();
            assert!(changed, "the change was acknowledged, and the old passphrase opens the store");
        }
        if changed {
            now.reverse();
            new += 1;
        } else {
            old += 1;
        }
        set(now);
        watch.after_next_start(&ostler);
    }
    kills.report(&format!(
        "the old passphrase opens {old} times, the new one {new} times, never both or none"
    ));
}
