//! Capability `net`: byte streams to the target of the session that the plugin drives, or to hosts of its grant.
//!
//! A wire is read only when the guest asks, so that a fast server waits. Hosts are checked by name, and again by the addresses that
//! their names lead to; the wire is opened to the very address that was checked. The target of a session is the user's
//! own choice and needs no grant of hosts. Never hands out what a server sends back of a secret that the host has sent it, as far
//! as it comes back as it is.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use ostler_core::{Endpoint, Resolver, SecretBytes, WayOut};
use ostler_plugin_api::{Capability, Guard};
use tokio::net::TcpStream;
use wasmtime::component::{HasData, Linker, Resource};

use super::addresses::closed;
use super::ostler::net::net as wit;
use super::ostler::types::types::CapabilityError;
use super::wire::Wire;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};
use crate::kinds::driver::DriveContext;
use crate::tls::{Pin, Trust, connect_tls};

/// Wires of one call, as the WIT document says.
const MOST_WIRES: usize = 8;
/// Bytes of one `write`, as the WIT document says.
const LARGEST_WRITE: usize = 1 << 20;
/// Bytes that one `read` returns, as the WIT document says.
const LARGEST_READ: usize = 64 << 10;
/// How long opening a wire, or agreeing on TLS, may take.
const OPEN_TIME: Duration = Duration::from_secs(15);

/// The capability of one plugin.
pub(crate) struct Net {
    gate: Gate,
    resolver: Arc<dyn Resolver>,
    way_out: Arc<WayOut>,
}

/// The wires of one call.
pub(crate) struct Instance {
    own: Arc<Net>,
    waits: Arc<Waits>,
    drive: Option<Arc<DriveContext>>,
    wires: BTreeMap<u32, Wire>,
    opened: u32,
    /// The wire that was told of last.
    told: u32,
}

impl HostCapability for Net {
    const CAPABILITY: Capability = Capability::Net;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.net)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            resolver: Arc::clone(&setup.ports.resolver),
            way_out: Arc::clone(&setup.ports.way_out),
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            drive: chain.drive.cloned(),
            wires: BTreeMap::new(),
            opened: 0,
            told: 0,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl Instance {
    /// Returns a wire with something to read, or at its end; wires take turns, so that none drowns out another.
    pub(crate) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<u32> {
        let next = self.told.saturating_add(1);
        for turn in [next..=u32::MAX, 0..=self.told] {
            for (id, wire) in self.wires.range_mut(turn) {
                if wire.poll_readable(context).is_ready() {
                    self.told = *id;
                    return Poll::Ready(*id);
                }
            }
        }
        Poll::Pending
    }

    /// Writes a secret into a wire of this session's target, and hides it from then on.
    pub(super) async fn send_secret(
        &mut self,
        wire: &Resource<Wire>,
        secret: SecretBytes,
        ending: &[u8],
    ) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        let waits = Arc::clone(&self.waits);
        let wire = self.wires.get_mut(&wire.rep()).ok_or_else(no_wire)?;
        let waiting = waits.begin();
        let written = wire.write_secret(secret, ending).await;
        drop(waiting);
        written.map_err(|error| CapabilityError::Unavailable(error.to_string()))
    }

    /// Tells whether a wire leads to the target of this session: where its secrets may go.
    pub(super) fn leads_to_target(&self, wire: &Resource<Wire>) -> bool {
        self.wires.get(&wire.rep()).is_some_and(Wire::leads_to_target)
    }

    /// Checks where to, and opens a wire there.
    async fn open(&self, target: &Endpoint) -> Result<Wire, wit::NetError> {
        let own = &self.own;
        own.gate.pass().map_err(wit::NetError::Refused)?;
        target.check().map_err(|fault| refused(CapabilityError::Invalid(fault.to_string())))?;
        if self.wires.len() >= MOST_WIRES {
            return Err(refused(CapabilityError::Limit(format!("a call has at most {MOST_WIRES} wires"))));
        }
        let to_target = self.drive.as_ref().is_some_and(|drive| same(&drive.target, target));
        let (host, port) = (target.host.as_str(), target.port);
        if !to_target {
            let what = format!("the host '{target}'");
            own.gate
                .within(&what, |scope| scope.covers_host(host, port, false, &|_| None))
                .map_err(wit::NetError::Refused)?;
        }
        let unreachable = |reason: String| wit::NetError::Unreachable(reason);
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => own.resolver.resolve(host).await.map_err(|error| unreachable(error.to_string()))?,
        };
        let mut last = unreachable(format!("the host name '{host}' has no address"));
        for address in found {
            if !to_target
                && let Some(kind) = closed(address)
                && !own.gate.covers(|scope| scope.covers_address(address))
            {
                let reason = format!("'{host}' leads to {address}, a {kind} address, which is not granted");
                if let Err(error) = own.gate.refuse(Guard::Address, reason) {
                    last = refused(error);
                    continue;
                }
            }
            match tokio::time::timeout(OPEN_TIME, TcpStream::connect(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => return Ok(Wire::new(stream, host, to_target)),
                Ok(Err(error)) => last = unreachable(format!("{target} can't be reached: {}", error.kind())),
                Err(_) => {
                    last = unreachable(format!("{target} did not answer within {} s", OPEN_TIME.as_secs()))
                }
            }
        }
        Err(last)
    }
}

impl wit::Host for Instance {
    async fn connect(&mut self, target: wit::Endpoint) -> Result<Resource<Wire>, wit::NetError> {
        let waits = Arc::clone(&self.waits);
        let waiting = waits.begin();
        let opened = self.open(&Endpoint { host: target.host, port: target.port }).await;
        drop(waiting);
        self.opened += 1;
        self.wires.insert(self.opened, opened?);
        Ok(Resource::new_own(self.opened))
    }
}

impl wit::HostWire for Instance {
    async fn id(&mut self, wire: Resource<Wire>) -> u32 {
        wire.rep()
    }

    async fn write(&mut self, wire: Resource<Wire>, bytes: Vec<u8>) -> Result<(), wit::NetError> {
        self.own.gate.pass().map_err(wit::NetError::Refused)?;
        if bytes.len() > LARGEST_WRITE {
            return Err(refused(CapabilityError::Limit("a write has at most 1 MiB".to_owned())));
        }
        let waits = Arc::clone(&self.waits);
        let wire = self.wires.get_mut(&wire.rep()).ok_or(wit::NetError::Closed)?;
        let _waiting = waits.begin();
        wire.write(&bytes).await.map_err(lost)
    }

    async fn read(&mut self, wire: Resource<Wire>, most: u32) -> Result<Vec<u8>, wit::NetError> {
        self.own.gate.pass().map_err(wit::NetError::Refused)?;
        let waits = Arc::clone(&self.waits);
        let wire = self.wires.get_mut(&wire.rep()).ok_or(wit::NetError::Closed)?;
        let _waiting = waits.begin();
        let most = usize::try_from(most).unwrap_or(LARGEST_READ).min(LARGEST_READ);
        wire.read(most).await.map_err(wit::NetError::Lost)
    }

    async fn finish(&mut self, wire: Resource<Wire>) -> Result<(), wit::NetError> {
        self.own.gate.pass().map_err(wit::NetError::Refused)?;
        let waits = Arc::clone(&self.waits);
        let wire = self.wires.get_mut(&wire.rep()).ok_or(wit::NetError::Closed)?;
        let _waiting = waits.begin();
        wire.finish().await.map_err(lost)
    }

    async fn upgrade_tls(
        &mut self,
        wire: Resource<Wire>,
        options: wit::TlsOptions,
    ) -> Result<(), wit::NetError> {
        self.own.gate.pass().map_err(wit::NetError::Refused)?;
        let waits = Arc::clone(&self.waits);
        let wire = self.wires.get_mut(&wire.rep()).ok_or(wit::NetError::Closed)?;
        let invalid = |reason: &str| refused(CapabilityError::Invalid(reason.to_owned()));
        let pin = options.pin.as_deref().map(Pin::new).transpose();
        let pin = pin.map_err(|_| invalid("a pin is 64 hexadecimal digits"))?;
        let trust = match pin {
            None => Trust::with(&self.own.way_out.roots_pem),
            Some(pin) => Trust::pinned(pin, self.own.gate.guards()),
        };
        let trust = trust.map_err(wit::NetError::Tls)?;
        let io =
            wire.take_io().ok_or_else(|| invalid("bytes of the other end wait, or it is TLS already"))?;
        let name = options.server_name.unwrap_or_else(|| wire.host().to_owned());
        let _waiting = waits.begin();
        let agreed = tokio::time::timeout(OPEN_TIME, connect_tls(io, &name, trust.config())).await;
        let reason = match agreed {
            Ok(Ok(io)) => {
                wire.put_tls(io);
                return Ok(());
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("TLS was not agreed on within {} s", OPEN_TIME.as_secs()),
        };
        Err(wit::NetError::Tls(reason))
    }

    async fn drop(&mut self, wire: Resource<Wire>) -> wasmtime::Result<()> {
        self.wires.remove(&wire.rep());
        Ok(())
    }
}

fn same(one: &Endpoint, other: &Endpoint) -> bool {
    one.port == other.port && one.host.eq_ignore_ascii_case(&other.host)
}

fn refused(error: CapabilityError) -> wit::NetError {
    wit::NetError::Refused(error)
}

fn no_wire() -> CapabilityError {
    CapabilityError::Invalid("the wire is closed".to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "it is the shape that map_err takes")]
fn lost(error: std::io::Error) -> wit::NetError {
    wit::NetError::Lost(error.kind().to_string())
}
