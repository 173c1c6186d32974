//! Kills while the store is written: adding, editing, copying, moving, deleting and importing connections.

use std::collections::BTreeMap;

use ostler_suite::Ostler;

use super::{Kills, Usual, usual};
use crate::watch::{Watch, events};

/// Connections by path, each with its host.
type Content = BTreeMap<String, String>;

/// Lines of a file that is imported: many rows in one transaction.
const IMPORTED: usize = 40;

/// Something that changes the store.
#[derive(Debug, Clone)]
enum Change {
    Add(String),
    Edit(String, String),
    Copy(String, String),
    Move(String),
    Delete(String),
    Import(usize),
}

impl Change {
    /// Makes up a change that the store takes.
    fn make_up(kills: &mut Kills, content: &Content, number: usize) -> Self {
        let names: Vec<&String> = content.keys().collect();
        let Some(known) = kills.rng.choice(&names).map(|name| (*name).clone()) else {
            return Self::Add(format!("c{number}"));
        };
        match kills.rng.u8(..12) {
            0..4 => Self::Add(format!("c{number}")),
            4..7 => Self::Edit(known, format!("h{number}.example")),
            7 => Self::Copy(known, format!("copy{number}")),
            8 if !known.contains('/') => Self::Move(known),
            8..10 => Self::Delete(known),
            _ => Self::Import(number),
        }
    }

    fn words(&self) -> Vec<&str> {
        let add = ["--type", "ssh", "--host", "added.example", "--user", "u", "--password-file", "password"];
        match self {
            Self::Add(name) => [&["connection", "add", name][..], &add].concat(),
            Self::Edit(name, host) => vec!["connection", "edit", name, "--host", host],
            Self::Copy(name, to) => vec!["connection", "copy", name, to],
            Self::Move(name) => vec!["connection", "move", name, "--into", "Kept"],
            Self::Delete(name) => vec!["connection", "delete", name, "--yes"],
            Self::Import(_) => vec!["import", "list.csv", "--type", "ssh", "--headers", "yes"],
        }
    }

    /// Makes the change in the expected content. Returns the audit event's class.
    fn expect(&self, content: &mut Content) -> &'static str {
        let host = |content: &Content, name: &String| content[name].clone();
        let folder =
            |name: &String| name.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        match self {
            Self::Add(name) => {
                content.insert(name.clone(), "added.example".to_owned());
                "connection.create"
            }
            Self::Edit(name, host) => {
                content.insert(name.clone(), host.clone());
                "connection.change"
            }
            Self::Copy(name, to) => {
                content.insert(folder(name) + to, host(content, name));
                "connection.copy"
            }
            Self::Move(name) => {
                let host = content.remove(name).unwrap();
                content.insert(format!("Kept/{name}"), host);
                "connection.move"
            }
            Self::Delete(name) => {
                content.remove(name);
                "connection.delete"
            }
            Self::Import(number) => {
                content.extend(
                    (0..IMPORTED).map(|row| (format!("i{number}-{row}"), "imported.example".to_owned())),
                );
                "import"
            }
        }
    }
}

fn list(number: usize) -> String {
    let rows =
        (0..IMPORTED).map(|row| format!("i{number}-{row},imported.example,22,admin,Secret-{number}-{row}\n"));
    format!("Connection Name,Computer Name,Port,User Name,Password\n{}", rows.collect::<String>())
}

fn content(ostler: &Ostler) -> Content {
    let list = ostler.run(&["connection", "list", "--json"]).unwrap().succeeded().unwrap().json().unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(|one| (text(&one["path"]), text(&one["host"]))).collect()
}

#[test]
fn no_acknowledged_change_of_the_store_is_lost_and_no_change_is_made_by_half() {
    let ostler = Ostler::with_store().unwrap();
    ostler.file("password", "Wonder-Land-42").unwrap();
    ostler.file("list.csv", list(0)).unwrap();
    ostler.run(&["folder", "add", "Kept"]).unwrap().succeeded().unwrap();
    let mut kills = Kills::new("store writes");
    let mut expected = Content::new();
    // What commands do usually; the first of each kind also fills the cache.
    let usual_of = |change: &Change, expected: &mut Content| -> Usual {
        change.expect(expected);
        usual(&ostler, &change.words(), &[])
    };
    let add = usual_of(&Change::Add("first".to_owned()), &mut expected);
    let import = usual_of(&Change::Import(0), &mut expected);
    let mut acknowledged: BTreeMap<&str, usize> = BTreeMap::new();
    let before: BTreeMap<&str, usize> = CLASSES.map(|class| (class, events(&ostler, class).len())).into();
    let mut watch = Watch::begin(&ostler);
    let (mut made, mut not_made) = (0, 0);
    for number in 1.. {
        if !kills.more() {
            break;
        }
        let change = Change::make_up(&mut kills, &expected, number);
        if let Change::Import(number) = change {
            ostler.file("list.csv", list(number)).unwrap();
        }
        let point = kills.point(if matches!(change, Change::Import(_)) { &import } else { &add });
        let (shown, killed) = kills.run(&ostler, &change.words(), &point);
        watch.right_after(&ostler);
        let mut after = expected.clone();
        let class = change.expect(&mut after);
        let found = content(&ostler);
        if !killed {
            shown.output.succeeded().unwrap();
            assert_eq!(found, after, "{change:?} was acknowledged");
            *acknowledged.entry(class).or_default() += 1;
        } else if found == after && found != expected {
            made += 1;
        } else {
            assert_eq!(found, expected, "{change:?} killed at {point:?}");
            not_made += 1;
        }
        expected = found;
        watch.after_next_start(&ostler);
        // Not too much, or reading it takes longer than writing.
        if expected.len() > 400 {
            for name in expected.keys().filter(|name| name.starts_with('i')).cloned().collect::<Vec<_>>() {
                ostler.run(&["connection", "delete", &name, "--yes"]).unwrap().succeeded().unwrap();
                expected.remove(&name);
            }
        }
    }
    for (class, count) in &acknowledged {
        let written = events(&ostler, class).len() - before[class];
        assert!(written >= *count, "{class}: {count} were acknowledged, {written} are in the audit log");
    }
    kills.report(&format!(
        "0 acknowledged changes lost; of the killed ones {made} made, {not_made} not made, 0 by half"
    ));
}

const CLASSES: [&str; 6] = [
    "connection.create",
    "connection.change",
    "connection.copy",
    "connection.move",
    "connection.delete",
    "import",
];
