//! Desktops that a plugin drives, in the program as a user runs it: a script does what a person would, the recording shows what was seen,
//! byte by byte, at every time.

use std::fs;
use std::path::{Path, PathBuf};

use crate::at_rest::visit;
use crate::world::{World, guest};

const PLUGIN: &str = "test.painter";

fn stage() -> World {
    let ostler = World::new();
    ostler.ok(&["plugin", "install", guest("painter").to_str().unwrap()]);
    ostler.ok(&["plugin", "grant", PLUGIN, "desktop"]);
    let place = ["--type", "painter", "--host", "127.0.0.1", "--user", "anna"];
    let password = ostler.file("password", "the-password");
    let password = ["--password-file", password.to_str().unwrap()];
    ostler.ok(&[&["connection", "add", "kiosk"], &place[..], &password].concat());
    ostler
}

/// Runs a script, in which `DIR` stands for a new folder, and returns that.
fn run(ostler: &World, script: &str) -> (PathBuf, crate::world::Run) {
    let folder = ostler.file("pictures-of-the-session", "").with_extension("d");
    fs::create_dir_all(&folder).unwrap();
    let file = ostler.file("script", &script.replace("DIR", folder.to_str().unwrap()));
    (folder, ostler.run(&["connect", "kiosk", "--script", file.to_str().unwrap()]))
}

fn picture_at(ostler: &World, at: f64, out: &Path) -> Vec<u8> {
    let at = format!("{at:.3}");
    ostler.ok(&["recording", "picture", "newest", "--at", &at, "--out", out.to_str().unwrap()]);
    fs::read(out).unwrap()
}

#[test]
fn the_replayed_picture_is_the_one_that_was_seen() {
    let ostler = stage();
    let script = "still 0.1\npicture DIR/1.png\ntype Hello\nkey ctrl+alt+Delete\nstill 0.1\npicture DIR/2.png\n\
                  click 100 120\nwheel 3\nstill 0.1\npicture DIR/3.png\nresize 500x400\nstill 0.2\npicture DIR/4.png\nclose\n";
    let (folder, ran) = run(&ostler, script);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let seen: Vec<Vec<u8>> =
        (1..=4).map(|number| fs::read(folder.join(format!("{number}.png"))).unwrap()).collect();
    assert!(seen.iter().all(|picture| picture.starts_with(b"\x89PNG")));
    assert!((1..4).all(|index| seen[index] != seen[index - 1]), "each step shows");

    let listed = ostler.ok(&["recording", "list", "--json"]).json();
    assert_eq!((&listed[0]["surface"], &listed[0]["state"]), (&"desktop".into(), &"complete".into()));
    let out = folder.join("replayed");
    ostler.ok(&[
        "recording",
        "export",
        "newest",
        "--format",
        "pictures",
        "--every",
        "0",
        "--out",
        out.to_str().unwrap(),
    ]);
    let mut replayed: Vec<PathBuf> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    replayed.sort();
    let pictures: Vec<Vec<u8>> = replayed.iter().map(|file| fs::read(file).unwrap()).collect();
    let mut from = 0;
    for picture in &seen {
        let found = pictures[from..].iter().position(|other| other == picture);
        from += found.expect("what was seen is in the recording, in its order");
    }
    assert_eq!(pictures.last(), seen.last());
    // One by one, which begins to read elsewhere. A moment that has a millisecond to itself can be named.
    let at = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().parse::<f64>().unwrap() / 1e6;
    for (number, (file, picture)) in replayed.iter().zip(&pictures).enumerate().step_by(2) {
        if replayed.get(number + 1).is_some_and(|next| at(next) - at(file) < 0.002) {
            continue;
        }
        let one = picture_at(&ostler, at(file) + 0.001, &folder.join(format!("one-{number}.png")));
        assert!(one == *picture, "{}", file.display());
    }
    assert_eq!(ostler.ok(&["recording", "verify", "newest", "--json"]).json()[0]["state"], "complete");
}

#[test]
fn what_the_clipboard_had_and_what_was_shown_is_in_no_file() {
    let ostler = stage();
    let (_, ran) = run(&ostler, "still 0.1\ncopy words-of-the-clipboard\nstill 0.1\n");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    visit(&ostler.store(), &mut |path, bytes| {
        let found = bytes.windows(10).any(|window| window == b"words-of-t");
        assert!(!found, "the clipboard stands in {}", path.display());
    });
}

#[test]
fn a_desktop_is_not_played_in_a_terminal_and_a_script_that_makes_no_sense_opens_nothing() {
    let ostler = stage();
    let (_, refused) = run(&ostler, "still 0.1\njump\n");
    assert!(refused.code != 0 && refused.stderr.contains("line 2: 'jump' is no step"), "{}", refused.stderr);
    assert_eq!(ostler.ok(&["recording", "list", "--json"]).json(), serde_json::json!([]));
    let (_, failed) = run(&ostler, "still 0.05\npicture /nowhere/picture.png\n");
    assert!(failed.code != 0 && failed.stderr.contains("/nowhere/picture.png"), "{}", failed.stderr);
    let played = ostler.run(&["recording", "play", "newest"]);
    assert!(played.code != 0 && played.stderr.contains("recording picture"), "{}", played.stderr);
}

#[test]
fn without_a_window_the_person_is_told_and_closes_it() {
    let ostler = stage();
    let mut terminal = ostler.terminal(&["connect", "kiosk"]);
    terminal.wait_for("320 x 200 pixels").unwrap();
    terminal.keys("\u{3}").unwrap();
    terminal.end().unwrap();
    let ends = ostler.ok(&["audit", "show", "--event", "session.end", "--json"]).json();
    assert_eq!(ends[0]["reason"], "closed here");
}
