//! What the host gives an importer while it parses: the file's bytes, and where to put what was found.
//!
//! Entries are packed into a block as they are put, and handed over a block at a time. Never seeks: a file is read once.

use std::io::{self, Read};

use borsh::BorshSerialize as _;

use super::{Entry, Problem};

#[cfg(not(target_family = "wasm"))]
use native as host;
#[cfg(not(target_family = "wasm"))]
pub use native::{Parsed, parse_in_memory};

/// Bytes that are asked of the host at once.
const READ_BYTES: u32 = 256 << 10;
/// Bytes of packed entries that are handed over at once: enough that a call costs little beside them, few enough that the
/// host has them in its cache.
const BLOCK_BYTES: usize = 64 << 10;
/// Bytes of one block that the host takes, as the WIT document says.
const LARGEST_BLOCK: usize = 4 << 20;
/// Problems are handed over with so many of them ...
const BATCH_PROBLEMS: usize = 256;
/// ... or about so many bytes, so that a call stays far below the host's limit (16 MiB).
const BATCH_BYTES: usize = 1 << 20;

/// The file that is imported, and the way out for what is found in it.
///
/// An importer that reads the file piece by piece takes both apart with [`Feed::split`].
pub struct Feed {
    input: Input,
    output: Output,
}

/// The bytes of the file. Reading is buffered: small reads cost no call of the host.
pub struct Input {
    file: host::File,
    bytes: Vec<u8>,
    read: usize,
}

/// The way out for what is found.
pub struct Output {
    outlet: host::Outlet,
    /// Packed entries.
    block: Vec<u8>,
    problems: Vec<Problem>,
    /// Bytes of the problems, about.
    weight: usize,
    wanted: bool,
}

impl Feed {
    /// Takes the file and the way out apart, to use both at once.
    ///
    /// ```
    /// # use std::io::{BufRead, BufReader};
    /// # use ostler_sdk::importer::{Connection, Entry, Failure, Feed};
    /// # fn parse(feed: &mut Feed) -> Result<(), Failure> {
    /// let (file, found) = feed.split();
    /// for line in BufReader::new(file).lines() {
    ///     let host = line?;
    ///     if !found.entry(Entry::new(Connection::new(&host, "ssh", &host, 22))) {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(&mut self) -> (&mut Input, &mut Output) {
        (&mut self.input, &mut self.output)
    }

    /// Does what [`Output::entry`] does.
    #[must_use = "false means that the rest is not wanted"]
    pub fn entry(&mut self, entry: Entry<'_>) -> bool {
        self.output.entry(entry)
    }

    /// Does what [`Output::problem`] does.
    pub fn problem(&mut self, problem: Problem) {
        self.output.problem(problem);
    }

    pub(crate) fn new(file: host::File) -> Self {
        Self {
            input: Input { file, bytes: Vec::new(), read: 0 },
            output: Output {
                outlet: host::Outlet::default(),
                block: Vec::new(),
                problems: Vec::new(),
                weight: 0,
                wanted: true,
            },
        }
    }

    /// Hands over what is left of a batch.
    pub(crate) fn flush(&mut self) {
        self.output.flush();
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.bytes.len() {
            self.bytes = self.file.read(READ_BYTES);
            self.read = 0;
        }
        let mut rest = self.bytes.get(self.read..).unwrap_or_default();
        let length = rest.read(buffer)?;
        self.read += length;
        Ok(length)
    }
}

impl Output {
    /// Hands over an entry. False means: stop, the rest is not wanted; finish with the summary of what was read.
    ///
    /// An entry that has more than 4 MiB in all becomes a problem with its name and position.
    #[must_use = "false means that the rest is not wanted"]
    pub fn entry(&mut self, entry: Entry<'_>) -> bool {
        let before = self.block.len();
        let packed = entry.serialize(&mut self.block).is_ok();
        if !packed || self.block.len() - before > LARGEST_BLOCK {
            self.block.truncate(before);
            let name = entry.item.name().to_owned();
            self.problem(Problem::not_imported(entry.position, "has more than 4 MiB in all").entry(name));
        } else if self.block.len() > LARGEST_BLOCK {
            // It fits into a block of its own only.
            let last = self.block.split_off(before);
            self.flush();
            self.block = last;
        }
        if self.block.len() >= BLOCK_BYTES {
            self.flush();
        }
        self.wanted
    }

    /// Hands over a problem.
    pub fn problem(&mut self, problem: Problem) {
        self.weight += problem.weight();
        self.problems.push(problem);
        if self.problems.len() >= BATCH_PROBLEMS || self.weight >= BATCH_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.block.is_empty() {
            self.wanted &= self.outlet.put(&self.block);
            self.block.clear();
        }
        if !self.problems.is_empty() {
            self.outlet.report(&self.problems);
            self.problems.clear();
        }
        self.weight = 0;
    }
}

#[cfg(target_family = "wasm")]
pub(crate) mod host {
    //! The host's end of a feed.

    use crate::bindings::importer::ostler::importer::feed;
    use crate::importer::Problem;

    pub(crate) struct File;

    impl File {
        pub(super) fn read(&mut self, most: u32) -> Vec<u8> {
            feed::read(most)
        }
    }

    #[derive(Default)]
    pub(super) struct Outlet {}

    impl Outlet {
        pub(super) fn put(&mut self, block: &[u8]) -> bool {
            feed::put_packed(block)
        }

        pub(super) fn report(&mut self, problems: &[Problem]) {
            feed::report(problems);
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    //! A feed without a host, for tests.

    use borsh::BorshDeserialize as _;

    use super::Feed;
    use crate::importer::{Entry, Failure, Importer, Problem, Summary};

    pub(crate) struct File(pub(super) Vec<u8>);

    impl File {
        pub(super) fn read(&mut self, most: u32) -> Vec<u8> {
            let most = usize::try_from(most).unwrap_or(usize::MAX).min(self.0.len());
            let rest = self.0.split_off(most);
            std::mem::replace(&mut self.0, rest)
        }
    }

    #[derive(Default)]
    pub(super) struct Outlet {
        pub(super) entries: Vec<Entry<'static>>,
        pub(super) problems: Vec<Problem>,
    }

    impl Outlet {
        /// Unpacks the block, so that a test sees what the host would.
        pub(super) fn put(&mut self, mut block: &[u8]) -> bool {
            if block.len() > super::LARGEST_BLOCK {
                return false;
            }
            while !block.is_empty() {
                match Entry::deserialize(&mut block) {
                    Ok(entry) => self.entries.push(entry),
                    Err(_) => return false,
                }
            }
            true
        }

        pub(super) fn report(&mut self, problems: &[Problem]) {
            self.problems.extend_from_slice(problems);
        }
    }

    /// What an importer made of a file.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub struct Parsed {
        /// The entries, in their order.
        pub entries: Vec<Entry<'static>>,
        /// The problems, in their order.
        pub problems: Vec<Problem>,
        /// The summary, or why there is none.
        pub outcome: Result<Summary, Failure>,
    }

    /// Runs an importer natively on a file in memory, with the checks that a host's call goes through. For tests.
    #[must_use]
    pub fn parse_in_memory<I: Importer>(file: &[u8], options: &[(&str, &str)]) -> Parsed {
        let options = options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut feed = Feed::new(File(file.to_vec()));
        let outcome = crate::export::parse::<I>(options, &mut feed);
        let Outlet { entries, problems } = feed.output.outlet;
        Parsed { entries, problems, outcome }
    }
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use crate::importer::{Connection, Folder, LocalCredential, Position};
    use crate::types::SecretField;

    #[test]
    fn a_feed_is_read_to_its_end_in_any_pieces() {
        let file: Vec<u8> = (0..=255).cycle().take(700_000).collect();
        let mut feed = Feed::new(host::File(file.clone()));
        let mut read = Vec::new();
        let mut piece = [0; 1000];
        loop {
            match feed.read(&mut piece).unwrap() {
                0 => break,
                length => read.extend_from_slice(&piece[..length]),
            }
        }
        assert!(read == file);
    }

    #[test]
    fn entries_are_handed_over_by_the_block_and_problems_with_them() {
        let mut feed = Feed::new(host::File(Vec::new()));
        let handed_over = |feed: &Feed| (feed.output.outlet.entries.len(), feed.output.outlet.problems.len());
        let entry = |notes| Entry::new(Connection::new("a", "ssh", "b", 22).notes(notes));
        assert!(feed.entry(entry("short".to_owned())));
        feed.problem(Problem::not_imported(Position::line(1), "no"));
        assert_eq!(handed_over(&feed), (0, 0));
        assert!(feed.entry(entry("x".repeat(BLOCK_BYTES))));
        assert_eq!(handed_over(&feed), (2, 1));
        feed.problem(Problem::not_imported(Position::line(1), "no").mendable(vec![0; BATCH_BYTES]));
        assert_eq!(handed_over(&feed), (2, 2));
    }

    #[test]
    fn a_large_entry_has_a_block_of_its_own_and_one_that_fits_none_costs_no_other() {
        let mut feed = Feed::new(host::File(Vec::new()));
        let entry = |name, bytes| {
            let connection = Connection::new(name, "ssh", "b", 22).notes("x".repeat(bytes));
            Entry::new(connection).at(Position::line(7))
        };
        assert!(feed.entry(entry("before", BLOCK_BYTES / 2)));
        assert!(feed.entry(entry("large", LARGEST_BLOCK - BLOCK_BYTES / 4)));
        assert!(feed.entry(entry("too large", LARGEST_BLOCK)));
        assert!(feed.entry(entry("after", 1)));
        feed.flush();
        let names: Vec<&str> = feed.output.outlet.entries.iter().map(|entry| entry.item.name()).collect();
        assert_eq!(names, ["before", "large", "after"]);
        let [problem] = &feed.output.outlet.problems[..] else { panic!("there should be one problem") };
        assert_eq!((problem.entry.as_deref(), problem.position.line), (Some("too large"), Some(7)));
    }

    #[test]
    fn an_entry_comes_out_of_its_block_as_it_was() {
        let secret = LocalCredential::new().user("root").secret(SecretField::Password, "hunter2");
        let full = Connection::new("a", "ssh", "b", 22)
            .credential(secret)
            .setting("ssh.keepalive-seconds", 30)
            .setting("ssh.compression", true)
            .notes("two\nlines")
            .tag("prod")
            .custom_field("rack", "7");
        let entries = [
            Entry::new(full)
                .at(Position::line(3).field("Port"))
                .identity("id:1")
                .within(["top", "below"])
                .defaulted("port was set to 22"),
            Entry::new(Folder::new("f")),
        ];
        let mut feed = Feed::new(host::File(Vec::new()));
        for entry in &entries {
            assert!(feed.entry(entry.clone()));
        }
        feed.flush();
        assert_eq!(feed.output.outlet.entries, entries);
    }
}
