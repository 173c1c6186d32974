//! The desktop's keyring: a real gnome-keyring-daemon on a message bus of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ostler_suite::{Ostler, Output};

/// A message bus and a keyring, both of this test only.
struct Desktop<'a> {
    ostler: &'a Ostler,
    address: String,
    bus: Child,
    keyring: Option<Child>,
}

impl<'a> Desktop<'a> {
    fn start(ostler: &'a Ostler) -> Self {
        let runtime = ostler.home().join("runtime");
        fs::create_dir(&runtime).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o700)).unwrap();
        let mut bus = program("dbus-daemon", ostler)
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon is missing: install dbus-daemon");
        let mut address = String::new();
        BufReader::new(bus.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let mut desktop = Self { ostler, address: address.trim().to_owned(), bus, keyring: None };
        desktop.start_keyring();
        desktop
    }

    /// Starts the keyring, unlocked; returns once it answers.
    fn start_keyring(&mut self) {
        let mut keyring = program("gnome-keyring-daemon", self.ostler)
            .args(["--foreground", "--unlock", "--components=secrets"])
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon is missing: install gnome-keyring");
        keyring.stdin.take().unwrap().write_all(b"keyring-pass\n").unwrap();
        self.keyring = Some(keyring);
        // The bus answers once the name is taken; it is asked, not slept for.
        let owned =
            || self.bus_says("org.freedesktop.DBus.NameHasOwner", &["string:org.freedesktop.secrets"]);
        let until = Instant::now() + Duration::from_secs(20);
        while !owned().contains("boolean true") {
            assert!(Instant::now() < until, "the keyring does not come up");
            std::thread::yield_now();
        }
    }

    fn stop_keyring(&mut self) {
        if let Some(mut keyring) = self.keyring.take() {
            keyring.kill().unwrap();
            keyring.wait().unwrap();
        }
    }

    /// Locks the keyring where the store's secret lies.
    fn lock(&self) {
        let said = send(
            self,
            "org.freedesktop.secrets",
            "/org/freedesktop/secrets",
            &[
                "org.freedesktop.Secret.Service.Lock",
                "array:objpath:/org/freedesktop/secrets/collection/login",
            ],
        );
        assert!(said.contains("/org/freedesktop/secrets/collection/login"), "{said}");
    }

    fn bus_says(&self, method: &str, arguments: &[&str]) -> String {
        send(self, "org.freedesktop.DBus", "/org/freedesktop/DBus", &[&[method], arguments].concat())
    }

    /// Runs the program on this desktop, without a passphrase.
    fn run(&self, words: &[&str]) -> Output {
        self.command(words).env_remove("OSTLER_PASSPHRASE_FILE").output().unwrap().into()
    }

    fn with_passphrase(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap().into()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.ostler.command(words);
        command.env("DBUS_SESSION_BUS_ADDRESS", &self.address);
        command
    }
}

impl Drop for Desktop<'_> {
    fn drop(&mut self) {
        self.stop_keyring();
        self.bus.kill().unwrap();
        self.bus.wait().unwrap();
    }
}

/// A program of the desktop, in the home of the test.
#[expect(clippy::disallowed_methods, reason = "tests start the real keyring")]
fn program(name: &str, ostler: &Ostler) -> Command {
    let mut command = Command::new(name);
    let home: [(&str, PathBuf); 1] = [("XDG_RUNTIME_DIR", ostler.home().join("runtime"))];
    command.env_clear().envs(ostler.environment()).envs(home).current_dir(ostler.work());
    command
}

/// Calls a method on the bus and returns the answer, as `dbus-send` prints it.
fn send(desktop: &Desktop<'_>, name: &str, path: &str, call: &[&str]) -> String {
    let mut command = program("dbus-send", desktop.ostler);
    command.env("DBUS_SESSION_BUS_ADDRESS", &desktop.address);
    command.args(["--session", "--print-reply", &format!("--dest={name}"), path]).args(call);
    String::from_utf8(command.output().expect("dbus-send is missing: install dbus-bin").stdout).unwrap()
}

#[test]
fn an_open_keyring_opens_the_store_and_without_it_the_passphrase_does() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    ostler.run(&["folder", "add", "Own"])?.succeeded()?;
    let mut desktop = Desktop::start(&ostler);
    desktop.run(&["tree"]).failed(3, "the passphrase is needed")?;
    desktop.with_passphrase(&["store", "keyring", "enable"]).succeeded()?;
    assert_eq!(desktop.run(&["tree"]).succeeded()?.text(), "Own/\n");
    let audited = desktop.run(&["audit", "show"]).succeeded()?.text();
    assert!(audited.contains("vault.keyring-enable") && audited.contains("means=keyring"), "{audited}");

    // Another store's secret is not this one's.
    let other = Ostler::with_store()?;
    let elsewhere = other.command(&["tree"]).env("DBUS_SESSION_BUS_ADDRESS", &desktop.address).output()?;
    Output::from(elsewhere).succeeded()?;

    let doctor = |desktop: &Desktop<'_>| desktop.with_passphrase(&["doctor"]).text();
    assert!(doctor(&desktop).contains("keyring: it is open and has the store's secret"));

    desktop.lock();
    assert!(doctor(&desktop).contains("keyring: the desktop's keyring is locked"));
    let locked = desktop.run(&["tree"]).failed(3, "the desktop's keyring is locked")?;
    assert!(locked.stderr.contains("the passphrase is needed"), "{}", locked.stderr);
    assert_eq!(desktop.with_passphrase(&["tree"]).succeeded()?.text(), "Own/\n");

    desktop.stop_keyring();
    // No bus at all, as on a server.
    let bare = ostler.command(&["tree"]).env_remove("OSTLER_PASSPHRASE_FILE").output()?;
    Output::from(bare).failed(3, "the desktop's keyring is not to be reached")?;

    // The daemon started anew, with what it kept.
    desktop.start_keyring();
    assert_eq!(desktop.run(&["tree"]).succeeded()?.text(), "Own/\n");
    Ok(())
}

#[test]
fn a_rotation_and_a_key_file_turn_the_keyring_off_until_it_is_enabled_again() -> anyhow::Result<()> {
    let ostler = Ostler::with_store()?;
    let desktop = Desktop::start(&ostler);
    desktop.with_passphrase(&["store", "keyring", "enable"]).succeeded()?;
    let rotated = desktop.with_passphrase(&["store", "rekey"]).succeeded()?.text();
    assert!(rotated.contains("'ostler store keyring enable'"), "{rotated}");
    desktop.run(&["tree"]).failed(3, "the passphrase is needed")?;

    ostler.run(&["store", "key-file", "make", "key"])?.succeeded()?;
    desktop.with_passphrase(&["store", "key-file", "add", "key"]).succeeded()?;
    let with_file = ["--store-key-file", "key"];
    desktop.with_passphrase(&[with_file.as_slice(), &["store", "keyring", "enable"]].concat()).succeeded()?;
    desktop.run(&["tree"]).failed(3, "the store wants its key file")?;
    desktop.run(&[with_file.as_slice(), &["tree"]].concat()).succeeded()?;

    // What is in the keyring is taken away behind the program's back.
    let items = send(
        &desktop,
        "org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        &["org.freedesktop.Secret.Service.SearchItems", "dict:string:string:application,ostler"],
    );
    let item = items.split('"').find(|text| text.starts_with("/org/")).expect("the item is there");
    send(&desktop, "org.freedesktop.secrets", item, &["org.freedesktop.Secret.Item.Delete"]);
    let lost = desktop.run(&[with_file.as_slice(), &["tree"]].concat());
    let lost = lost.failed(3, "the desktop's keyring has lost the store's secret")?;
    assert!(lost.stderr.contains("'ostler store keyring enable'"), "{}", lost.stderr);

    desktop
        .with_passphrase(&[with_file.as_slice(), &["store", "keyring", "disable"]].concat())
        .succeeded()?;
    let quiet =
        desktop.run(&[with_file.as_slice(), &["tree"]].concat()).failed(3, "the passphrase is needed")?;
    assert!(!quiet.stderr.contains("keyring"), "{}", quiet.stderr);
    Ok(())
}
