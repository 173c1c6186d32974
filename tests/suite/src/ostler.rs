//! The program `ostler` in a world of its own.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, bail, ensure};
use ostler_fakes::ssh::{FakeSshOptions, FakeSshServer, FakeUser};
use tempfile::TempDir;

use crate::Terminal;

/// The passphrase of the stores that tests make.
pub const PASSPHRASE: &str = "Correct-Horse-7";

/// A home with a store in it, made once in a process and copied: deriving the key of a passphrase is slow on purpose.
static TEMPLATE: Mutex<Option<TempDir>> = Mutex::new(None);

/// The program in a world of its own: home, directories, store, passphrase file.
pub struct Ostler {
    home: TempDir,
    program: PathBuf,
}

/// Tells whether commands go to a process that holds the store unlocked. The test program `served` runs the scenarios of
/// `cli` once more in this way: what a command says and does must be the same.
fn served() -> bool {
    let program = std::env::current_exe().unwrap_or_default();
    program.file_stem().is_some_and(|name| name.to_string_lossy().starts_with("served-"))
}

impl Drop for Ostler {
    fn drop(&mut self) {
        if served() {
            // Nothing may outlive its test; where there is no store, nothing serves it.
            drop(self.run(&["lock", "--sessions"]));
        }
    }
}

/// What a run of the program left.
#[derive(Debug, Clone)]
pub struct Output {
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error, as text.
    pub stderr: String,
    /// The exit code; -1 where a signal ended it.
    pub code: i32,
}

impl Ostler {
    /// Makes a world without a store.
    ///
    /// # Errors
    /// Fails where the program was not built, or no directory can be made.
    pub fn new() -> anyhow::Result<Self> {
        let ostler = Self { home: TempDir::new()?, program: program()? };
        for directory in ["work", "data", "config", "state", "cache"] {
            fs::create_dir(ostler.home.path().join(directory))?;
        }
        ostler.file("passphrase", format!("{PASSPHRASE}\n"))?;
        Ok(ostler)
    }

    /// Makes a world with an empty store.
    ///
    /// # Errors
    /// Fails where the program was not built, or can't make a store.
    pub fn with_store() -> anyhow::Result<Self> {
        let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
        let ostler = Self::new()?;
        match &*template {
            Some(home) => copy(home.path(), ostler.home.path())?,
            None => {
                ostler.run(&["store", "create"])?.succeeded()?;
                let kept = TempDir::new()?;
                copy(ostler.home.path(), kept.path())?;
                *template = Some(kept);
            }
        }
        drop(template);
        if served() {
            ostler.run(&["unlock"])?.succeeded()?;
        }
        Ok(ostler)
    }

    /// Returns the program's file.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Returns the directory that the program runs in.
    #[must_use]
    pub fn work(&self) -> PathBuf {
        self.home.path().join("work")
    }

    /// Returns the store's directory.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.home.path().join("store")
    }

    /// Returns the home, which holds everything: `data`, `config`, `state`, `cache`, `work` and `store`.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file that only the user can read, below the working directory, and returns its path.
    ///
    /// # Errors
    /// Fails where it can't be written.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.work().join(name);
        let mut file =
            fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&path)?;
        file.write_all(content.as_ref())?;
        Ok(path)
    }

    /// Returns the environment that the program runs in; there is nothing else in it.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let at = |name: &str| self.home.path().join(name);
        vec![
            ("HOME", self.home.path().to_owned()),
            ("XDG_DATA_HOME", at("data")),
            ("XDG_CONFIG_HOME", at("config")),
            ("XDG_STATE_HOME", at("state")),
            ("XDG_CACHE_HOME", at("cache")),
            ("OSTLER_STORE", self.store()),
            ("OSTLER_PASSPHRASE_FILE", self.work().join("passphrase")),
            ("OSTLER_LOG", PathBuf::from("debug")),
            ("TERM", PathBuf::from("xterm-256color")),
            ("PATH", PathBuf::from("/usr/bin:/bin")),
        ]
    }

    /// Returns the program as a command that can be changed before it runs. It never asks: there is nobody.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .env("OSTLER_BATCH", "1")
            .current_dir(self.work())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Returns the program as a command that another program starts, such as `strace` with its options.
    #[must_use]
    pub fn command_under<W: AsRef<OsStr>, A: AsRef<OsStr>>(
        &self,
        starter: &str,
        options: &[W],
        arguments: &[A],
    ) -> Command {
        #[expect(clippy::disallowed_methods, reason = "tests start the program that they test")]
        let mut command = Command::new(starter);
        let plain = self.command(arguments);
        command.args(options).arg(plain.get_program()).args(plain.get_args()).env_clear();
        command.envs(plain.get_envs().filter_map(|(name, value)| value.map(|value| (name, value))));
        command.current_dir(self.work()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs the program without input.
    ///
    /// # Errors
    /// Fails where it can't be started; an exit code is no error.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> anyhow::Result<Output> {
        Ok(self.command(arguments).output()?.into())
    }

    /// Runs the program with bytes on its standard input.
    ///
    /// # Errors
    /// Fails where it can't be started or takes no input.
    pub fn run_with_input<A: AsRef<OsStr>>(&self, arguments: &[A], input: &[u8]) -> anyhow::Result<Output> {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        let input = input.to_vec();
        // On a thread of its own: both ends may be full at once.
        let writer =
            std::thread::Builder::new().name("input".to_owned()).spawn(move || stdin.write_all(&input))?;
        let output = child.wait_with_output()?.into();
        match writer.join() {
            Ok(written) => written?,
            Err(_) => bail!("the thread that writes the input panicked"),
        }
        Ok(output)
    }

    /// Runs the program in a terminal of its own, where it can ask.
    ///
    /// # Errors
    /// Fails where no terminal can be made or the program can't be started.
    pub fn terminal(&self, arguments: &[&str], columns: u16, rows: u16) -> anyhow::Result<Terminal> {
        let environment = self.environment();
        Terminal::start(&self.program, arguments, &environment, &self.work(), columns, rows)
    }

    /// As [`Ostler::terminal`], without the file that has the passphrase.
    ///
    /// # Errors
    /// As [`Ostler::terminal`].
    pub fn terminal_without_passphrase(
        &self,
        arguments: &[&str],
        columns: u16,
        rows: u16,
    ) -> anyhow::Result<Terminal> {
        let mut environment = self.environment();
        environment.retain(|(name, _)| *name != "OSTLER_PASSPHRASE_FILE");
        Terminal::start(&self.program, arguments, &environment, &self.work(), columns, rows)
    }
}

impl Output {
    /// Returns standard output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Returns standard output as JSON.
    ///
    /// # Errors
    /// Fails where it is none.
    pub fn json(&self) -> anyhow::Result<serde_json::Value> {
        serde_json::from_slice(&self.stdout)
            .with_context(|| format!("no JSON: {:?}, stderr {:?}", self.text(), self.stderr))
    }

    /// Returns the output where the exit code is 0.
    ///
    /// # Errors
    /// Fails with what the program said, where it is not.
    pub fn succeeded(self) -> anyhow::Result<Self> {
        ensure!(self.code == 0, "exit code {}, stdout {:?}, stderr {}", self.code, self.text(), self.stderr);
        Ok(self)
    }

    /// Returns the output where the exit code and a part of the complaint are these.
    ///
    /// # Errors
    /// Fails with what the program said, where they are not.
    pub fn failed(self, code: i32, complaint: &str) -> anyhow::Result<Self> {
        ensure!(
            self.code == code && self.stderr.contains(complaint),
            "expected exit code {code} and '{complaint}', got {}, stdout {:?}, stderr {}",
            self.code,
            self.text(),
            self.stderr
        );
        Ok(self)
    }
}

impl From<std::process::Output> for Output {
    fn from(output: std::process::Output) -> Self {
        Self {
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
        }
    }
}

/// A world with a store, a server, and a connection `box` to it with the right password.
pub struct Bench {
    /// The program.
    pub ostler: Ostler,
    /// The server.
    pub server: FakeSshServer,
}

impl Bench {
    /// The user on the server.
    pub const USER: &'static str = "alice";
    /// The user's password.
    pub const PASSWORD: &'static str = "Wonder-Land-42";
    /// The connection's name.
    pub const CONNECTION: &'static str = "box";

    /// Sets it all up.
    ///
    /// # Errors
    /// Fails where a part of it can't be made.
    pub fn new() -> anyhow::Result<Self> {
        let server = FakeSshServer::start(FakeSshOptions {
            users: vec![FakeUser::with_password(Self::USER, Self::PASSWORD)],
            ..FakeSshOptions::default()
        })?;
        let ostler = Ostler::with_store()?;
        let bench = Self { ostler, server };
        bench.ostler.file("password", Self::PASSWORD)?;
        bench.add(Self::CONNECTION, &["--user", Self::USER, "--password-file", "password"])?;
        Ok(bench)
    }

    /// Adds a connection to the server.
    ///
    /// # Errors
    /// Fails where the program says no.
    pub fn add(&self, name: &str, more: &[&str]) -> anyhow::Result<Output> {
        let (host, port) = (self.server.host(), self.server.port().to_string());
        let mut words = vec!["connection", "add", name, "--type", "ssh", "--host", &host, "--port", &port];
        words.extend(more);
        self.ostler.run(&words)?.succeeded()
    }

    /// Runs a command on the server.
    ///
    /// # Errors
    /// Fails where the program can't be started.
    pub fn on_server(&self, command: &str) -> anyhow::Result<Output> {
        self.ostler.run(&["connect", Self::CONNECTION, "--host-key", "accept-new", "--", command])
    }
}

/// Finds the program: what `OSTLER_PROGRAM` names, or what was built beside the tests.
fn program() -> anyhow::Result<PathBuf> {
    if let Some(program) = std::env::var_os("OSTLER_PROGRAM") {
        return Ok(program.into());
    }
    let test = std::env::current_exe()?;
    let built = test.parent().and_then(Path::parent).context("tests run from the target directory")?;
    let program = built.join(format!("ostler{}", std::env::consts::EXE_SUFFIX));
    ensure!(program.is_file(), "{} is not there: run 'cargo xtask build' first", program.display());
    Ok(program)
}

/// Copies what is in one directory into another one, modes included.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            if !target.is_dir() {
                fs::create_dir(&target)?;
            }
            fs::set_permissions(&target, entry.metadata()?.permissions())?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
