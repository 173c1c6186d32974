//! The tools for plugin authors: the guide's commands as they stand there, every kind of new project, signatures with the real minisign, and
//! what policy makes of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::component::{manifest_of, with_manifest};
use crate::world::{Run, World, guest};

const GUIDE: &str = include_str!("../../../../sdk/guide/README.md");

/// A folder in which the author works: inside of the checkout, so that the SDK is found above it, and with the build's leftovers of
/// the last time.
pub(crate) struct Desk {
    pub(crate) world: World,
    pub(crate) folder: tempfile::TempDir,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(target).unwrap();
        Self { world: World::new(), folder: tempfile::tempdir_in(target).unwrap() }
    }

    /// Runs a line as a person would type it, in a folder of the desk.
    pub(crate) fn types(&self, line: &str, folder: &Path) -> Run {
        let output = self.shell(line, folder).output().unwrap();
        Run {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Returns the command that does the same.
    pub(crate) fn shell(&self, line: &str, folder: &Path) -> Command {
        let program = self.world.command(&[]);
        let programs = Path::new(program.get_program()).parent().unwrap().to_owned();
        let path = std::env::join_paths(
            std::iter::once(programs).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(folder);
        for (name, value) in program.get_envs() {
            if let Some(value) = value {
                shell.env(name, value);
            }
        }
        // What Cargo needs to work without the network, as this very test was built.
        for name in ["CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "CARGO", "HOME"] {
            if let (Some(value), false) =
                (std::env::var_os(name), name == "HOME" && std::env::var_os("CARGO_HOME").is_some())
            {
                shell.env(name, value);
            }
        }
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("author");
        shell.env("PATH", path.unwrap()).env("CARGO_NET_OFFLINE", "true").env("CARGO_TARGET_DIR", built);
        shell.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
        shell
    }
}

/// The commands of the blocks ```console of a section.
fn commands(section: &str) -> Vec<&'static str> {
    let text = GUIDE.split("\n## ").find(|text| text.starts_with(section)).unwrap();
    let blocks = text.split("```console\n").skip(1).map(|block| block.split("```").next().unwrap());
    blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("$ ")).collect()
}

#[test]
fn the_guides_commands_make_an_installed_tested_and_signed_importer() {
    let desk = Desk::new();
    let mut folder = desk.folder.path().to_owned();
    let commands = commands("An importer in ten minutes");
    assert!(commands.len() >= 10, "{commands:?}");
    for line in commands {
        if let Some(into) = line.strip_prefix("cd ") {
            folder = folder.join(into);
            continue;
        }
        let ran = desk.types(line, &folder);
        assert_eq!(ran.code, 0, "{line}: {} {}", ran.stdout, ran.stderr);
    }
    assert_eq!(desk.world.ok(&["tree"]).stdout, "web.example  ssh web.example:22\n");
    let shown = desk.world.ok(&["plugin", "show", "example.importer-hosts", "--json"]).json();
    let key = fs::read_to_string(folder.join("publisher.key.pub")).unwrap();
    assert!(key.contains(shown["signed_by"].as_str().unwrap()), "{shown}");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(folder.join("publisher.key")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let events = desk.world.ok(&["audit", "show", "--event", "plugin.install", "--json"]).json();
    assert_eq!(events[0]["details"]["signed-by"], shown["signed_by"]);
}

#[test]
fn every_kind_of_new_project_passes_its_tests_and_nothing_is_written_over() {
    let desk = Desk::new();
    for kind in ["launcher", "driver"] {
        let made = desk.types(
            &format!("ostler plugin new my-{kind} --kind {kind} --publisher acme"),
            desk.folder.path(),
        );
        assert_eq!(made.code, 0, "{}", made.stderr);
        let folder = desk.folder.path().join(format!("my-{kind}"));
        let tested = desk.types("ostler plugin test --json", &folder);
        assert_eq!(tested.code, 0, "{kind}: {} {}", tested.stdout, tested.stderr);
        assert!(tested.stdout.contains(&format!("\"acme.my-{kind}\"")), "{}", tested.stdout);
        let again = desk.types(&format!("ostler plugin new my-{kind} --kind {kind}"), desk.folder.path());
        assert!(again.code != 0 && again.stderr.contains("is there already"), "{}", again.stderr);
    }
    let bad = desk.types("ostler plugin new 'My Plugin' --kind importer", desk.folder.path());
    assert!(bad.code != 0, "{}", bad.stdout);
    let nowhere = desk.types("ostler plugin build", desk.folder.path());
    assert!(nowhere.stderr.contains("has no Cargo.toml"), "{}", nowhere.stderr);
}

#[test]
fn a_component_without_a_manifest_gets_one_and_what_does_not_fit_is_named() {
    let desk = Desk::new();
    let at = desk.folder.path();
    fs::write(at.join("plugin.toml"), "id = \"acme.bare\"\nname = \"Bare\"\nversion = \"2.0.0\"\ndescription = \"Does nothing.\"\nkinds = [\"launcher\"]\n").unwrap();
    let bare = guest("no-manifest");
    let line =
        |manifest: &str| format!("ostler plugin pack --component {} {manifest} --out packed", bare.display());
    let packed = desk.types(&line("--manifest plugin.toml"), at);
    assert_eq!(packed.code, 0, "{}", packed.stderr);
    let first = fs::read(at.join("packed/acme.bare-2.0.0.wasm")).unwrap();
    assert!(manifest_of_section(&first).contains("acme.bare"));
    desk.types(&line("--manifest plugin.toml"), at);
    assert_eq!(fs::read(at.join("packed/acme.bare-2.0.0.wasm")).unwrap(), first, "the same bytes each time");
    desk.world.ok(&["plugin", "install", at.join("packed/acme.bare-2.0.0.wasm").to_str().unwrap()]);
    let without = desk.types(&line(""), at);
    assert!(without.code != 0 && without.stderr.contains("has no manifest"), "{}", without.stderr);

    let unasked = desk.types(&format!("ostler plugin check {}", guest("slots-unasked").display()), at);
    assert!(
        unasked.code != 0 && unasked.stderr.contains("does not ask for the capability 'secrets.use'"),
        "{}",
        unasked.stderr
    );
    let warned = desk.types(&format!("ostler plugin check {}", guest("every").display()), at);
    assert_eq!(warned.code, 0);
    assert!(
        warned.stderr.contains("the manifest")
            || warned.stderr.contains("tells a person little")
            || warned.stderr.is_empty()
    );
}

fn manifest_of_section(component: &[u8]) -> String {
    String::from_utf8_lossy(component).into_owned()
}

/// A store, a signed plugin, and a second version of it that nobody signed.
struct Signed {
    desk: Desk,
    plugin: PathBuf,
    key: String,
}

impl Signed {
    fn new() -> Self {
        let desk = Desk::new();
        let at = desk.folder.path();
        let plugin = at.join("importer.wasm");
        fs::copy(guest("importer"), &plugin).unwrap();
        fs::write(at.join("words"), "a passphrase\n").unwrap();
        for line in [
            "ostler plugin keygen own.key --key-passphrase-file words",
            "ostler plugin sign importer.wasm --secret-key-file own.key --key-passphrase-file words",
            "ostler plugin keygen other.key --no-key-passphrase",
        ] {
            let ran = desk.types(line, at);
            assert_eq!(ran.code, 0, "{line}: {}", ran.stderr);
        }
        let key = fs::read_to_string(at.join("own.key.pub")).unwrap().lines().last().unwrap().to_owned();
        Self { desk, plugin, key }
    }

    fn install(&self, words: &str) -> Run {
        self.desk.types(&format!("ostler plugin install importer.wasm {words}"), self.desk.folder.path())
    }

    fn policy(&self, text: &str) {
        let directory = self.desk.world.home().join("config/ostler");
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("policy.toml"), text).unwrap();
    }
}

#[test]
fn minisign_verifies_what_we_sign_and_signs_what_we_verify() {
    let signed = Signed::new();
    let at = signed.desk.folder.path();
    let minisign = signed.desk.types("minisign -V -p own.key.pub -m importer.wasm", at);
    assert_eq!(minisign.code, 0, "is minisign installed? {} {}", minisign.stdout, minisign.stderr);
    assert!(minisign.stdout.contains("test.importer 1.0.0 sha256:"), "{}", minisign.stdout);
    for line in [
        "minisign -G -W -p theirs.pub -s theirs.key",
        "minisign -S -s theirs.key -m importer.wasm",
        "ostler plugin verify importer.wasm --publisher-key theirs.pub",
    ] {
        let ran = signed.desk.types(line, at);
        assert_eq!(ran.code, 0, "{line}: {} {}", ran.stdout, ran.stderr);
    }
    let other = signed.desk.types("ostler plugin verify importer.wasm --publisher-key own.key.pub", at);
    assert!(other.code != 0 && other.stderr.contains("not by a key of this publisher"), "{}", other.stderr);
    let wrong = signed.desk.types(
        "echo wrong > words; ostler plugin sign importer.wasm --secret-key-file own.key --key-passphrase-file words",
        at,
    );
    assert!(wrong.code != 0 && wrong.stderr.contains("the key can't be used"), "{}", wrong.stderr);
}

#[test]
fn a_signature_that_does_not_hold_is_refused_and_one_that_held_binds_later_versions() {
    let signed = Signed::new();
    let other = signed.install("--publisher-key other.key.pub");
    assert!(other.code == 4 && other.stderr.contains("not by a key of this publisher"), "{}", other.stderr);
    let unknown = signed.install("");
    assert!(
        unknown.code == 0 && unknown.stderr.contains("no key of its publisher is known"),
        "{}",
        unknown.stderr
    );
    assert_eq!(signed.install("--publisher-key own.key.pub").code, 0);

    // Another version, under the signature of the first one, and then without any.
    let bytes = fs::read(&signed.plugin).unwrap();
    let newer = manifest_of(&bytes).replace("version = \"1.0.0\"", "version = \"1.0.1\"");
    fs::write(&signed.plugin, with_manifest(&bytes, &newer)).unwrap();
    let stale = signed.install("");
    assert!(
        stale.code == 4 && stale.stderr.contains("the signature is not of this file"),
        "{}",
        stale.stderr
    );
    fs::remove_file(signed.plugin.with_extension("wasm.minisig")).unwrap();
    let unsigned = signed.install("");
    assert!(
        unsigned.code == 4 && unsigned.stderr.contains("the installed version is signed"),
        "{}",
        unsigned.stderr
    );
    let asked = signed.install("--publisher-key own.key.pub");
    assert!(asked.code == 4 && asked.stderr.contains("there is no signature"), "{}", asked.stderr);

    let at = signed.desk.folder.path();
    signed
        .desk
        .types("ostler plugin sign importer.wasm --secret-key-file own.key --key-passphrase-file words", at);
    let updated = signed.install("");
    assert_eq!(updated.code, 0, "the key of the version before is known: {}", updated.stderr);
    let shown = signed.desk.world.ok(&["plugin", "show", "test.importer", "--json"]).json();
    assert_eq!(
        (&shown["version"], shown["signed_by"].as_str().unwrap()),
        (&"1.0.1".into(), signed.key.as_str())
    );
}

#[test]
fn policy_names_the_keys_of_a_publisher_and_may_want_signatures_of_all() {
    let signed = Signed::new();
    let theirs = fs::read_to_string(signed.desk.folder.path().join("other.key.pub")).unwrap();
    let theirs = theirs.lines().last().unwrap();
    signed.policy(&format!("[[publisher]]\nname = \"test\"\nkeys = [\"{theirs}\"]\n"));
    let refused = signed.install("");
    assert!(
        refused.code == 4 && refused.stderr.contains("not by a key of this publisher"),
        "{}",
        refused.stderr
    );
    let refused = signed.install("--publisher-key own.key.pub");
    assert!(
        refused.code == 4 && refused.stderr.contains("to be signed with a key of theirs"),
        "{}",
        refused.stderr
    );

    signed.policy(&format!("[[publisher]]\nname = \"test\"\nkeys = [\"{theirs}\", \"{}\"]\n", signed.key));
    let installed = signed.install("");
    assert_eq!(installed.code, 0, "{}", installed.stderr);
    // What was installed stops where its key is not trusted any more.
    signed.policy(&format!("[[publisher]]\nname = \"test\"\nkeys = [\"{theirs}\"]\n"));
    let list = signed.desk.world.ok(&["plugin", "list", "--json"]).json();
    let own = list.as_array().unwrap().iter().find(|plugin| plugin["id"] == "test.importer").unwrap().clone();
    assert_eq!(own["state"], "denied", "{own}");

    signed.policy("[plugins]\nsignatures = \"required\"\n");
    let refused = signed.install("--publisher-key own.key.pub");
    assert!(
        refused.code == 4 && refused.stderr.contains("names no key of the publisher 'test'"),
        "{}",
        refused.stderr
    );
    let bundled = signed.desk.world.ok(&["plugin", "list", "--json"]).json();
    let ssh = bundled
        .as_array()
        .unwrap()
        .iter()
        .find(|plugin| plugin["id"] == "ostler.launcher-ssh")
        .unwrap()
        .clone();
    assert_eq!(ssh["state"], "ready", "what came with the program is known by its digest");

    signed.policy("[[publisher]]\nname = \"test\"\nkeys = [\"nonsense\"]\n");
    let broken = signed.desk.world.run(&["doctor"]);
    assert!(
        broken.stdout.contains("line 3") && broken.stdout.contains("is no public key"),
        "{}",
        broken.stdout
    );
}
