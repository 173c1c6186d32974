//! File systems of their own for parts of a home: small, filled up, read-only, or gone.
//!
//! They are mounted in a name space that nobody else sees, so that this needs no rights on the machine and leaves nothing
//! behind.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ostler_suite::{Ostler, Output};

/// What holds the name space: it mounts, says so, and waits for its standard input to end.
const HOLD: &str = r#"mount -t tmpfs -o "size=$2,mode=700" tmpfs "$1" && echo ready && read end"#;

/// A file system of its own over a directory of a home. Dropping it takes it away.
pub(crate) struct Disk<'a> {
    ostler: &'a Ostler,
    holder: Child,
    at: PathBuf,
}

impl<'a> Disk<'a> {
    /// Mounts an empty file system of so many KiB over a directory below the home, with a copy of what was in it.
    pub(crate) fn over(ostler: &'a Ostler, directory: &str, kib: u64) -> Self {
        let at = ostler.home().join(directory);
        fs::create_dir_all(&at).unwrap();
        let size = format!("{kib}k");
        let mut holder = Command::new("unshare")
            .args(["--map-root-user", "--mount", "sh", "-c", HOLD, "sh"])
            .args([at.as_os_str(), size.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "user name spaces are needed (unshare --map-root-user --mount)");
        let disk = Self { ostler, holder, at };
        let copied =
            Command::new("cp").arg("-a").arg(disk.at.join(".")).arg(disk.inside("")).status().unwrap();
        assert!(copied.success());
        disk
    }

    /// Returns a path on it, as it can be reached from here.
    pub(crate) fn inside(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.at.strip_prefix("/").unwrap()).join(name)
    }

    /// Leaves so many KiB free.
    pub(crate) fn fill(&self, leave_kib: u64) {
        let path = self.inside("filler");
        let mut file = File::create(&path).unwrap();
        let page = [0x5A; 4096];
        let mut length = 0_u64;
        while file.write_all(&page).is_ok() {
            length += 4096;
        }
        file.set_len(length.saturating_sub(leave_kib * 1024)).unwrap();
    }

    /// Frees what was filled.
    pub(crate) fn free(&self) {
        fs::remove_file(self.inside("filler")).unwrap();
    }

    /// Mounts it anew with an option, such as `ro`.
    pub(crate) fn remount(&self, option: &str) {
        self.shell(&format!("mount -o remount,{option} '{}'", self.at.display()));
    }

    /// Takes it away under the feet of whoever uses it.
    pub(crate) fn unplug(&self) {
        self.shell(&format!("umount --lazy '{}'", self.at.display()));
    }

    /// Returns the program as a command that sees it.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let work = self.ostler.work();
        let mut options = self.options();
        options.push(format!("--wdns={}", work.display()));
        self.ostler.command_under("nsenter", &options, words)
    }

    /// Runs the program where it sees it.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap().into()
    }

    fn options(&self) -> Vec<String> {
        let target = format!("--target={}", self.holder.id());
        [target.as_str(), "--user", "--mount", "--preserve-credentials"].map(str::to_owned).into()
    }

    fn shell(&self, line: &str) {
        let done = Command::new("nsenter").args(self.options()).args(["sh", "-c", line]).status().unwrap();
        assert!(done.success(), "{line}");
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        // The file system ends with the last process that sees it.
        drop(self.holder.stdin.take());
        drop(self.holder.wait());
    }
}

/// Tells whether a complaint says that the disk is full.
pub(crate) fn says_full(output: &Output) -> bool {
    ["disk is full", "No space left"].iter().any(|words| output.stderr.contains(words))
}

/// Returns the names in a directory.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
