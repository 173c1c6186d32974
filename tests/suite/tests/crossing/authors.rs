//! The plugins of the guide for authors: they stand in it as they are, and do what it says.

use std::path::Path;

use ostler_fakes::ssh::{FakeSshOptions, FakeSshServer, FakeUser, Observed};

use crate::world::{World, example};

const GUIDE: &str = include_str!("../../../../sdk/guide/README.md");
const USER: &str = "admin";
const PASSWORD: &str = "Wonder-Land-42";

#[test]
fn the_guide_shows_the_examples_as_they_are() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/examples");
    for name in ["importer-hosts", "launcher-switch"] {
        for file in ["plugin.toml", "src/lib.rs"] {
            let text = std::fs::read_to_string(examples.join(name).join(file)).unwrap();
            // Tests have a block of their own, and the first lines of documentation none.
            let parts = text.split("#[cfg(test)]\n").map(|part| match part.split_once("\n\n") {
                Some((head, rest)) if head.starts_with("//!") => rest,
                _ => part,
            });
            for part in parts {
                assert!(GUIDE.contains(part.trim_end()), "{name}/{file}: the guide should have\n{part}");
            }
        }
    }
}

#[test]
fn the_guides_importer_imports_what_it_says_and_leaves_the_rest_to_be_mended() {
    let world = World::new();
    world.ok(&["plugin", "install", example("importer-hosts").to_str().unwrap()]);
    world.file("list.hosts", "#hosts\nweb.example 22\nmail.example\n");
    let preview = world.ok(&["import", "list.hosts", "--dry-run"]);
    assert!(preview.stdout.contains("1 connection(s) would be created"), "{}", preview.stdout);
    assert!(preview.stdout.contains("line 3: a line is 'host port'"), "{}", preview.stdout);
    world.ok(&["import", "list.hosts"]);
    let mend = world.home().join("work/list.not-imported.hosts");
    assert_eq!(std::fs::read_to_string(&mend).unwrap(), "mail.example\n");
    world.file("list.not-imported.hosts", "mail.example 2222\n");
    world.ok(&["import", "list.not-imported.hosts"]);
    assert_eq!(
        world.ok(&["tree"]).stdout,
        "mail.example  ssh mail.example:2222\nweb.example  ssh web.example:22\n"
    );
}

#[test]
fn the_guides_launcher_logs_in_with_what_it_never_sees_and_asks_where_nothing_is_set() {
    shows_vlans(&example("launcher-switch"));
}

/// The same plugin, built before `ostler:launcher` 0.2.0 came.
#[test]
fn a_launcher_that_was_built_for_an_older_contract_does_the_same() {
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/launcher-switch-0.1.0.wasm");
    let exported = |path: &Path, version: &str| {
        let name = format!("ostler:launcher/launcher@{version}");
        std::fs::read(path).unwrap().windows(name.len()).any(|part| part == name.as_bytes())
    };
    assert!(exported(&old, "0.1.0") && !exported(&old, "0.2.0"));
    assert!(
        exported(&example("launcher-switch"), "0.2.0") && !exported(&example("launcher-switch"), "0.1.0")
    );
    shows_vlans(&old);
}

fn shows_vlans(plugin: &Path) {
    let server = FakeSshServer::start(FakeSshOptions {
        users: vec![FakeUser::with_password(USER, PASSWORD)],
        ..FakeSshOptions::default()
    })
    .unwrap();
    let world = World::new();
    world.ok(&["plugin", "install", plugin.to_str().unwrap()]);
    world.file("password", PASSWORD);
    let port = server.port().to_string();
    let add = ["connection", "add", "sw1", "--type", "switch", "--host", "127.0.0.1", "--port", &port];
    let log_in = ["--user", USER, "--password-file", "password", "--set", "switch.vlan=7"];
    world.ok(&[&add[..], &log_in].concat());

    let connect = ["connect", "sw1", "--host-key", "accept-new"];
    assert_ne!(world.run(&connect).code, 0, "nothing was granted");
    world.ok(&["plugin", "grant", "example.launcher-switch", "secrets.use"]);
    let plan = world.ok(&["connect", "sw1", "--dry-run"]).stdout;
    assert!(plan.contains("login.password") && !plan.contains(PASSWORD), "{plan}");
    world.run(&connect);
    assert!(server.log().contains(&Observed::Command("show vlan 7".to_owned())), "{:?}", server.log());

    world.ok(&["connection", "edit", "sw1", "--unset", "switch.vlan"]);
    let refused = world.run(&["connect", "sw1", "--dry-run"]);
    assert!(refused.stderr.contains("switch.vlan"), "not granted: {}", refused.stderr);
    world.ok(&["plugin", "grant", "example.launcher-switch", "prompt"]);
    let mut terminal = world.terminal(&["connect", "sw1"]);
    terminal.wait_for("example.launcher-switch asks").unwrap();
    terminal.wait_for("VLAN").unwrap();
    terminal.keys("12\r").unwrap();
    terminal.end().unwrap();
    assert!(server.log().contains(&Observed::Command("show vlan 12".to_owned())), "{:?}", server.log());
}
