//! The capability `files`: what was named and what lies below it, and nothing else.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;
use std::path::Path;

use ostler_plugin_api::{Capability, Grant, Grants, Guard, Scope};
use ostler_runtime::Plugin;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use crate::world::{EVERYTHING, NOTHING, World, guest, probed};

/// A folder `in` that is granted, and one `out` that is not.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        let disk = Self(TempDir::new().unwrap());
        std::fs::create_dir(disk.0.path().join("in")).unwrap();
        std::fs::create_dir(disk.0.path().join("out")).unwrap();
        std::fs::write(disk.0.path().join("in/list"), "inside").unwrap();
        std::fs::write(disk.0.path().join("out/secret"), "outside").unwrap();
        disk
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Loads the guest with all ways of access to the folder `in`, by two layers.
    fn plugin(&self, world: &World) -> Plugin {
        let ways = |ways: [&str; 4], path: &str| ways.map(|way| format!("{way}:{path}")).to_vec();
        let all = ["read", "write", "watch", "socket"];
        let layer = |files| Scope { files: Some(files), ..Scope::default() };
        let layers =
            vec![layer(ways(all, &self.at("in/**"))), layer(ways(all, &format!("{}/**", self.at("in"))))];
        load(world, layers)
    }
}

fn load(world: &World, layers: Vec<Scope>) -> Plugin {
    let guest = guest("machine-user");
    let digest: String = Sha256::digest(&guest.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let grants = Grants(BTreeMap::from([(Capability::Files, Grant { layers })]));
    world.runtime.load(&guest.manifest, &format!("sha256:{digest}"), &guest.bytes, grants).unwrap()
}

async fn does(plugin: &Plugin, what: &str, path: &str) -> String {
    probed(plugin, &[("do", what), ("path", path), ("content", "changed")]).await
}

#[tokio::test]
async fn a_plugin_reads_lists_and_writes_below_what_was_named() {
    let (disk, world) = (Disk::new(), World::new());
    let plugin = disk.plugin(&world);
    assert_eq!(does(&plugin, "files.read", &disk.at("in/list")).await, "6 inside");
    assert_eq!(does(&plugin, "files.list", &disk.at("in")).await, "list:EntryKind::File:6");
    assert_eq!(does(&plugin, "files.read", &disk.at("in/none")).await, "FileError::NotFound");
    for name in ["in/list", "in/new"] {
        assert_eq!(does(&plugin, "files.write", &disk.at(name)).await, "written");
        assert_eq!(std::fs::read_to_string(disk.at(name)).unwrap(), "changed");
    }
    assert_eq!(
        std::fs::read_dir(disk.at("in")).unwrap().count(),
        2,
        "nothing is left beside what was written"
    );
    let written =
        [format!("files write {}", disk.at("in/list")), format!("files write {}", disk.at("in/new"))];
    assert_eq!(*world.machine_uses.noted.lock().unwrap(), written);
    *world.machine_uses.full.lock().unwrap() = true;
    let refused = does(&plugin, "files.write", &disk.at("in/unnoted")).await;
    assert!(refused.contains("Unavailable") && !Path::new(&disk.at("in/unnoted")).exists(), "{refused}");
}

#[tokio::test]
async fn what_is_not_granted_or_not_covered_is_refused_and_that_is_the_guards_work() {
    let disk = Disk::new();
    let calls = [("files.read", "out/secret"), ("files.list", "out"), ("files.write", "out/secret")];
    let plugin = disk.plugin(&World::new());
    for (call, name) in calls {
        let refused = does(&plugin, call, &disk.at(name)).await;
        assert!(
            refused.contains("Denied") && refused.contains("is not covered by the grant of 'files'"),
            "{refused}"
        );
    }
    for path in ["in/../out/secret", "in//list", "in/./list", "in/list/"] {
        let refused = does(&plugin, "files.read", &disk.at(path)).await;
        assert!(refused.contains("Invalid"), "{path}: {refused}");
    }
    let ungranted = World::new().load(&guest("machine-user"), NOTHING).unwrap();
    let refused = does(&ungranted, "files.read", &disk.at("in/list")).await;
    assert!(refused.contains("the capability 'files' is not granted"), "{refused}");
    // The manifest asks for whatever another layer names: without one there is nothing.
    let unbounded = World::new().load(&guest("machine-user"), EVERYTHING).unwrap();
    assert!(does(&unbounded, "files.read", &disk.at("in/list")).await.contains("is not covered"));
    let reading = Scope { files: Some(vec![format!("read:{}", disk.at("in"))]), ..Scope::default() };
    assert!(
        does(&load(&World::new(), vec![reading]), "files.write", &disk.at("in/list"))
            .await
            .contains("to write")
    );

    let unguarded = disk.plugin(&World::without(Guard::Scope));
    assert_eq!(does(&unguarded, "files.read", &disk.at("out/secret")).await, "7 outside");
    assert_eq!(does(&unguarded, "files.write", &disk.at("out/secret")).await, "written");
}

#[tokio::test]
async fn no_link_leads_out_of_what_was_named_and_that_is_the_guards_work() {
    let disk = Disk::new();
    std::os::unix::fs::symlink(disk.at("out/secret"), disk.at("in/link")).unwrap();
    std::os::unix::fs::symlink(disk.at("out"), disk.at("in/folder")).unwrap();
    std::os::unix::fs::symlink("../out", disk.at("in/up")).unwrap();
    std::fs::hard_link(disk.at("out/secret"), disk.at("in/hard")).unwrap();
    let (plugin, unguarded) = (disk.plugin(&World::new()), disk.plugin(&World::without(Guard::Contained)));
    for name in ["in/link", "in/folder/secret", "in/up/secret", "in/hard"] {
        let refused = does(&plugin, "files.read", &disk.at(name)).await;
        assert!(refused.contains("Denied"), "{name}: {refused}");
        assert_eq!(does(&unguarded, "files.read", &disk.at(name)).await, "7 outside", "{name}");
    }
    for name in ["in/folder/new", "in/up/new"] {
        let refused = does(&plugin, "files.write", &disk.at(name)).await;
        assert!(refused.contains("Denied") && !Path::new(&disk.at("out/new")).exists(), "{name}: {refused}");
        assert_eq!(does(&unguarded, "files.write", &disk.at(name)).await, "written", "{name}");
        std::fs::remove_file(disk.at("out/new")).unwrap();
    }
    assert!(does(&plugin, "files.list", &disk.at("in/folder")).await.contains("Denied"));
    // A link is not written through, and a file with further names keeps those as they were.
    assert!(does(&plugin, "files.write", &disk.at("in/link")).await.contains("Unfit"));
    assert_eq!(does(&plugin, "files.write", &disk.at("in/hard")).await, "written");
    assert_eq!(std::fs::read_to_string(disk.at("out/secret")).unwrap(), "outside");
    // What was named may itself be a link: that was the user's choice.
    let named = Scope { files: Some(vec![format!("read:{}", disk.at("in/link"))]), ..Scope::default() };
    assert_eq!(does(&load(&World::new(), vec![named]), "files.read", &disk.at("in/link")).await, "7 outside");
}

#[tokio::test]
async fn a_link_that_comes_and_goes_never_leads_out() {
    let disk = Disk::new();
    let plugin = disk.plugin(&World::new());
    let (real, link, swapped) = (disk.at("in/real"), disk.at("in/link"), disk.at("in/swapped"));
    std::fs::create_dir(&real).unwrap();
    std::fs::write(format!("{real}/secret"), "inside").unwrap();
    std::os::unix::fs::symlink(disk.at("out"), &link).unwrap();
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let swapping = std::thread::spawn({
        let stop = std::sync::Arc::clone(&stop);
        move || {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                for from in [&real, &link] {
                    std::fs::rename(from, &swapped).unwrap();
                    std::fs::rename(&swapped, from).unwrap();
                }
            }
        }
    });
    for _ in 0..200 {
        for name in ["in/swapped/secret", "in/link/secret", "in/real/secret"] {
            let answer = does(&plugin, "files.read", &disk.at(name)).await;
            assert!(!answer.contains("outside"), "{name}: {answer}");
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    swapping.join().unwrap();
}

#[tokio::test]
async fn pipes_devices_and_folders_are_no_files_and_do_not_block() {
    let disk = Disk::new();
    let pipe = disk.at("in/pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    let plugin = disk.plugin(&World::new());
    for path in [&pipe, &disk.at("in")] {
        let refused = does(&plugin, "files.read", path).await;
        assert!(refused.contains("it is no file"), "{refused}");
    }
    assert!(does(&plugin, "files.write", &pipe).await.contains("it is no file"));
    let devices = Scope { files: Some(vec!["read:/dev/**".to_owned()]), ..Scope::default() };
    assert!(
        does(&load(&World::new(), vec![devices]), "files.read", "/dev/zero").await.contains("it is no file")
    );
}

#[tokio::test]
async fn limits_are_kept() {
    let disk = Disk::new();
    let plugin = disk.plugin(&World::new());
    let refused = does(&plugin, "files.many", &disk.at("in/list")).await;
    assert!(refused.contains("at most 16 files, watchers and sockets open"), "{refused}");
    assert!(does(&plugin, "files.large", &disk.at("in/list")).await.contains("at most 8 MiB"));
    assert_eq!(does(&plugin, "files.read", &disk.at("in/list")).await, "6 inside");
    for number in 0..10_000 {
        std::fs::write(disk.at(&format!("in/{number}")), "").unwrap();
    }
    assert!(does(&plugin, "files.list", &disk.at("in")).await.contains("at most 10000 entries"));
}

#[tokio::test]
async fn a_folder_is_watched_and_a_socket_is_spoken_to() {
    let disk = Disk::new();
    let plugin = disk.plugin(&World::new());
    let watched = [("do", "files.watch"), ("path", &disk.at("in")), ("other", &disk.at("in/new"))];
    assert_eq!(probed(&plugin, &watched).await, "new:true then 0");
    assert!(does(&plugin, "files.watch", &disk.at("out")).await.contains("Denied"));

    let agent = UnixListener::bind(disk.at("in/agent")).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut peer, _) = agent.accept().unwrap();
        let mut asked = [0; 7];
        peer.read_exact(&mut asked).unwrap();
        peer.write_all(b"heard ").unwrap();
        peer.write_all(&asked).unwrap();
    });
    let answer = does(&plugin, "files.connect", &disk.at("in/agent")).await;
    assert!("heard changed".starts_with(&answer) && !answer.is_empty(), "{answer}");
    answering.join().unwrap();
    assert!(does(&plugin, "files.connect", &disk.at("in/list")).await.contains("it is no socket"));
    let _outside = UnixListener::bind(disk.at("out/agent")).unwrap();
    assert!(does(&plugin, "files.connect", &disk.at("out/agent")).await.contains("Denied"));
}
