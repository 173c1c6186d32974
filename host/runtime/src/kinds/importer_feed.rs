//! The feed of an importer: the file's bytes to the guest, batches of what it found from it.
//!
//! [`Feed`] is the guest's end and does the least, since the guest waits for it; [`Intake`] is the host's end, which unpacks,
//! checks and counts. Between them is a short queue: a guest that is faster than the outlet waits.

use std::io::{self, Read};
use std::sync::Arc;

use ostler_core::ImportProblem;
use tokio::sync::mpsc;
use wasmtime::component::{HasData, Linker};

use super::importer::{ImportOutlet, feed, wit};
use super::importer_convert as convert;
use super::importer_packed::unpack;
use crate::instance::{State, Waits};
use crate::{Limits, PluginError};

/// Bytes that one `read` returns, as the WIT document says.
const LARGEST_READ: usize = 1 << 20;
/// Batches between guest and host.
const QUEUE: usize = 4;

/// What the guest hands over.
pub(super) enum Batch {
    Entries(Vec<wit::Entry>),
    Packed(Vec<u8>),
    Problems(Vec<wit::Problem>),
}

/// The feed of a call: empty but while `parse` runs.
#[derive(Default)]
pub(crate) struct FeedSlot(Option<(Feed, Arc<Waits>)>);

/// What the guest reads from and writes to while it parses.
pub(super) struct Feed {
    input: Box<dyn Read + Send>,
    batches: mpsc::Sender<Batch>,
    /// Why the host can't go on; the guest sees the end of the file, and the caller this.
    failure: Option<PluginError>,
}

impl Feed {
    /// Makes a feed, and the other end of its queue.
    pub(super) fn new(input: Box<dyn Read + Send>) -> (Self, mpsc::Receiver<Batch>) {
        let (batches, handed_over) = mpsc::channel(QUEUE);
        (Self { input, batches, failure: None }, handed_over)
    }

    fn read(&mut self, most: u32) -> Vec<u8> {
        if self.failure.is_some() {
            return Vec::new();
        }
        let mut bytes = vec![0; usize::try_from(most).unwrap_or(LARGEST_READ).min(LARGEST_READ)];
        let read = loop {
            match self.input.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        match read {
            Ok(length) => bytes.truncate(length),
            Err(error) => {
                bytes.clear();
                self.failure = Some(PluginError::Host(format!("the file can't be read: {error}")));
            }
        }
        bytes
    }
}

impl FeedSlot {
    pub(super) fn open(feed: Feed, waits: Arc<Waits>) -> Self {
        Self(Some((feed, waits)))
    }

    /// Closes the feed, and returns why it could not go on, if so.
    pub(super) fn close(&mut self) -> Option<PluginError> {
        self.0.take().and_then(|(feed, _)| feed.failure)
    }

    /// Queues a batch; false where nothing more is wanted.
    async fn hand_over(&mut self, batch: Batch) -> bool {
        let Some((feed, waits)) = &mut self.0 else { return false };
        let _waiting = waits.begin();
        feed.failure.is_none() && feed.batches.send(batch).await.is_ok()
    }
}

pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    feed::add_to_linker::<State, Access>(linker, |state| &mut state.feed)
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut FeedSlot;
}

impl feed::Host for FeedSlot {
    fn read(&mut self, most: u32) -> Vec<u8> {
        let Some((feed, waits)) = &mut self.0 else { return Vec::new() };
        let _waiting = waits.begin();
        feed.read(most)
    }

    async fn put(&mut self, entries: Vec<wit::Entry>) -> bool {
        self.hand_over(Batch::Entries(entries)).await
    }

    async fn put_packed(&mut self, block: Vec<u8>) -> bool {
        self.hand_over(Batch::Packed(block)).await
    }

    async fn report(&mut self, problems: Vec<wit::Problem>) {
        self.hand_over(Batch::Problems(problems)).await;
    }
}

/// How many of something a whole file may have.
struct Quota {
    limit: &'static str,
    most: u64,
    left: u64,
}

impl Quota {
    fn new(limit: &'static str, most: u64) -> Self {
        Self { limit, most, left: most }
    }

    fn spend(&mut self, count: usize) -> Result<(), PluginError> {
        let left = u64::try_from(count).ok().and_then(|count| self.left.checked_sub(count));
        self.left =
            left.ok_or_else(|| PluginError::Limit { limit: self.limit, allowed: self.most.to_string() })?;
        Ok(())
    }
}

/// Takes batches apart, and hands what is good to the outlet.
pub(super) struct Intake<'a> {
    outlet: &'a mut (dyn ImportOutlet + Send),
    entries: Quota,
    problems: Quota,
}

impl<'a> Intake<'a> {
    pub(super) fn new(limits: &Limits, outlet: &'a mut (dyn ImportOutlet + Send)) -> Self {
        Self {
            outlet,
            entries: Quota::new("entries of a file", limits.import_entries),
            problems: Quota::new("problems of a file", limits.import_problems),
        }
    }

    /// Takes a batch; false where the outlet wants no more.
    ///
    /// # Errors
    /// A limit, or a block that can't be read.
    pub(super) fn take(&mut self, batch: Batch) -> Result<bool, PluginError> {
        match batch {
            Batch::Entries(entries) => self.put(entries),
            Batch::Packed(block) => self.put(unpack(&block)?),
            Batch::Problems(problems) => {
                self.report(problems.into_iter().map(convert::problem).collect())?;
                Ok(true)
            }
        }
    }

    fn put(&mut self, entries: Vec<wit::Entry>) -> Result<bool, PluginError> {
        self.entries.spend(entries.len())?;
        let mut good = Vec::with_capacity(entries.len());
        let mut bad = Vec::new();
        for entry in entries {
            match convert::entry(entry) {
                Ok(entry) => good.push(entry),
                Err(problem) => bad.push(*problem),
            }
        }
        self.report(bad)?;
        Ok(good.is_empty() || self.outlet.entries(good))
    }

    fn report(&mut self, problems: Vec<ImportProblem>) -> Result<(), PluginError> {
        self.problems.spend(problems.len())?;
        if !problems.is_empty() {
            self.outlet.problems(problems);
        }
        Ok(())
    }
}
