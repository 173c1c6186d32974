//! Kills in everything else that writes: it is done or not, and done again it leaves nothing over.

use std::fs;

use ostler_suite::{Bench, Ostler};

use super::recording::recordings;
use super::{Kills, usual};
use crate::clock::run_at;
use crate::watch::{Watch, files};

#[test]
fn a_killed_backup_is_whole_or_not_there_and_the_next_one_clears_up() {
    let ostler = Ostler::with_store().unwrap();
    ostler.run(&["folder", "add", "Kept"]).unwrap().succeeded().unwrap();
    let words = ["store", "backup", "copy.db"];
    let copy = ostler.work().join("copy.db");
    let mut kills = Kills::new("backup");
    let usual = usual(&ostler, &words, &[]);
    fs::remove_file(&copy).unwrap();
    let mut watch = Watch::begin(&ostler);
    while kills.more() {
        let point = kills.point(&usual);
        kills.run(&ostler, &words, &point);
        watch.right_after(&ostler);
        if !copy.exists() {
            ostler.run(&words).unwrap().succeeded().unwrap();
        }
        let other = ostler.home().join("other");
        fs::create_dir(&other).unwrap();
        fs::rename(&copy, other.join("store.db")).unwrap();
        let tree = ostler.run(&["--store", other.to_str().unwrap(), "tree"]).unwrap().succeeded().unwrap();
        assert_eq!(tree.text(), "Kept/\n", "{point:?}");
        fs::remove_dir_all(other).unwrap();
        watch.after_next_start(&ostler);
    }
    kills.report("each copy is whole or not there");
}

#[test]
fn a_killed_installation_of_a_plugin_is_made_or_not_and_the_next_one_clears_up() {
    let ostler = Ostler::with_store().unwrap();
    let file = crate::guest("importer");
    let words = ["plugin", "install", file.to_str().unwrap()];
    let mut kills = Kills::new("plugin");
    let usual = usual(&ostler, &words, &[]);
    let mut watch = Watch::begin(&ostler);
    let installed = ostler.store().join("plugins/test.importer.wasm");
    while kills.more() {
        ostler.run(&["plugin", "remove", "test.importer", "--yes"]).unwrap();
        let point = kills.point(&usual);
        kills.run(&ostler, &words, &point);
        watch.right_after(&ostler);
        assert!(
            !installed.exists() || fs::read(&installed).unwrap() == fs::read(&file).unwrap(),
            "{point:?}"
        );
        ostler.run(&words).unwrap().succeeded().unwrap();
        watch.after_next_start(&ostler);
    }
    kills.report("each file is whole or not there");
}

#[test]
fn a_killed_deletion_of_a_recording_leaves_it_or_takes_it_away() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    bench.on_server("true").unwrap().succeeded().unwrap();
    let mut kills = Kills::new("deletion");
    let first = recordings(ostler)[0].0.clone();
    let usual = usual(ostler, &["recording", "delete", &first, "--yes"], &[]);
    let mut watch = Watch::begin(ostler);
    while kills.more() {
        bench.on_server("true").unwrap().succeeded().unwrap();
        let id = recordings(ostler)[0].0.clone();
        let point = kills.point(&usual);
        kills.run(ostler, &["recording", "delete", &id, "--yes"], &point);
        watch.right_after(ostler);
        for (id, state) in recordings(ostler) {
            assert_eq!(state, "complete", "{point:?}");
            ostler.run(&["recording", "delete", &id, "--yes"]).unwrap().succeeded().unwrap();
        }
        ostler.run(&["recording", "verify"]).unwrap().succeeded().unwrap();
        watch.after_next_start(ostler);
    }
    kills.report("each recording is complete or gone");
}

#[test]
fn a_killed_creation_leaves_a_store_or_none_and_can_be_done_again() {
    let whole = Ostler::new().unwrap();
    let words = ["store", "create"];
    let mut kills = Kills::new("creation");
    let usual = usual(&whole, &words, &[]);
    whole.run(&["doctor"]).unwrap().succeeded().unwrap();
    // The names of anchors begin with the store's id.
    let names = |ostler: &Ostler| {
        let below =
            |path: &std::path::PathBuf| path.strip_prefix(ostler.home()).unwrap().display().to_string();
        let all: Vec<String> = files(ostler.home()).iter().map(below).collect();
        all.into_iter().filter(|name| !name.ends_with(".anchor")).collect::<Vec<_>>()
    };
    let expected = names(&whole);
    let (mut there, mut not) = (0, 0);
    while kills.more() {
        let ostler = Ostler::new().unwrap();
        let point = kills.point(&usual);
        kills.run(&ostler, &words, &point);
        if ostler.store().join("store.db").exists() {
            there += 1;
            ostler.run(&words).unwrap().failed(1, "is not empty").unwrap();
        } else {
            not += 1;
            ostler.run(&words).unwrap().succeeded().unwrap();
        }
        // Where nobody vouches for the count of wrong passphrases yet, the first try is told to wait.
        let first = ostler.run(&["tree"]).unwrap();
        assert!([0, 3].contains(&first.code), "{point:?}: {}", first.stderr);
        run_at(&ostler, "+1m", &["doctor"]).succeeded().unwrap();
        assert_eq!(names(&ostler), expected, "{point:?}");
    }
    kills.report(&format!("{there} stores are there, {not} are not; 0 by half"));
}
