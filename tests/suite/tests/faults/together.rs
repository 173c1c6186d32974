//! Several processes at one store at once.

use std::collections::BTreeSet;
use std::sync::Barrier;

use ostler_suite::{Bench, Ostler, Output, PASSPHRASE};

/// Runs each of these at the same time, on threads of their own.
fn at_once<T: Send>(jobs: Vec<Box<dyn FnOnce() -> T + Send + '_>>) -> Vec<T> {
    let start = Barrier::new(jobs.len());
    std::thread::scope(|scope| {
        let threads: Vec<_> = jobs
            .into_iter()
            .map(|job| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    job()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn paths(ostler: &Ostler) -> Vec<String> {
    let list = ostler.run(&["connection", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    list.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap().to_owned()).collect()
}

fn whole(ostler: &Ostler) {
    for check in ostler.run(&["doctor", "--json"]).unwrap().json().unwrap().as_array().unwrap() {
        assert_ne!(check["state"], "bad", "{check}");
    }
}

/// Adds connections one after the other; returns the names that were acknowledged.
fn add(ostler: &Ostler, name: &str, count: usize) -> Vec<String> {
    let mut added = Vec::new();
    for number in 0..count {
        let name = format!("{name}-{number}");
        let output = ostler.run(&["connection", "add", &name, "--type", "ssh", "--host", "h"]).unwrap();
        if output.code == 0 {
            added.push(name);
        } else {
            let said = ["another program is using the store", "changed by other programs"];
            assert!(said.iter().any(|words| output.stderr.contains(words)), "{}", output.stderr);
            assert!(output.code == 8 && output.stderr.contains("try again"), "{}", output.stderr);
        }
    }
    added
}

#[test]
fn of_what_many_processes_add_nothing_is_lost_and_nothing_is_there_twice() {
    let ostler = Ostler::with_store().unwrap();
    // A long run takes 25 of each.
    let each = std::env::var("OSTLER_KILLS").map_or(6, |_| 25);
    let jobs = (0..8).map(|process| {
        let ostler = &ostler;
        Box::new(move || add(ostler, &format!("p{process}"), each)) as Box<dyn FnOnce() -> Vec<String> + Send>
    });
    let added: BTreeSet<String> = at_once(jobs.collect()).into_iter().flatten().collect();
    let found = paths(&ostler);
    assert_eq!(found.len(), added.len());
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), added);
    // A conflict is worked out again, so that hardly ever somebody has to try again.
    assert!(added.len() >= each * 6, "only {} of {} were added", added.len(), each * 8);
    whole(&ostler);
}

#[test]
fn one_name_is_given_once_however_many_ask_for_it() {
    let ostler = Ostler::with_store().unwrap();
    let jobs = (0..6).map(|_| {
        let ostler = &ostler;
        let words = ["connection", "add", "wanted", "--type", "ssh", "--host", "h"];
        Box::new(move || ostler.run(&words).unwrap()) as Box<dyn FnOnce() -> Output + Send>
    });
    let outputs = at_once(jobs.collect());
    assert_eq!(outputs.iter().filter(|output| output.code == 0).count(), 1);
    assert!(outputs.iter().all(|output| output.code == 0 || output.code == 1), "{outputs:?}");
    assert_eq!(paths(&ostler), ["wanted"]);
}

#[test]
fn an_import_among_edits_loses_neither() {
    let ostler = Ostler::with_store().unwrap();
    let rows: String = (0..100).map(|row| format!("i{row},imported.example,Secret-{row}\n")).collect();
    ostler.file("list.csv", format!("Name,Host,Password\n{rows}")).unwrap();
    let first = add(&ostler, "kept", 5);
    let jobs: Vec<Box<dyn FnOnce() -> Vec<Output> + Send>> = vec![
        Box::new(|| vec![ostler.run(&["import", "list.csv", "--type", "ssh"]).unwrap()]),
        Box::new(|| {
            let edit = |number: usize, name: &String| {
                ostler.run(&["connection", "edit", name, "--note", &format!("note {number}")]).unwrap()
            };
            first.iter().cycle().take(15).enumerate().map(|(number, name)| edit(number, name)).collect()
        }),
    ];
    for output in at_once(jobs).into_iter().flatten() {
        output.succeeded().unwrap();
    }
    assert_eq!(paths(&ostler).len(), 105);
    for (number, name) in (10..15).zip(&first) {
        let shown =
            ostler.run(&["connection", "show", name, "--json"]).unwrap().succeeded().unwrap().json().unwrap();
        assert_eq!(shown["notes"], format!("note {number}"));
    }
    whole(&ostler);
}

#[test]
fn sessions_open_while_the_passphrase_is_changed_or_are_told_that_it_is_another() {
    let bench = Bench::new().unwrap();
    let ostler = &bench.ostler;
    bench.on_server("true").unwrap().succeeded().unwrap();
    ostler.file("first", PASSPHRASE).unwrap();
    ostler.file("second", "Battery-Staple-8").unwrap();
    let files = ["first", "second"];
    let change = || {
        for turn in 0..4 {
            let (old, new) = (files[turn % 2], files[(turn + 1) % 2]);
            let words = ["store", "passwd", "--passphrase-file", old, "--new-passphrase-file", new];
            ostler.run(&words).unwrap().succeeded().unwrap();
        }
        Vec::new()
    };
    let connect = || {
        let words = |file| ["connect", Bench::CONNECTION, "--passphrase-file", file, "--", "echo hello"];
        (0..6).map(|turn| ostler.run(&words(files[turn % 2])).unwrap()).collect::<Vec<Output>>()
    };
    let outputs =
        at_once(vec![Box::new(change) as Box<dyn FnOnce() -> Vec<Output> + Send>, Box::new(connect)]);
    for output in outputs.into_iter().flatten() {
        let refused = ["the passphrase is wrong", "the next try is possible in"];
        assert!(
            output.text() == "hello\n" || refused.iter().any(|words| output.stderr.contains(words)),
            "{output:?}"
        );
    }
}

#[test]
fn sessions_at_once_have_recordings_of_their_own_and_both_are_complete() {
    let bench = Bench::new().unwrap();
    bench.on_server("true").unwrap().succeeded().unwrap();
    let jobs = (0..4).map(|number| {
        let bench = &bench;
        let run = move || bench.on_server(&format!("ticks {} 20", 50 + number)).unwrap();
        Box::new(run) as Box<dyn FnOnce() -> Output + Send>
    });
    let outputs = at_once(jobs.collect());
    let verified =
        bench.ostler.run(&["recording", "verify", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    let verified = verified.as_array().unwrap();
    assert_eq!(verified.len(), 5);
    assert!(verified.iter().all(|one| one["state"] == "complete" && one["audited"] == true), "{verified:?}");
    for (number, output) in outputs.into_iter().enumerate() {
        assert_eq!(output.succeeded().unwrap().stdout.len(), (50 + number) * 24);
    }
    whole(&bench.ostler);
}
