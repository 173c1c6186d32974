//! KeePassXC's command line with a database of its own: the peer of a large store.
//!
//! It gets what the store has, in groups of 1,000, which it reads faster than one large group. It derives its key as it
//! does by default.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use crate::sshd::write;
use crate::store::PASSPHRASE;

pub(crate) const NAME: &str = "KeePassXC";

const GROUP: usize = 1000;
/// What it shows when it waits for a command: the file's name.
const PROMPT: &str = "bench.kdbx> ";

/// A database that is removed at the end.
pub(crate) struct Database {
    home: TempDir,
    entries: usize,
}

impl Database {
    /// Makes a database of so many entries, each with a password.
    pub(crate) fn make(entries: usize) -> anyhow::Result<Self> {
        let database = Self { home: tempfile::tempdir()?, entries };
        let export = database.home.path().join("bench.xml");
        write(&export, xml(entries).as_bytes())?;
        let mut import = database.command(&["import", "--quiet", "--set-password"]);
        let mut child = import.arg(&export).arg(database.path()).spawn().context(MISSING)?;
        // Twice, since it is a new one.
        child
            .stdin
            .take()
            .context("no input")?
            .write_all(format!("{PASSPHRASE}\n{PASSPHRASE}\n").as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "KeePassXC could not make a database: {output:?}");
        Ok(database)
    }

    /// Returns the path of an entry, as `show` takes it.
    pub(crate) fn entry(number: usize) -> String {
        format!("\"/Site {}/server-{number}\"", number / GROUP)
    }

    /// Runs `keepassxc-cli ls` on the whole database.
    pub(crate) fn list(&self) -> anyhow::Result<()> {
        let mut list = self.command(&["ls", "--quiet", "--recursive", "--flatten"]);
        let mut child = list.arg(self.path()).spawn().context(MISSING)?;
        child.stdin.take().context("no input")?.write_all(format!("{PASSPHRASE}\n").as_bytes())?;
        let output = child.wait_with_output()?;
        let listed = String::from_utf8_lossy(&output.stdout).matches("server-").count();
        ensure!(listed == self.entries, "KeePassXC listed {listed} of {} entries", self.entries);
        Ok(())
    }

    /// Starts it, and waits until the database is open.
    pub(crate) fn open(&self) -> anyhow::Result<Opened> {
        let mut child = self.command(&["open", "--quiet"]).arg(self.path()).spawn().context(MISSING)?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (input, output) = (stdin.context("no input")?, stdout.context("no output")?);
        let mut opened = Opened { child, input, output };
        opened.ask(PASSPHRASE)?;
        Ok(opened)
    }

    fn path(&self) -> PathBuf {
        self.home.path().join("bench.kdbx")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the peer is a program")]
        let mut command = Command::new("keepassxc-cli");
        command.args(arguments).env("HOME", self.home.path()).env("QT_QPA_PLATFORM", "offscreen");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }
}

const MISSING: &str = "keepassxc-cli is missing: install keepassxc";

/// An open database that takes commands.
pub(crate) struct Opened {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

impl Opened {
    /// Gives a command, and returns what it shows.
    pub(crate) fn ask(&mut self, command: &str) -> anyhow::Result<String> {
        writeln!(self.input, "{command}")?;
        let (mut shown, mut piece) = (Vec::new(), vec![0; 64 << 10]);
        while !shown.ends_with(PROMPT.as_bytes()) {
            let length = self.output.read(&mut piece)?;
            ensure!(length > 0, "KeePassXC ended: {}", String::from_utf8_lossy(&shown));
            shown.extend_from_slice(piece.get(..length).unwrap_or_default());
        }
        Ok(String::from_utf8_lossy(&shown).into_owned())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The export of a database with the entries of a large store.
fn xml(entries: usize) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<KeePassFile><Meta/><Root>".to_owned();
    let groups = (0..entries).step_by(GROUP);
    // Ids are 16 bytes in base64; groups have other ones than entries.
    let id = |kind: char, number: usize| format!("<UUID>{kind}{number:020}A==</UUID>");
    write!(xml, "<Group>{}<Name>Root</Name>", id('r', 0)).unwrap_or_default();
    for first in groups {
        write!(xml, "<Group>{}<Name>Site {}</Name>", id('g', first), first / GROUP).unwrap_or_default();
        for number in first..entries.min(first + GROUP) {
            write!(
                xml,
                "<Entry>{}<String><Key>Title</Key><Value>server-{number}</Value></String>\
                 <String><Key>URL</Key><Value>host-{number}.example</Value></String>\
                 <String><Key>Password</Key><Value>password-{number}</Value></String></Entry>",
                id('e', number)
            )
            .unwrap_or_default();
        }
        xml.push_str("</Group>");
    }
    xml.push_str("</Group></Root></KeePassFile>");
    xml
}
