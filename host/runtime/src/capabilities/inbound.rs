//! Capability `inbound`: calls from outside, to callbacks that the manifest declares.
//!
//! The wire is the business of [`crate::endpoint`]. Of a request the guest reads what its callback names; secrets in it become slots of this
//! call. That a callback is opened, and each request that comes, is written down before. A grant that is taken away ends a wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{SecretBytes, UseLog};
use ostler_plugin_api::{Callback as Declared, Capability, ProjectedBody};
use serde_json::{Map, Value};
use tokio::sync::oneshot;
use tokio::time::Instant;
use url::form_urlencoded;
use wasmtime::component::{HasData, Linker, Resource};

use super::filling::{AllReceived, Hidden, Received};
use super::machine::ostler::inbound::inbound as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::endpoint::{Arrived, Endpoint, OpenCallback, Reply};
use crate::instance::{State, Waits};
use crate::text;

/// Callbacks that a call has open, as the WIT document says.
const MOST_OPEN: usize = 4;
/// Requests that a callback gets, as the WIT document says.
const MOST_REQUESTS: u32 = 1000;
/// Bytes of an answer, as the WIT document says.
const LARGEST_ANSWER: usize = 64 << 10;
/// How long a call waits in all, as the WIT document says.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// How often a wait looks whether the grant is still there.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

/// The capability of one plugin.
pub(crate) struct Inbound {
    gate: Gate,
    declared: Vec<Declared>,
    uses: Arc<dyn UseLog>,
    endpoint: Arc<Endpoint>,
}

/// A callback that the guest holds.
#[expect(unreachable_pub, reason = "the generated bindings name it where they are public")]
pub struct Callback {
    own: OpenCallback,
    declared: Declared,
    seen: u32,
    unanswered: Option<oneshot::Sender<Reply>>,
}

/// The callbacks of one call.
pub(crate) struct Instance {
    own: Arc<Inbound>,
    waits: Arc<Waits>,
    open: BTreeMap<u32, Callback>,
    next: u32,
    received: AllReceived<()>,
    /// How long it may have waited in all.
    waited: Duration,
}

impl HostCapability for Inbound {
    const CAPABILITY: Capability = Capability::Inbound;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.inbound)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            declared: setup.manifest.callbacks.clone(),
            uses: Arc::clone(&setup.ports.machine_uses),
            endpoint: Arc::clone(setup.endpoint),
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            open: BTreeMap::new(),
            next: 0,
            received: AllReceived::new(),
            waited: Duration::ZERO,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl Instance {
    /// Returns what came with requests of this call as secrets.
    pub(super) fn received(&self) -> &AllReceived<()> {
        &self.received
    }

    /// Takes out of a request what the guest may have.
    fn take(&mut self, declared: &Declared, arrived: &Arrived) -> wit::Request {
        let mut hidden = Hidden::default();
        let projected = declared.project(members(arrived));
        let mut slots = Vec::new();
        for (slot, value) in projected.slots {
            let bytes = SecretBytes::from(value);
            // As it stands in the request line, too.
            let encoded: String = form_urlencoded::byte_serialize(bytes.expose()).collect();
            let spaced = encoded.replace('+', "%20");
            hidden.extend([
                bytes.clone(),
                encoded.to_ascii_lowercase().into(),
                spaced.into(),
                encoded.into(),
            ]);
            let name = self.received.put(&format!("inbound.{}", slot.name), Received { bytes, origin: () });
            slots.extend(name.map(|name| wit::ReceivedSlot { name: name.to_string(), field: slot.field }));
        }
        let header = |name: &String| {
            let value = arrived.headers.get(name.as_str())?.to_str().ok()?;
            Some((name.to_ascii_lowercase(), hidden.blot(text::line(value, 8192).into_owned())))
        };
        let readable = |(path, nodes)| wit::Projected { path, nodes: hidden.blot_values(nodes) };
        wit::Request {
            method: arrived.method.to_string(),
            path: text::line(&hidden.blot(arrived.path.clone()), 2048).into_owned(),
            headers: declared.headers.iter().filter_map(header).collect(),
            projected: projected.readable.into_iter().map(readable).collect(),
            slots,
            body: (declared.body == ProjectedBody::All).then(|| arrived.body.to_vec()),
        }
    }
}

/// What the paths of a callback look into.
fn members(arrived: &Arrived) -> Value {
    let kind = arrived
        .headers
        .get(hyper::header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let is = |name: &str| kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case(name));
    let form = if is("application/x-www-form-urlencoded") { &*arrived.body } else { &[] };
    let json = if is("application/json") {
        serde_json::from_slice(&arrived.body).unwrap_or_default()
    } else {
        Value::Null
    };
    serde_json::json!({ "query": parameters(arrived.query.as_bytes()), "form": parameters(form), "json": json })
}

fn parameters(encoded: &[u8]) -> Value {
    let mut all = Map::new();
    for (name, value) in form_urlencoded::parse(encoded) {
        let value = Value::from(value.into_owned());
        match all.get_mut(&*name) {
            None => drop(all.insert(name.into_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::from(vec![first.take(), value]),
        }
    }
    all.into()
}

impl wit::Host for Instance {
    async fn open(&mut self, purpose: String) -> Result<Resource<Callback>, CapabilityError> {
        let own = Arc::clone(&self.own);
        own.gate.pass()?;
        let declared = own.declared.iter().find(|declared| declared.purpose == purpose).cloned();
        let declared = declared.ok_or_else(|| {
            CapabilityError::Invalid("no [[callback]] of the manifest is for this purpose".to_owned())
        })?;
        own.gate.may_read(Some(declared.reads()))?;
        if self.open.len() == MOST_OPEN {
            return Err(CapabilityError::Limit(format!("a call has at most {MOST_OPEN} callbacks open")));
        }
        own.note(&format!("open a callback for '{purpose}'"))?;
        let opened =
            own.endpoint.open(declared.path.as_deref()).await.map_err(CapabilityError::Unavailable)?;
        self.next += 1;
        let callback = Callback { own: opened, declared, seen: 0, unanswered: None };
        self.open.insert(self.next, callback);
        Ok(Resource::new_own(self.next))
    }
}

impl wit::HostCallback for Instance {
    async fn url(&mut self, callback: Resource<Callback>) -> String {
        self.open.get(&callback.rep()).map(|callback| callback.own.url.clone()).unwrap_or_default()
    }

    async fn next(
        &mut self,
        callback: Resource<Callback>,
        milliseconds: u32,
    ) -> Result<Option<wit::Request>, CapabilityError> {
        let own = Arc::clone(&self.own);
        own.gate.pass()?;
        let Some(callback) = self.open.get_mut(&callback.rep()) else { return Err(closed()) };
        if let Some(reply) = callback.unanswered.take() {
            let nothing =
                Reply { status: 204, content_type: "text/plain; charset=utf-8", text: String::new() };
            // Whoever asked may be gone.
            drop(reply.send(nothing));
        }
        if callback.seen == MOST_REQUESTS {
            return Err(CapabilityError::Limit(format!("a callback gets at most {MOST_REQUESTS} requests")));
        }
        let timeout = Duration::from_millis(milliseconds.into());
        self.waited = self.waited.saturating_add(timeout);
        if self.waited > LONGEST_WAIT {
            return Err(CapabilityError::Limit("a call waits at most an hour for requests".to_owned()));
        }
        let until = Instant::now() + timeout;
        let waiting = self.waits.begin();
        let arrived = loop {
            let step = LOOKED_AT_EVERY.min(until.saturating_duration_since(Instant::now()));
            match tokio::time::timeout(step, callback.own.next()).await {
                Ok(arrived) => break arrived,
                Err(_) if Instant::now() >= until => break None,
                Err(_) => own.gate.still()?,
            }
        };
        drop(waiting);
        let Some(mut arrived) = arrived else { return Ok(None) };
        // It may have been taken away since the last look.
        own.gate.still()?;
        callback.seen += 1;
        let declared = callback.declared.clone();
        own.note(&format!("a request for '{}' from {}", declared.purpose, arrived.from))?;
        let (gone, _) = oneshot::channel();
        callback.unanswered = Some(std::mem::replace(&mut arrived.reply, gone));
        Ok(Some(self.take(&declared, &arrived)))
    }

    async fn answer(
        &mut self,
        callback: Resource<Callback>,
        status: u16,
        content: wit::ContentType,
        text: String,
    ) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        if !matches!(status, 200..=299 | 400..=499) {
            return Err(CapabilityError::Invalid("a status is 200 to 299 or 400 to 499".to_owned()));
        }
        if text.len() > LARGEST_ANSWER {
            return Err(CapabilityError::Limit("an answer has at most 64 KiB".to_owned()));
        }
        let Some(callback) = self.open.get_mut(&callback.rep()) else { return Err(closed()) };
        let reply = callback.unanswered.take();
        let reply =
            reply.ok_or_else(|| CapabilityError::Invalid("there is no request to answer".to_owned()))?;
        let content_type = match content {
            wit::ContentType::Plain => "text/plain; charset=utf-8",
            wit::ContentType::Html => "text/html; charset=utf-8",
            wit::ContentType::Json => "application/json",
        };
        // Whoever asked may be gone.
        drop(reply.send(Reply { status, content_type, text }));
        Ok(())
    }

    async fn drop(&mut self, callback: Resource<Callback>) -> wasmtime::Result<()> {
        self.open.remove(&callback.rep());
        Ok(())
    }
}

impl Inbound {
    fn note(&self, what: &str) -> Result<(), CapabilityError> {
        self.uses
            .note(Self::CAPABILITY.name(), what)
            .map_err(|error| CapabilityError::Unavailable(format!("it could not be audited: {error}")))
    }
}

fn closed() -> CapabilityError {
    CapabilityError::Invalid("the callback is closed".to_owned())
}
