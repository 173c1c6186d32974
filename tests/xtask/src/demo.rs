//! The demo: the main job from an empty directory to a replayed recording and a verified audit log, with the real
//! program and an SSH server inside this one.
//!
//! Prints each step as a command that the user could type. Touches nothing outside of its temporary directory; ends
//! with an error at the first step that does not do what it should.

#![expect(clippy::print_stdout, reason = "this is a command-line program")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};
use ostler_fakes::ssh::{FakeLogin, FakeSshOptions, FakeSshServer, FakeUser};
use serde_json::Value;

const PASSPHRASE: &str = "Demo-passphrase-1";
const PASSWORD: &str = "kept-from-every-plugin-7";

fn main() -> anyhow::Result<()> {
    let program = std::env::args_os().nth(1).context("the first argument is the program ostler")?;
    let demo = Demo::new(PathBuf::from(program))?;
    demo.say("An SSH server for this demo listens on 127.0.0.1. Everything lies in a directory that is removed at the end.");
    demo.store_and_import()?;
    demo.sessions()?;
    demo.recordings()?;
    demo.audit_and_plugins()?;
    demo.nothing_readable()?;
    demo.say("Every step did what it should.");
    Ok(())
}

/// The demo's directory, server and program.
struct Demo {
    program: PathBuf,
    directory: tempfile::TempDir,
    server: FakeSshServer,
}

impl Demo {
    fn new(program: PathBuf) -> anyhow::Result<Self> {
        let program = program.canonicalize().with_context(|| format!("{} is missing", program.display()))?;
        let user = FakeUser { name: "deploy".to_owned(), login: FakeLogin::Password(PASSWORD.to_owned()) };
        let server = FakeSshServer::start(FakeSshOptions { users: vec![user], ..FakeSshOptions::default() })?;
        let directory = tempfile::tempdir()?;
        let demo = Self { program, directory, server };
        demo.write("passphrase", &format!("{PASSPHRASE}\n"))?;
        let port = demo.server.port();
        demo.write(
            "servers.csv",
            &format!(
                "Name;Host;Port;Username;Password;Folder\n\
                 web-1;127.0.0.1;{port};deploy;{PASSWORD};Production/Web\n\
                 web-2;127.0.0.1;{port};deploy;{PASSWORD};Production/Web\n\
                 broken;127.0.0.1;70000;deploy;{PASSWORD};Production\n"
            ),
        )?;
        Ok(demo)
    }

    fn store_and_import(&self) -> anyhow::Result<()> {
        self.say("A store is a directory; everything in it is sealed with the passphrase.");
        self.ostler(&["store", "create"])?;
        self.say("A dry run shows what an import would do. One row has a port that no server has.");
        let preview =
            self.ostler(&["import", "servers.csv", "--type", "ssh", "--into", "Demo", "--dry-run"])?;
        expect(&preview, "broken")?;
        self.ostler(&["import", "servers.csv", "--type", "ssh", "--into", "Demo"])?;
        expect(&self.ostler(&["tree"])?, "web-2")?;
        let list = self.ostler(&["connection", "list"])?;
        expect(&list, "Demo/Production/Web")?;
        ensure!(!list.contains(PASSWORD), "the list shows a password");
        Ok(())
    }

    fn sessions(&self) -> anyhow::Result<()> {
        self.say("The launcher, a WebAssembly plugin, plans the session. It names the password's slot and never sees it.");
        let plan = self.ostler(&["connect", "web-1", "--dry-run"])?;
        expect(&plan, "login.password")?;
        ensure!(!plan.contains(PASSWORD), "the plan shows a password");
        let accept = ["connect", "web-1", "--host-key", "accept-new", "--", "echo", "Hello from web-1"];
        expect(&self.ostler(&accept)?, "Hello from web-1")?;
        self.say("The host key is known now. Output and exit status of the remote command pass through.");
        expect(&self.ostler(&["connect", "web-1", "--", "echo", "Once more"])?, "Once more")?;
        let (_, status) = self.run(&["connect", "web-2", "--", "exit", "3"])?;
        ensure!(status == Some(3), "the remote command ended with 3, ostler with {status:?}");
        println!("(exit status 3)");
        Ok(())
    }

    fn recordings(&self) -> anyhow::Result<()> {
        self.say("Each session was recorded.");
        self.ostler(&["recording", "list"])?;
        let list: Value = serde_json::from_str(&self.quietly(&["recording", "list", "--json"])?)?;
        let count = ids(&list).len();
        ensure!(count == 3, "three sessions were opened, {count} are recorded");
        let hello = |recording: &&Value| {
            recording.get("command").and_then(Value::as_str).is_some_and(|command| command.contains("Hello"))
        };
        let first = list.as_array().and_then(|list| list.iter().find(hello));
        let id = first.and_then(|recording| recording.get("id")).and_then(Value::as_str);
        let id = id.context("the first session is not recorded")?;
        self.ostler(&["recording", "export", id, "--format", "asciicast", "--out", "hello.cast"])?;
        let cast = fs::read_to_string(self.path("hello.cast"))?;
        let head: Value = serde_json::from_str(cast.lines().next().unwrap_or_default())?;
        ensure!(head.get("version") == Some(&Value::from(3)), "the export is not asciicast v3");
        expect(&self.ostler(&["recording", "play", id, "--speed", "10"])?, "Hello from web-1")?;
        self.ostler(&["recording", "verify"]).map(|_| ())
    }

    fn audit_and_plugins(&self) -> anyhow::Result<()> {
        self.say("Every act was written down before it happened. The log verifies without any secret.");
        expect(&self.ostler(&["audit", "show"])?, "session.start")?;
        self.ostler(&["audit", "verify"])?;
        self.say("A checkpoint that is kept elsewhere also tells of a log that was written anew.");
        self.write("anchor", &self.ostler(&["audit", "checkpoint"])?)?;
        self.ostler(&["connect", "web-2", "--", "echo", "after the checkpoint"])?;
        self.ostler(&["audit", "verify", "--anchor", "anchor"])?;
        self.say("What each plugin asked for, was granted, used and was refused:");
        self.ostler(&["plugin", "list"])?;
        let list: Value = serde_json::from_str(&self.quietly(&["plugin", "list", "--json"])?)?;
        let ids = ids(&list);
        ensure!(!ids.is_empty(), "there are no plugins");
        for id in ids {
            self.ostler(&["plugin", "show", &id])?;
        }
        self.ostler(&["store", "verify"]).map(|_| ())
    }

    /// Searches the store's files for what must not be readable, after a search that must find something.
    fn nothing_readable(&self) -> anyhow::Result<()> {
        let secrets = [PASSWORD, PASSPHRASE, "127.0.0.1", "web-1", "deploy"];
        let csv = fs::read(self.path("servers.csv"))?;
        ensure!(holds(&csv, PASSWORD), "the search finds nothing where there is something");
        let files = files_below(&self.path("store"))?;
        ensure!(!files.is_empty(), "the store has no files");
        for file in &files {
            let bytes = fs::read(file)?;
            if let Some(secret) = secrets.iter().find(|secret| holds(&bytes, secret)) {
                bail!("{} holds '{secret}' in clear text", file.display());
            }
        }
        self.say(&format!(
            "No password, passphrase, host, user or connection name is readable in the store's {} files.",
            files.len()
        ));
        Ok(())
    }

    /// Runs a step that must succeed, and shows it.
    fn ostler(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let (output, status) = self.run(arguments)?;
        ensure!(status == Some(0), "ostler {} ended with {status:?}", arguments.join(" "));
        Ok(output)
    }

    /// Runs a step, shows it, and returns what it printed with its exit status.
    fn run(&self, arguments: &[&str]) -> anyhow::Result<(String, Option<i32>)> {
        let quoted = |argument: &&str| match argument.contains(' ') {
            true => format!("'{argument}'"),
            false => (*argument).to_owned(),
        };
        println!("\n$ ostler {}", arguments.iter().map(quoted).collect::<Vec<_>>().join(" "));
        let output = self.command(arguments).stderr(Stdio::inherit()).output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        print!("{text}");
        Ok((text, output.status.code()))
    }

    /// Runs what the demo needs to know and a user would not type.
    fn quietly(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "ostler {} failed: {}", arguments.join(" "), output.status);
        Ok(String::from_utf8(output.stdout)?)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the demo runs the program as a user does")]
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.directory.path()).stdin(Stdio::null());
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        for (variable, directory) in [
            ("HOME", "home"),
            ("XDG_CONFIG_HOME", "home/config"),
            ("XDG_DATA_HOME", "home/data"),
            ("XDG_STATE_HOME", "home/state"),
            ("XDG_CACHE_HOME", "home/cache"),
            ("OSTLER_STORE", "store"),
            ("OSTLER_PASSPHRASE_FILE", "passphrase"),
        ] {
            command.env(variable, self.path(directory));
        }
        command
    }

    fn say(&self, sentence: &str) {
        println!("\n# {sentence}");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file that only this user can read.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(self.path(name))?;
        Ok(std::io::Write::write_all(&mut file, text.as_bytes())?)
    }
}

fn expect(output: &str, text: &str) -> anyhow::Result<()> {
    ensure!(output.contains(text), "the output should contain '{text}'");
    Ok(())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Returns the `id` of each item of a list, wherever in the document the list stands.
fn ids(document: &Value) -> Vec<String> {
    match document {
        Value::Array(items) => items
            .iter()
            .filter_map(|item| item.get("id").and_then(Value::as_str).map(str::to_owned))
            .collect(),
        Value::Object(object) => object.values().map(ids).find(|ids| !ids.is_empty()).unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn files_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
