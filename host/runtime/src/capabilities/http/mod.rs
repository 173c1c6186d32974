//! Capability `http`: requests to hosts of the grant.
//!
//! Hosts are checked by name, and again by the addresses that their names lead to; a redirect is checked as a request is. Secrets are
//! filled in by the host ([`template`]), and where they may go is checked and written down first. Of a response the guest reads
//! what a projection of its manifest names; secrets in it become slots of this call that may go back to where they came from.
//! Never follows a redirect to another host with a secret, and never hands out a secret that the host has sent, as far as it comes
//! back as it is.

mod exchange;
mod template;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostler_core::{PluginSettings, SecretBytes, SecretField, SecretUses, Sink};
use ostler_plugin_api::{Capability, Guard, HostScope, ProjectedBody, Projection};
use url::Url;
use wasmtime::component::{HasData, Linker, Resource};

use super::filling::{AllReceived, Finder, Hidden, Received};
use super::ostler::http::http as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup, inbound, prompt, secrets};
use crate::instance::{State, Waits};
use crate::text;
use exchange::{Body, Exchange};
use template::{Prepared, prepare};

/// Requests of one call, as the WIT document says.
const MOST_REQUESTS: u32 = 256;
/// Responses that a call may hold.
const MOST_RESPONSES: usize = 32;
/// Redirects that one request follows.
const MOST_REDIRECTS: u32 = 5;
/// Seconds that one request may take, where it says nothing, and at most.
const USUAL_SECONDS: u32 = 30;
const LONGEST_SECONDS: u32 = 300;
/// Bytes of a body that a projection looks into.
const LARGEST_JSON: usize = 4 << 20;
/// Bytes that a call reads of bodies as they are.
const MOST_READ: u64 = 1 << 30;
/// How long one `read` waits.
const READ_TIME: Duration = Duration::from_secs(60);
/// Bytes that one `read` returns.
const LARGEST_READ: usize = 1 << 20;

/// The capability of one plugin.
pub(crate) struct Http {
    gate: Gate,
    plugin: Arc<str>,
    projections: Vec<Projection>,
    settings: Arc<dyn PluginSettings>,
    uses: Arc<dyn SecretUses>,
    exchange: Exchange,
}

/// Where a URL leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    plain: bool,
    host: String,
    port: u16,
}

/// A response that the guest holds.
#[expect(unreachable_pub, reason = "the generated bindings name it where they are public")]
pub struct Response {
    status: u16,
    url: String,
    headers: Vec<(String, String)>,
    projected: Vec<wit::Projected>,
    slots: Vec<wit::ReceivedSlot>,
    /// The rest of a body that is read as it is.
    body: Option<Body>,
}

/// The requests of one call.
pub(crate) struct Instance {
    own: Arc<Http>,
    waits: Arc<Waits>,
    sent: u32,
    read: u64,
    /// What came with responses, each with scheme, host and port of its server.
    received: AllReceived<Origin>,
    /// Every form in which a secret was sent in this call: a later answer may bring it back.
    carried: Hidden,
    responses: BTreeMap<u32, Response>,
    next: u32,
}

impl HostCapability for Http {
    const CAPABILITY: Capability = Capability::Http;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| View {
            own: &mut state.capabilities.http,
            prompt: &state.capabilities.prompt,
            inbound: &state.capabilities.inbound,
            secrets: &state.capabilities.secrets,
        })
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            projections: setup.manifest.projections.clone(),
            settings: Arc::clone(&setup.ports.settings),
            uses: Arc::clone(&setup.ports.secret_uses),
            exchange: Exchange::new(Arc::clone(&setup.ports.resolver), Arc::clone(&setup.ports.way_out)),
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            sent: 0,
            read: 0,
            received: AllReceived::new(),
            carried: Hidden::default(),
            responses: BTreeMap::new(),
            next: 0,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = View<'a>;
}

struct View<'a> {
    own: &'a mut Instance,
    prompt: &'a prompt::Instance,
    inbound: &'a inbound::Instance,
    secrets: &'a secrets::Instance,
}

impl Origin {
    fn of(url: &Url) -> Option<Self> {
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { plain: url.scheme() == "http", host, port: url.port_or_known_default()? })
    }
}

impl Http {
    /// Checks a URL, of a request or a redirect: scheme, host and port.
    fn check(&self, url: &Url) -> Result<Origin, CapabilityError> {
        let invalid = |reason: &str| CapabilityError::Invalid(reason.to_owned());
        if !["http", "https"].contains(&url.scheme()) {
            return Err(invalid("the URL must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("the URL must have no user and no password"));
        }
        let origin = Origin::of(url).ok_or_else(|| invalid("the URL has no host"))?;
        let what = format!("'{}://{}:{}'", url.scheme(), origin.host, origin.port);
        let setting = |key: &str| self.host_of_setting(key);
        self.gate
            .within(&what, |scope| scope.covers_host(&origin.host, origin.port, origin.plain, &setting))?;
        Ok(origin)
    }

    /// Returns the host that a setting of the plugin names: a URL, or a host with or without a port.
    fn host_of_setting(&self, key: &str) -> Option<HostScope> {
        let settings = self.settings.settings(&self.plugin);
        let text = match settings.get(key)? {
            ostler_core::SettingValue::Text(text) => text,
            _ => return None,
        };
        match Url::parse(text).ok().filter(|url| url.has_host()).as_ref().and_then(Origin::of) {
            Some(origin) => {
                let host = if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host };
                let scheme = if origin.plain { "http://" } else { "" };
                HostScope::new(&format!("{scheme}{host}:{}", origin.port)).ok()
            }
            None => HostScope::new(text).ok().filter(|scope| matches!(scope, HostScope::Named { .. })),
        }
    }

    fn projection(&self, method: &str, url: &Url, origin: &Origin) -> Option<&Projection> {
        self.projections
            .iter()
            .find(|own| own.matches(method, url.scheme(), &origin.host, origin.port, url.path()))
    }
}

impl View<'_> {
    /// Finds the secret of a slot for one place, and writes the use down before it happens.
    fn secret(&self, slot: &str, origin: &Origin) -> Result<SecretBytes, CapabilityError> {
        let own = &self.own.own;
        let sink = Sink {
            protocol: if origin.plain { "http" } else { "https" }.to_owned(),
            host: origin.host.clone(),
            port: origin.port,
            field: SecretField::Request,
        };
        let finder = Finder {
            gate: &own.gate,
            plugin: &own.plugin,
            uses: &own.uses,
            prompt: self.prompt,
            inbound: self.inbound,
            secrets: self.secrets,
        };
        let place = format!("'{}:{}'", origin.host, origin.port);
        finder.find(slot, &self.own.received, origin, &sink, &place)
    }

    /// Sends a request, and follows redirects.
    async fn exchange(&mut self, request: wit::Request) -> Result<Response, wit::HttpError> {
        let own = Arc::clone(&self.own.own);
        let refused = wit::HttpError::Refused;
        own.gate.pass().map_err(refused)?;
        if self.own.sent >= MOST_REQUESTS || self.own.responses.len() >= MOST_RESPONSES {
            let reason =
                format!("a call sends {MOST_REQUESTS} requests, and holds {MOST_RESPONSES} responses");
            return Err(refused(CapabilityError::Limit(reason)));
        }
        self.own.sent += 1;
        let mut url = Url::parse(&request.url)
            .map_err(|error| refused(CapabilityError::Invalid(format!("the URL can't be read: {error}"))))?;
        let mut origin = own.check(&url).map_err(refused)?;
        let asked_at = origin.clone();
        let seconds = request.timeout_seconds.unwrap_or(USUAL_SECONDS).clamp(1, LONGEST_SECONDS);
        let find = |slot: &str| self.secret(slot, &asked_at);
        let mut prepared = prepare(request, &mut url, &own.gate, &find).map_err(refused)?;
        self.own.carried.extend(prepared.secrets.iter().cloned());
        prepared.hidden = self.own.carried.clone();
        let work = async {
            for _ in 0..=MOST_REDIRECTS {
                let answer = own.exchange.send(&own.gate, &prepared, &url, &origin).await?;
                let Some(next) = answer.redirect(&url, &prepared) else {
                    return self.take(&own, &prepared, answer, url, origin).await;
                };
                let next_origin = own.check(&next).map_err(refused)?;
                if next_origin != origin && !prepared.secrets.is_empty() {
                    let reason =
                        format!("a request with a secret is not redirected to '{}'", next_origin.host);
                    own.gate.refuse(Guard::Redirect, reason).map_err(refused)?;
                }
                prepared.follow(answer.status());
                (url, origin) = (next, next_origin);
            }
            Err(wit::HttpError::Lost(format!("it was redirected more than {MOST_REDIRECTS} times")))
        };
        tokio::time::timeout(Duration::from_secs(seconds.into()), work)
            .await
            .unwrap_or(Err(wit::HttpError::TimedOut))
    }

    /// Makes of an answer what the guest may read of it.
    async fn take(
        &mut self,
        own: &Http,
        prepared: &Prepared,
        answer: exchange::Answer,
        url: Url,
        origin: Origin,
    ) -> Result<Response, wit::HttpError> {
        let projection = own.projection(&prepared.method, &url, &origin);
        let mut response = Response {
            status: answer.status(),
            url: shown(url, prepared),
            headers: Vec::new(),
            projected: Vec::new(),
            slots: Vec::new(),
            body: None,
        };
        let Some(projection) = projection else { return Ok(response) };
        own.gate.may_read(projection.reads()).map_err(wit::HttpError::Refused)?;
        response.headers = projection
            .headers
            .iter()
            .flat_map(|name| answer.header(name).map(|value| (name.to_ascii_lowercase(), value)))
            .map(|(name, value)| (name, prepared.hidden.blot(text::line(&value, 8192).into_owned())))
            .collect();
        match projection.body {
            ProjectedBody::All if !prepared.hidden.is_empty() => {
                let reason =
                    "after a secret was sent, no answer is read as a whole in the same call".to_owned();
                own.gate.refuse(Guard::Projection, reason).map_err(wit::HttpError::Refused)?;
                response.body = Some(answer.into_body());
            }
            ProjectedBody::All => response.body = Some(answer.into_body()),
            ProjectedBody::Json if projection.read.is_empty() && projection.slots.is_empty() => {}
            ProjectedBody::Json => {
                let bytes = answer.into_body().whole(LARGEST_JSON).await?;
                // What is no JSON has no paths.
                let body = serde_json::from_slice(&bytes).unwrap_or(serde_json::Value::Null);
                let projected = projection.project(body);
                for (path, nodes) in projected.readable {
                    let nodes = prepared.hidden.blot_values(nodes);
                    response.projected.push(wit::Projected { path, nodes });
                }
                for (slot, value) in projected.slots {
                    let bytes = SecretBytes::from(value);
                    let received = Received { bytes, origin: origin.clone() };
                    let name = self.own.received.put(&format!("http.{}", slot.name), received);
                    response.slots.extend(
                        name.map(|name| wit::ReceivedSlot { name: name.to_string(), field: slot.field }),
                    );
                }
            }
        }
        Ok(response)
    }
}

impl wit::Host for View<'_> {
    async fn send(&mut self, request: wit::Request) -> Result<Resource<Response>, wit::HttpError> {
        let waits = Arc::clone(&self.own.waits);
        let waiting = waits.begin();
        let response = self.exchange(request).await;
        drop(waiting);
        self.own.next += 1;
        self.own.responses.insert(self.own.next, response?);
        Ok(Resource::new_own(self.own.next))
    }
}

/// Returns where an answer came from, as far as the guest may know: of a request that carried a secret, which may stand in the
/// query, or in what a server made of it, only the server.
fn shown(mut url: Url, prepared: &Prepared) -> String {
    if !prepared.secrets.is_empty() {
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
    }
    url.into()
}

impl View<'_> {
    fn response(&self, response: &Resource<Response>) -> Option<&Response> {
        self.own.responses.get(&response.rep())
    }
}

impl wit::HostResponse for View<'_> {
    async fn status(&mut self, response: Resource<Response>) -> u16 {
        self.response(&response).map_or(0, |response| response.status)
    }

    async fn url(&mut self, response: Resource<Response>) -> String {
        self.response(&response).map_or_else(String::new, |response| response.url.clone())
    }

    async fn headers(&mut self, response: Resource<Response>) -> Vec<(String, String)> {
        self.response(&response).map_or_else(Vec::new, |response| response.headers.clone())
    }

    async fn projected(&mut self, response: Resource<Response>) -> Vec<wit::Projected> {
        self.response(&response).map_or_else(Vec::new, |response| response.projected.clone())
    }

    async fn slots(&mut self, response: Resource<Response>) -> Vec<wit::ReceivedSlot> {
        self.response(&response).map_or_else(Vec::new, |response| response.slots.clone())
    }

    async fn read(&mut self, response: Resource<Response>, most: u32) -> Result<Vec<u8>, wit::HttpError> {
        self.own.own.gate.pass().map_err(wit::HttpError::Refused)?;
        let waits = Arc::clone(&self.own.waits);
        let body = self.own.responses.get_mut(&response.rep()).and_then(|response| response.body.as_mut());
        let Some(body) = body else {
            let reason =
                "no projection of the manifest says that the body is read: body = \"all\"".to_owned();
            return Err(wit::HttpError::Refused(self.own.own.gate.denied(reason)));
        };
        let _waiting = waits.begin();
        let most = usize::try_from(most).unwrap_or(LARGEST_READ).min(LARGEST_READ);
        let bytes = tokio::time::timeout(READ_TIME, body.read(most))
            .await
            .map_err(|_| wit::HttpError::TimedOut)??;
        self.own.read += bytes.len() as u64;
        if self.own.read > MOST_READ {
            return Err(wit::HttpError::Refused(CapabilityError::Limit(
                "a call reads at most 1 GiB".to_owned(),
            )));
        }
        Ok(bytes)
    }

    async fn drop(&mut self, response: Resource<Response>) -> wasmtime::Result<()> {
        self.own.responses.remove(&response.rep());
        Ok(())
    }
}
