//! Which importer reads a file, where several recognize it.

use std::fs;

use crate::component::{manifest_of, with_manifest};
use crate::world::{World, example};

#[test]
fn of_two_importers_that_are_as_sure_the_person_chooses_one() {
    let ostler = World::new();
    let bytes = fs::read(example("importer-hosts")).unwrap();
    let other = manifest_of(&bytes).replace("example.importer-hosts", "example.other-hosts");
    let file = ostler.file("other.wasm", "");
    fs::write(&file, with_manifest(&bytes, &other)).unwrap();
    ostler.ok(&["plugin", "install", example("importer-hosts").to_str().unwrap()]);
    ostler.ok(&["plugin", "install", file.to_str().unwrap()]);
    ostler.file("list.hosts", "#hosts\nweb.example 22\n");

    let refused = ostler.run(&["import", "list.hosts"]);
    let expected = "recognized by example.importer-hosts and example.other-hosts: name one with --plugin";
    assert!(refused.code != 0 && refused.stderr.contains(expected), "{}", refused.stderr);
    let named =
        ostler.ok(&["import", "list.hosts", "--plugin", "example.other-hosts", "--dry-run", "--json"]);
    assert_eq!(named.json()["plugin"], "example.other-hosts");

    let mut terminal = ostler.terminal(&["--no-pager", "import", "list.hosts"]);
    terminal.wait_for("Which importer reads 'list.hosts'?").unwrap();
    terminal.keys("2\r").unwrap();
    terminal.wait_for("read by example.other-hosts").unwrap();
    assert_eq!(terminal.end().unwrap(), 0);

    // By the ending alone it is less sure than one that knows the content.
    ostler.file("table.hosts", "Connection Name,Computer Name\nweb,web.example\n");
    let report = ostler.run(&["import", "table.hosts", "--type", "ssh", "--dry-run", "--json"]).json();
    let candidates = report["candidates"].as_array().unwrap();
    assert_eq!(report["plugin"], "ostler.importer-csv", "{report}");
    assert_eq!(candidates.len(), 2, "{report}");
    assert_eq!(candidates[0]["how_sure"], 50);
}
