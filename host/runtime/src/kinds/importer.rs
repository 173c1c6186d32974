//! Importers: bytes of a foreign file in, checked entries and problems out.
//!
//! While a file is parsed, the guest pulls bytes and pushes batches through the feed. A batch is converted while the guest
//! waits, and handed to the outlet by the task that called `parse`, so that what the outlet does is not charged to the
//! guest. Never keeps entries: they are the outlet's as soon as they come.

use std::io::{self, Read};
use std::sync::Arc;

use ostler_core::{ImportEntry, ImportProblem, ImportSummary};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{HasData, Linker};

use super::importer_convert as convert;
use crate::PluginError;
use crate::instance::{Budget, Call, State, Stop, Waits, within};
use crate::plugin::Loaded;

mod bindings {
    wasmtime::component::bindgen!({
        world: "ostler:importer/importer-plugin",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/importer-0.1.0"],
        with: { "ostler:types": crate::capabilities::ostler::types },
        imports: {
            "ostler:importer/feed.put": async,
            "ostler:importer/feed.report": async,
        },
        exports: { default: async },
    });
}

pub(super) use bindings::ostler::importer::feed;
pub(super) use bindings::ostler::importer::types as wit;

/// A linked importer, ready to be instantiated.
pub(crate) type ImporterPre = bindings::ImporterPluginPre<State>;

/// Bytes of a file that `detect` sees, as the WIT document says.
const LARGEST_HEAD: usize = 64 << 10;
/// Bytes that one `read` returns, as the WIT document says.
const LARGEST_READ: usize = 1 << 20;

/// Takes what an importer finds.
pub trait ImportOutlet {
    /// Takes entries. False means: stop, the rest is not wanted.
    fn entries(&mut self, entries: Vec<ImportEntry>) -> bool;
    /// Takes problems.
    fn problems(&mut self, problems: Vec<ImportProblem>);
}

/// What an importer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImporterInfo {
    /// The format's name.
    pub title: String,
    /// File name endings, without the dot.
    pub extensions: Vec<String>,
    /// The options that `parse` takes.
    pub options: Vec<OptionInfo>,
}

/// One option of an importer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionInfo {
    /// The name; one that ends in `.` takes any key behind it.
    pub name: String,
    /// What it does.
    pub help: String,
    /// The values it takes; empty where any text may stand.
    pub choices: Vec<String>,
}

/// The feed of a call: empty but while `parse` runs.
#[derive(Default)]
pub(crate) struct FeedSlot(Option<Feed>);

/// What the guest reads from and writes to while it parses.
struct Feed {
    input: Box<dyn Read + Send>,
    batches: mpsc::Sender<Batch>,
    waits: Arc<Waits>,
    entries: Quota,
    problems: Quota,
    /// Why the host can't go on; the guest sees the end of the file, and the caller this.
    failure: Option<PluginError>,
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

/// What the guest hands over, and where the answer goes.
enum Batch {
    Entries(Vec<ImportEntry>, oneshot::Sender<bool>),
    Problems(Vec<ImportProblem>, oneshot::Sender<bool>),
}

impl Batch {
    fn hand_to(self, outlet: &mut (dyn ImportOutlet + Send)) {
        let (go_on, answer) = match self {
            Self::Entries(entries, answer) => (outlet.entries(entries), answer),
            Self::Problems(problems, answer) => {
                outlet.problems(problems);
                (true, answer)
            }
        };
        // The guest is only gone where the whole call is.
        answer.send(go_on).unwrap_or_default();
    }
}

pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    feed::add_to_linker::<State, Access>(linker, |state| &mut state.feed)
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut FeedSlot;
}

impl feed::Host for FeedSlot {
    fn read(&mut self, most: u32) -> Vec<u8> {
        self.0.as_mut().map(|feed| feed.read(most)).unwrap_or_default()
    }

    async fn put(&mut self, entries: Vec<wit::Entry>) -> bool {
        match &mut self.0 {
            Some(feed) => feed.put(entries).await,
            None => false,
        }
    }

    async fn report(&mut self, problems: Vec<wit::Problem>) {
        if let Some(feed) = &mut self.0 {
            feed.report(problems.into_iter().map(convert::problem).collect()).await;
        }
    }
}

impl Feed {
    fn read(&mut self, most: u32) -> Vec<u8> {
        if self.failure.is_some() {
            return Vec::new();
        }
        let waiting = self.waits.begin();
        let mut bytes = vec![0; usize::try_from(most).unwrap_or(LARGEST_READ).min(LARGEST_READ)];
        let read = loop {
            match self.input.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        drop(waiting);
        match read {
            Ok(length) => bytes.truncate(length),
            Err(error) => {
                bytes.clear();
                self.failure = Some(PluginError::Host(format!("the file can't be read: {error}")));
            }
        }
        bytes
    }

    async fn put(&mut self, entries: Vec<wit::Entry>) -> bool {
        if self.failed(|feed| feed.entries.spend(entries.len())) {
            return false;
        }
        let mut good = Vec::with_capacity(entries.len());
        let mut bad = Vec::new();
        for entry in entries {
            match convert::entry(entry) {
                Ok(entry) => good.push(entry),
                Err(problem) => bad.push(*problem),
            }
        }
        if !bad.is_empty() && !self.report(bad).await {
            return false;
        }
        good.is_empty() || self.hand_over(|answer| Batch::Entries(good, answer)).await
    }

    async fn report(&mut self, problems: Vec<ImportProblem>) -> bool {
        if self.failed(|feed| feed.problems.spend(problems.len())) {
            return false;
        }
        problems.is_empty() || self.hand_over(|answer| Batch::Problems(problems, answer)).await
    }

    /// Does a step unless one failed before; the first failure stays, and the call ends with it.
    fn failed(&mut self, step: impl FnOnce(&mut Self) -> Result<(), PluginError>) -> bool {
        if self.failure.is_none() {
            self.failure = step(self).err();
        }
        self.failure.is_some()
    }

    /// Hands a batch to the task that called `parse`, and waits until the outlet has taken it.
    async fn hand_over(&mut self, batch: impl FnOnce(oneshot::Sender<bool>) -> Batch) -> bool {
        let waiting = self.waits.begin();
        let (answer, answered) = oneshot::channel();
        let go_on = self.batches.send(batch(answer)).await.is_ok() && answered.await.unwrap_or(false);
        drop(waiting);
        go_on
    }
}

pub(crate) async fn info(loaded: &Loaded, pre: &ImporterPre) -> Result<ImporterInfo, PluginError> {
    let budget = Budget { name: "describing time", time: loaded.limits.detect_time };
    let mut call = Call::begin(loaded, &[], budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let described = within(allowance, &waits, async {
        let plugin = pre.instantiate_async(&mut call.store).await?;
        plugin.ostler_importer_importer().call_describe(&mut call.store).await
    });
    let described = Box::pin(described).await;
    convert::info(call.end(described)?)
}

pub(crate) async fn detect(
    loaded: &Loaded,
    pre: &ImporterPre,
    head: &[u8],
    name: &str,
) -> Result<u8, PluginError> {
    let budget = Budget { name: "detecting time", time: loaded.limits.detect_time };
    let mut call = Call::begin(loaded, &[], budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    let head = head.get(..LARGEST_HEAD.min(head.len())).unwrap_or_default().to_vec();
    let detected = within(allowance, &waits, async {
        let plugin = pre.instantiate_async(&mut call.store).await?;
        plugin.ostler_importer_importer().call_detect(&mut call.store, &head, name).await
    });
    let detected = Box::pin(detected).await;
    Ok(call.end(detected)?.min(100))
}

pub(crate) async fn parse(
    loaded: &Loaded,
    pre: &ImporterPre,
    input: Box<dyn Read + Send>,
    options: &[(String, String)],
    outlet: &mut (dyn ImportOutlet + Send),
) -> Result<ImportSummary, PluginError> {
    let budget = Budget { name: "parsing time", time: loaded.limits.parse_time };
    let mut call = Call::begin(loaded, &[], budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    // One batch at a time: the guest stands still until the outlet has taken it.
    let (batches, mut handed_over) = mpsc::channel(1);
    call.store.data_mut().feed = FeedSlot(Some(Feed {
        input,
        batches,
        waits: call.waits(),
        entries: Quota::new("entries of a file", loaded.limits.import_entries),
        problems: Quota::new("problems of a file", loaded.limits.import_problems),
        failure: None,
    }));
    let options = options.to_vec();
    let work = async {
        let guest = async {
            let plugin = pre.instantiate_async(&mut call.store).await?;
            plugin.ostler_importer_importer().call_parse(&mut call.store, &options).await
        };
        let mut guest = Box::pin(guest);
        loop {
            tokio::select! {
                biased;
                Some(batch) = handed_over.recv() => Batch::hand_to(batch, outlet),
                parsed = &mut guest => return parsed,
            }
        }
    };
    let parsed = Box::pin(within(allowance, &waits, work)).await;
    // What stopped the feed comes first: a guest that then crashes does so because of it.
    let failure = call.store.data_mut().feed.0.take().and_then(|feed| feed.failure);
    let parsed = call.end(failure.map_or(parsed, |failure| Err(Stop::Fed(failure))))?;
    parsed.map(convert::summary).map_err(|no| PluginError::Said(convert::said(no)))
}
