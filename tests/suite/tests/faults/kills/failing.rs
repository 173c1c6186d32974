//! Calls that fail rather than processes that end: an error of the disk at any call is told, and nothing that was
//! acknowledged is lost.

use ostler_suite::Ostler;

use super::{Kills, Point, tampered, usual, watch};
use crate::watch::Watch;

fn add(name: &str) -> [&str; 7] {
    ["connection", "add", name, "--type", "ssh", "--host", "h"]
}

#[test]
fn an_error_of_the_disk_at_any_call_is_told_and_loses_nothing() {
    let ostler = Ostler::with_store().unwrap();
    let mut kills = Kills::new("errors of the disk");
    let usual = usual(&ostler, &add("first"), &[]);
    let mut left = Watch::begin(&ostler);
    let listed = || {
        let list =
            ostler.run(&["connection", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let (mut told, mut unhurt) = (0, 0);
    for number in 0..kills.wanted {
        let Point::Call(call, at) = kills.call(&usual) else { continue };
        // Threads wake each other with it; files are written with others.
        if call == "write" {
            continue;
        }
        let error = ["EIO", "ENOSPC", "EROFS"][kills.rng.usize(..3)];
        let name = format!("n{number}");
        let before = listed();
        let how = format!("error={error}:when={at}");
        let output = watch(tampered(&ostler, &add(&name), &call, &how), None).output;
        left.right_after(&ostler);
        let after = listed();
        if output.code == 0 {
            unhurt += 1;
            assert!(after.contains(&name), "{call} {how}: acknowledged and lost");
        } else {
            told += 1;
            assert!(
                output.code != 101 && output.stderr.contains("error: "),
                "{call} {how}: {}",
                output.stderr
            );
        }
        let others: Vec<String> = after.into_iter().filter(|other| *other != name).collect();
        assert_eq!(others, before, "{call} {how}");
        left.after_next_start(&ostler);
    }
    kills.report(&format!("{told} errors were told, {unhurt} did no harm, 0 acknowledged changes lost"));
}
