//! What a thief of the disk sees: no host, no user, no password, no output, in any file of the store.

use std::fs;
use std::path::Path;

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};

use crate::world::World;

#[test]
fn no_file_of_a_used_store_shows_a_name_a_password_or_what_a_session_said() {
    let user =
        FakeUser { name: "deploy-user".to_owned(), login: FakeLogin::Password("hidden-password".to_owned()) };
    let server =
        FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() }).unwrap();
    let ostler = World::new();
    let port = server.port();
    let file = ostler.file(
        "servers.csv",
        &format!(
            "Name,Host,Port,Username,Password,Folder,Notes\n\
             first-server,127.0.0.1,{port},deploy-user,hidden-password,Secret Folder,a private note\n\
             second-server,very-secret-host.example,22,deploy-user,hidden-password,Secret Folder,\n"
        ),
    );
    ostler.ok(&["import", file.to_str().unwrap(), "--type", "ssh"]);
    fs::remove_file(&file).unwrap();
    ostler.ok(&["connect", "first-server", "--host-key", "accept-new", "--", "echo", "words-on-the-screen"]);
    let verified = ostler.ok(&["recording", "list", "--json"]);
    assert!(verified.stdout.contains("first-server"), "the session was recorded: {}", verified.stdout);

    let wanted = [
        "first-server",
        "very-secret-host",
        "deploy-user",
        "hidden-password",
        "Secret Folder",
        "private note",
        "words-on-the-screen",
        "127.0.0.1",
    ];
    let mut files = 0;
    visit(&ostler.store(), &mut |path, bytes| {
        files += 1;
        for word in wanted {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "'{word}' stands in {}", path.display());
        }
    });
    assert!(files >= 8, "only {files} files were looked at");
}

#[test]
fn the_log_lies_where_the_guide_says_and_holds_no_secret() {
    let user =
        FakeUser { name: "deploy".to_owned(), login: FakeLogin::Password("hidden-password".to_owned()) };
    let server =
        FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() }).unwrap();
    let world = World::new();
    let (port, password) = (server.port().to_string(), world.file("password", "hidden-password"));
    let words = [
        "connection",
        "add",
        "a",
        "--type",
        "ssh",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--user",
        "deploy",
    ];
    world.ok(&[words.as_slice(), &["--password-file", password.to_str().unwrap()]].concat());
    world.ok(&["connect", "a", "--host-key", "accept-new", "--", "echo", "in"]);
    let log = fs::read_to_string(world.home().join("state/ostler/log/ostler.log")).unwrap();
    assert!(log.contains("DEBUG"), "the level that OSTLER_LOG names is in effect: {log}");
    for secret in ["hidden-password", ostler_suite::PASSPHRASE] {
        assert!(!log.contains(secret));
    }
}

/// Looks at every file of a folder and of those below it.
pub(crate) fn visit(directory: &Path, look: &mut dyn FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, look);
        } else {
            look(&path, &fs::read(&path).unwrap());
        }
    }
}
