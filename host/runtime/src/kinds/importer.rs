//! Importers: bytes of a foreign file in, checked entries and problems out.
//!
//! While a file is parsed, the guest runs in a task of its own: it pulls bytes and pushes batches through the feed. The task
//! that called `parse` converts, checks and hands them to the outlet, at the same time where there is a second core. Never
//! keeps entries: they are the outlet's as soon as they are checked.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{ImportEntry, ImportProblem, ImportSummary};
use tokio::task::{JoinError, JoinSet};

use super::importer_convert as convert;
use super::importer_feed::{Feed, FeedSlot, Intake};
use crate::PluginError;
use crate::instance::{Budget, Call, State, Stop, within};
use crate::plugin::Loaded;

mod bindings {
    wasmtime::component::bindgen!({
        world: "ostler:importer/importer-plugin",
        path: ["../../plugin-api/wit/types-0.1.0", "../../plugin-api/wit/importer-0.1.0"],
        with: { "ostler:types": crate::capabilities::ostler::types },
        imports: {
            "ostler:importer/feed.put": async,
            "ostler:importer/feed.put-packed": async,
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

pub(crate) async fn info(loaded: &Loaded, pre: &ImporterPre) -> Result<ImporterInfo, PluginError> {
    let budget = Budget { name: "describing time", time: loaded.limits.detect_time };
    let mut call = Call::begin(loaded, budget).await;
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
    let mut call = Call::begin(loaded, budget).await;
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
    loaded: &Arc<Loaded>,
    pre: &ImporterPre,
    input: Box<dyn Read + Send>,
    options: &[(String, String)],
    outlet: &mut (dyn ImportOutlet + Send),
) -> Result<ImportSummary, PluginError> {
    let (feed, mut batches) = Feed::new(input);
    let mut intake = Intake::new(&loaded.limits, outlet);
    let mut guest = JoinSet::new();
    guest.spawn(run(Arc::clone(loaded), pre.clone(), feed, options.to_vec()));
    // The feed, and with it the sender, is gone when the guest is.
    while let Some(batch) = batches.recv().await {
        match intake.take(batch) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                // Waits until the guest is gone, so that its call is counted.
                guest.shutdown().await;
                loaded.counters.count_error(&error, "parsing", Duration::ZERO, 0);
                return Err(error);
            }
        }
    }
    // From now on the guest hears that nothing more is wanted.
    drop(batches);
    let parsed = guest.join_next().await.unwrap_or(Ok(Err(gone()))).unwrap_or_else(crashed)?;
    parsed.map(convert::summary).map_err(|no| PluginError::Said(convert::said(no)))
}

/// Runs the guest to its end.
async fn run(
    loaded: Arc<Loaded>,
    pre: ImporterPre,
    feed: Feed,
    options: Vec<(String, String)>,
) -> Result<Result<wit::Summary, wit::Failure>, PluginError> {
    let budget = Budget { name: "parsing time", time: loaded.limits.parse_time };
    let mut call = Call::begin(&loaded, budget).await;
    let (waits, allowance) = (call.waits(), call.allowance());
    call.store.data_mut().feed = FeedSlot::open(feed, call.waits());
    let guest = within(allowance, &waits, async {
        let plugin = pre.instantiate_async(&mut call.store).await?;
        plugin.ostler_importer_importer().call_parse(&mut call.store, &options).await
    });
    let parsed = Box::pin(guest).await;
    // What stopped the feed comes first: a guest that then crashes does so because of it.
    let failure = call.store.data_mut().feed.close();
    call.end(failure.map_or(parsed, |failure| Err(Stop::Fed(failure))))
}

/// A task that panicked takes nothing else with it.
fn crashed<T>(_: JoinError) -> Result<T, PluginError> {
    Err(gone())
}

fn gone() -> PluginError {
    PluginError::Host("the task that ran it is gone".to_owned())
}
