//! Searching the memory of a process, and holding a process where it is to be searched.
//!
//! A process is held by what it reads or writes: a pipe that is empty or full. Reading another process's memory needs
//! root.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use aho_corasick::AhoCorasick;
use rustix::fs::{Mode, OFlags, open};
use rustix::process::Pid;

/// How much of a text's beginning and end is searched for: less may stand somewhere by chance.
const FRAGMENT: usize = 10;
const PIECE: u64 = 1 << 20;
/// A mapping that nobody may read is looked into only where it is no larger: plugins' address space is terabytes of it.
const LARGEST_CLOSED: u64 = 1 << 20;
const LONGEST_WAIT: Duration = Duration::from_secs(120);
const LOOK_EVERY: Duration = Duration::from_millis(5);

#[cfg(target_arch = "x86_64")]
const READ_AND_WRITE: [&str; 2] = ["0", "1"];
#[cfg(not(target_arch = "x86_64"))]
const READ_AND_WRITE: [&str; 2] = ["63", "64"];

/// Bytes that a search knows by their first and last bytes.
pub(crate) struct Search {
    fragments: AhoCorasick,
    longest: usize,
}

impl Search {
    pub(crate) fn of<T: AsRef<[u8]>>(texts: &[T]) -> Self {
        let fragments = texts.iter().flat_map(|text| {
            let bytes = text.as_ref();
            assert!(bytes.len() >= FRAGMENT, "too short to be told from chance");
            [&bytes[..FRAGMENT], &bytes[bytes.len() - FRAGMENT..]]
        });
        Self { fragments: AhoCorasick::new(fragments).unwrap(), longest: FRAGMENT }
    }

    /// Returns which of the texts stand in the memory of a process, whole or in part: their numbers.
    pub(crate) fn found_in(&self, process: &Child) -> BTreeSet<usize> {
        let id = process.id();
        let maps = fs::read_to_string(format!("/proc/{id}/maps")).unwrap();
        let memory =
            File::open(format!("/proc/{id}/mem")).expect("reading another process's memory needs root");
        let (mut found, mut searched) = (BTreeSet::new(), 0);
        for line in maps.lines() {
            let mut words = line.split_ascii_whitespace();
            let (range, rights) = (words.next().unwrap(), words.next().unwrap());
            let (from, to) = range.split_once('-').unwrap();
            let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
            let of_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
            let unchanged = of_file && !rights.contains('w');
            let closed = !rights.starts_with('r') && to - from > LARGEST_CLOSED;
            // Special mappings of the kernel can't be read.
            if !unchanged && !closed && !line.ends_with("[vvar]") && !line.ends_with("[vsyscall]") {
                searched += self.search(&memory, from, to, &mut found);
            }
        }
        assert!(searched > 0, "nothing was searched");
        found
    }

    /// Searches one mapping, piece by piece; pieces overlap so that nothing hides on a border.
    fn search(&self, memory: &File, from: u64, to: u64, found: &mut BTreeSet<usize>) -> u64 {
        let (mut at, mut searched) = (from, 0);
        while at < to {
            let length = (to - at).min(PIECE + self.longest as u64 - 1);
            let mut bytes = vec![0; usize::try_from(length).unwrap()];
            if memory.read_exact_at(&mut bytes, at).is_ok() {
                // Both fragments of a text are neighbors.
                found.extend(self.fragments.find_iter(&bytes).map(|hit| hit.pattern().as_usize() / 2));
                searched += length;
            }
            at += PIECE;
        }
        searched
    }
}

/// Returns the keys of a process: what the locked pages begin with, each of which holds one, that are not wiped.
pub(crate) fn keys_of(process: &Child) -> Vec<[u8; 32]> {
    let id = process.id();
    let maps = fs::read_to_string(format!("/proc/{id}/smaps")).unwrap();
    let memory = File::open(format!("/proc/{id}/mem")).unwrap();
    let (mut range, mut keys) = (0..0, Vec::new());
    for line in maps.lines() {
        let bounds = line.split_once(' ').and_then(|(range, _)| range.split_once('-'));
        let bound = |text| u64::from_str_radix(text, 16);
        if let Some((Ok(from), Ok(to))) = bounds.map(|(from, to)| (bound(from), bound(to))) {
            range = from..to;
        } else if line.strip_prefix("VmFlags:").is_some_and(|flags| flags.split(' ').any(|flag| flag == "lo"))
        {
            for page in range.clone().step_by(rustix::param::page_size()) {
                let mut key = [0; 32];
                memory.read_exact_at(&mut key, page).unwrap();
                keys.extend((key != [0; 32]).then_some(key));
            }
        }
    }
    keys
}

/// A process whose output nobody takes: it is held with the first byte that it prints.
pub(crate) struct Held {
    pub(crate) child: Child,
    output: PipeReader,
    /// What stood in the pipe before.
    filled: usize,
}

impl Held {
    /// Starts the command. It is held once [`Held::wait_for_output`] returns.
    pub(crate) fn start(mut command: Command) -> Self {
        let (output, mut input) = std::io::pipe().unwrap();
        let filled = fill(&mut input);
        let child = command.stdout(input).spawn().unwrap();
        Self { child, output, filled }
    }

    /// Waits until the process wants to print.
    pub(crate) fn wait_for_output(&mut self) {
        let pipe = fs::read_link(format!("/proc/{}/fd/1", self.child.id())).unwrap();
        wait_until_held(&mut self.child, &pipe);
    }

    /// Lets it print, and returns that when it ended well.
    pub(crate) fn release(mut self) -> String {
        let mut bytes = Vec::new();
        self.output.read_to_end(&mut bytes).unwrap();
        assert!(self.child.wait().unwrap().success());
        String::from_utf8_lossy(&bytes[self.filled..]).into_owned()
    }
}

fn fill(input: &mut PipeWriter) -> usize {
    let size = rustix::pipe::fcntl_getpipe_size(&*input).unwrap();
    input.write_all(&vec![b' '; size]).unwrap();
    size
}

/// A named pipe that a process reads as a file: it is held where the bytes end, until the pipe is dropped.
pub(crate) struct NamedPipe(File);

impl NamedPipe {
    pub(crate) fn make(path: &Path) -> Self {
        let _gone_or_not_there = fs::remove_file(path);
        rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
            .unwrap();
        // For both, so that it opens without a reader, and stays open without one.
        Self(open(path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).unwrap().into())
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }
}

/// Waits until a thread of the process is held reading or writing this file or pipe.
pub(crate) fn wait_until_held(child: &mut Child, file: &Path) {
    let (process, started) = (format!("/proc/{}", child.id()), Instant::now());
    loop {
        let tasks = fs::read_dir(format!("{process}/task")).unwrap();
        let held = tasks.flatten().any(|task| {
            let call = fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
            let mut words = call.split_ascii_whitespace();
            let (Some(number), Some(descriptor)) = (words.next(), words.next()) else { return false };
            let descriptor = u64::from_str_radix(descriptor.trim_start_matches("0x"), 16);
            READ_AND_WRITE.contains(&number)
                && descriptor.is_ok_and(|number| {
                    fs::read_link(format!("{process}/fd/{number}")).is_ok_and(|link| link == file)
                })
        });
        if held {
            return;
        }
        if let Some(status) = child.try_wait().unwrap() {
            panic!("it ended instead of being held: {status}");
        }
        assert!(started.elapsed() < LONGEST_WAIT, "it is not held");
        // What is waited for is a state of the kernel, which tells nobody.
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Returns a line of the process's status, such as `VmLck`.
pub(crate) fn status_of(process: &Child, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap().trim().to_owned()
}

pub(crate) fn pid(process: &Child) -> Pid {
    Pid::from_child(process)
}
