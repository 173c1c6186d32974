//! What is in the program's memory, and when: a secret while it is used and at no other time, the passphrase until the
//! store is open, never on a disk. A store of 1,000 secrets shows that opening one opens no other.
//!
//! Each search that must find nothing has one beside it that finds what is there.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};

use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser, Misbehavior, Observed};
use ostler_suite::PASSPHRASE;
use rustix::process::{Signal, kill_process};

use crate::searching::{Held, NamedPipe, Search, keys_of, pid, status_of, wait_until_held};
use crate::world::World;

const SECRETS: usize = 1000;
/// The connection whose secret is used.
const USED: usize = 500;
/// What an open store keeps: the keys of its metadata, its secrets, its MAC and its envelopes.
const STORE_KEYS: usize = 4;
/// What an importer plugin sees of a file to recognize it.
const HEAD: usize = 64 << 10;
/// Nobody: a user who owns no file.
const NOBODY: u32 = 65_534;

/// 1,000 connections to one server, each with a secret of its own; that of one is right.
struct Stage {
    ostler: World,
    server: FakeSshServer,
    file: String,
    secrets: Search,
    passphrase: Search,
    names: Search,
}

impl Stage {
    fn new() -> Self {
        let secrets: Vec<String> = (0..SECRETS).map(|_| random_text()).collect();
        let names: Vec<String> =
            (0..SECRETS).map(|number| format!("machine-{number:04}-{}", random_text())).collect();
        let user = FakeUser { name: "deploy".to_owned(), login: FakeLogin::Password(secrets[USED].clone()) };
        let server = FakeSshServer::start(FakeSshOptions {
            users: vec![user],
            misbehavior: Misbehavior::HoldPassword,
            ..FakeSshOptions::default()
        })
        .unwrap();
        let rows = names
            .iter()
            .zip(&secrets)
            .map(|(name, secret)| format!("{name},127.0.0.1,{},deploy,{secret}\n", server.port()));
        let file = format!("Name,Host,Port,User,Password\n{}", rows.collect::<String>());
        Self {
            ostler: World::new(),
            server,
            file,
            secrets: Search::of(&secrets),
            passphrase: Search::of(&[PASSPHRASE]),
            names: Search::of(&names),
        }
    }

    /// As [`Stage::new`], with all of it in the store.
    fn imported() -> Self {
        let stage = Self::new();
        stage.ostler.file("list.csv", &stage.file);
        stage.ostler.ok(&["import", "list.csv", "--type", "ssh"]);
        fs::remove_file(stage.ostler.home().join("work/list.csv")).unwrap();
        stage
    }

    fn used_name(&self) -> &str {
        self.file.lines().nth(USED + 1).and_then(|row| row.split(',').next()).unwrap()
    }

    /// Opens a session that stays open as long as its input is: `cat` holds it.
    fn connect(&self) -> Child {
        // A search takes its time while the log-in waits.
        self.ostler.ok(&["connection", "edit", self.used_name(), "--set", "ssh.connect-timeout-seconds=300"]);
        let words = ["connect", self.used_name(), "--host-key", "accept-new", "--", "cat"];
        self.ostler.command(&words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    fn secrets_in(&self, process: &Child) -> BTreeSet<usize> {
        self.secrets.found_in(process)
    }

    fn passphrase_in(&self, process: &Child) -> bool {
        !self.passphrase.found_in(process).is_empty()
    }
}

fn random_text() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(32).collect()
}

#[test]
fn only_the_password_that_is_used_is_in_memory_and_only_while_it_logs_in() {
    let stage = Stage::imported();
    let mut child = stage.connect();
    let server = &stage.server;
    assert!(server.wait_for(|log| log.contains(&Observed::PasswordHeld)), "{:?}", server.log());
    let before = (stage.secrets_in(&child), stage.passphrase_in(&child));
    server.answer_password();
    assert!(server.wait_for(|log| log.contains(&Observed::Command("cat".to_owned()))), "{:?}", server.log());
    let after = (stage.secrets_in(&child), stage.passphrase_in(&child));
    let locked = status_of(&child, "VmLck");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());

    assert_eq!(before, ([USED].into(), false), "while it logs in, one secret is there, and no passphrase");
    assert_eq!(after, (BTreeSet::new(), false), "after the log-in there is none");
    assert_ne!(locked, "0 kB", "keys are in memory that is never swapped");
}

#[test]
fn the_passphrase_is_gone_once_the_store_is_open_and_no_secret_is_opened_by_a_list() {
    let stage = Stage::imported();
    let path = stage.ostler.home().join("work/passphrase-pipe");
    let mut pipe = NamedPipe::make(&path);
    pipe.write(PASSPHRASE.as_bytes());
    let mut command = stage.ostler.command(&["connection", "list", "--json"]);
    command.env("OSTLER_PASSPHRASE_FILE", &path);
    let mut held = Held::start(command);
    wait_until_held(&mut held.child, &path);
    assert!(stage.passphrase_in(&held.child), "the passphrase is there while it is read");
    drop(pipe);
    held.wait_for_output();
    let left = (stage.passphrase_in(&held.child), stage.secrets_in(&held.child));
    let names = stage.names.found_in(&held.child).len();
    assert!(held.release().contains(stage.used_name()));
    assert_eq!(left, (false, BTreeSet::new()));
    assert_eq!(names, SECRETS, "the search finds what is there: the names that are about to be printed");
}

#[test]
fn nothing_is_left_once_it_is_locked_though_the_process_lives_on_for_a_session() {
    let stage = Stage::imported();
    let mut server = stage.ostler.command(&["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = BufReader::new(server.stderr.take().unwrap()).lines();
    assert!(told.any(|line| line.unwrap().contains("unlocked for other commands")));
    stage.ostler.ok(&["connection", "list"]);
    let listed = (stage.secrets_in(&server), stage.passphrase_in(&server));
    let keys = keys_of(&server);
    let keys_listed = Search::of(&keys).found_in(&server).len();
    let names = stage.names.found_in(&server).len();
    let mut client = stage.connect();
    let remote = &stage.server;
    assert!(remote.wait_for(|log| log.contains(&Observed::PasswordHeld)), "{:?}", remote.log());
    let logging_in = (stage.secrets_in(&server), stage.secrets_in(&client));
    remote.answer_password();
    assert!(remote.wait_for(|log| log.contains(&Observed::Command("cat".to_owned()))), "{:?}", remote.log());
    let open = stage.secrets_in(&server);
    stage.ostler.ok(&["lock"]);
    let locked = (stage.secrets_in(&server), stage.passphrase_in(&server));
    let keys_left = Search::of(&keys).found_in(&server);
    let names_left = stage.names.found_in(&server);
    drop(client.stdin.take());
    assert!(client.wait().unwrap().success(), "the session was open all the time");
    assert!(server.wait().unwrap().success());

    assert_eq!(listed, (BTreeSet::new(), false));
    assert!(keys.len() > STORE_KEYS && keys_listed == keys.len(), "the search finds the keys: {keys_listed}");
    assert_eq!(names, SECRETS, "the search finds what is there: the names in the tree");
    assert_eq!(logging_in, ([USED].into(), BTreeSet::new()), "the secret is used where the session is");
    assert_eq!(open, BTreeSet::new());
    assert_eq!(locked, (BTreeSet::new(), false), "after it is locked");
    // What stays is this device's, whose file is on the disk, and the audit log's, for the session's end.
    assert_eq!(keys.len() - keys_left.len(), STORE_KEYS, "{keys_left:?} of {} are left", keys.len());
    assert!(
        names_left.is_subset(&[USED].into()),
        "of the tree, the session's own name may be left: {names_left:?}"
    );
}

#[test]
fn secrets_are_in_memory_while_they_are_imported_and_gone_once_they_are_stored() {
    let stage = Stage::new();
    let path = stage.ostler.home().join("work/pipe.csv");
    let mut pipe = NamedPipe::make(&path);
    let mut held = Held::start(stage.ostler.command(&["import", "pipe.csv", "--type", "ssh", "--json"]));
    // The file is opened twice: for its beginning, by which the importer is found, and as a whole.
    pipe.write(&stage.file.as_bytes()[..HEAD]);
    pipe.write(stage.file.as_bytes());
    wait_until_held(&mut held.child, &path);
    let during = stage.secrets_in(&held.child).len();
    drop(pipe);
    held.wait_for_output();
    let left = (stage.passphrase_in(&held.child), stage.secrets_in(&held.child));
    let report = held.release();
    assert!(report.contains(&format!("\"secrets\": {SECRETS}")), "{report}");
    assert!(during > SECRETS / 2, "the search finds what is there: {during} secrets that are being read");
    assert_eq!(left, (false, BTreeSet::new()), "stored secrets are left in memory");
}

#[test]
fn a_check_that_opens_every_secret_leaves_none_behind() {
    let stage = Stage::imported();
    let mut held = Held::start(stage.ostler.command(&["store", "verify"]));
    held.wait_for_output();
    let left = (stage.passphrase_in(&held.child), stage.secrets_in(&held.child));
    held.release();
    assert_eq!(left, (false, BTreeSet::new()));
}

#[test]
fn the_program_leaves_no_core_dump_and_other_programs_of_the_user_can_not_read_it() {
    // The program is copied to where nobody else's rights are in the way.
    let home = tempfile::tempdir().unwrap();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = home.path().join("ostler");
    fs::copy(World::new().command(&[]).get_program(), &program).unwrap();
    let as_nobody = |mut command: Command| {
        command.uid(NOBODY).gid(NOBODY).current_dir(home.path());
        let mut held = Held::start(command);
        held.wait_for_output();
        let owner = fs::metadata(format!("/proc/{}/environ", held.child.id())).unwrap().uid();
        kill_process(pid(&held.child), Signal::ABORT).unwrap();
        (owner, held.child.wait().unwrap())
    };
    let mut help = Command::new(&program);
    help.arg("--help").env_clear().env("HOME", home.path());
    // The same for a program that protects nothing: it can be read by its user, and dumps its core.
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -c unlimited 2>/dev/null || ulimit -c \"$(ulimit -Hc)\"; echo held"]);

    let (owner, status) = as_nobody(shell);
    assert_eq!((owner, status.signal()), (NOBODY, Some(Signal::ABORT.as_raw())));
    assert!(status.core_dumped(), "this system dumps no cores, so that this test shows nothing");
    let (owner, status) = as_nobody(help);
    assert_eq!((owner, status.signal()), (0, Some(Signal::ABORT.as_raw())), "it belongs to root alone");
    assert!(!status.core_dumped());
}
