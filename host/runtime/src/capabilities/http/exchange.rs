//! One exchange over the wire: resolve, check the addresses, connect to the very address that was checked, TLS, HTTP/1.1.
//!
//! Each exchange has a connection of its own, which ends with it. Where a proxy leads to the host, the proxy resolves the name, and what
//! can be checked here is the name and an address that stands in the URL itself. Knows nothing of projections and slots.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use ostler_core::{Resolver, WayOut};
use ostler_plugin_api::Guard;
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use url::{Host, Url};

use super::super::ostler::http::http as wit;
use super::super::{Carrier, Gate, addresses::closed};
use super::Origin;
use super::template::Prepared;
use crate::tls::{Trust, connect_tls};

/// How long opening a connection may take.
const OPEN_TIME: Duration = Duration::from_secs(15);

/// What exchanges are made with.
pub(super) struct Exchange {
    resolver: Arc<dyn Resolver>,
    way_out: Arc<WayOut>,
    trust: OnceLock<Result<Trust, String>>,
}

/// An answer whose body was not read yet.
pub(super) struct Answer {
    response: hyper::Response<Incoming>,
    connection: Connection,
}

/// The task that carries a connection; ends with whoever holds it.
struct Connection(AbortHandle);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A body that is read bit by bit.
pub(super) struct Body {
    body: Incoming,
    rest: Bytes,
    _connection: Connection,
}

impl Exchange {
    pub(super) fn new(resolver: Arc<dyn Resolver>, way_out: Arc<WayOut>) -> Self {
        Self { resolver, way_out, trust: OnceLock::new() }
    }

    pub(super) async fn send(
        &self,
        gate: &Gate,
        prepared: &Prepared,
        url: &Url,
        origin: &Origin,
    ) -> Result<Answer, wit::HttpError> {
        let proxy = self.way_out.proxy_to(&origin.host);
        let (carrier, absolute) = match proxy {
            None => (self.direct(gate, url, origin).await?, false),
            Some(proxy) => {
                if let Some(address) = literal(url) {
                    open(gate, &origin.host, address)?;
                }
                // The proxy is the administrator's choice: its address is not checked.
                let stream = TcpStream::connect(proxy);
                let stream = within_open_time(stream).await?.map_err(|error| unreachable(&error.kind()))?;
                if origin.plain {
                    (Box::new(stream) as Box<dyn Carrier>, true)
                } else {
                    (tunnel(stream, origin).await?, false)
                }
            }
        };
        let carrier = if origin.plain {
            carrier
        } else {
            let trust = self.trust.get_or_init(|| Trust::with(&self.way_out.roots_pem));
            let trust = trust.as_ref().map_err(|reason| wit::HttpError::Tls(reason.clone()))?;
            let agreed = within_open_time(connect_tls(carrier, &origin.host, trust.config())).await?;
            agreed.map_err(wit::HttpError::Tls)?
        };
        let (mut sender, connection) =
            http1::handshake::<_, BoxBody<Bytes, std::convert::Infallible>>(TokioIo::new(carrier))
                .await
                .map_err(|error| lost(&error))?;
        let connection =
            Connection(tokio::spawn(async move { connection.await.unwrap_or_default() }).abort_handle());
        let request = request(prepared, url, absolute)
            .ok_or_else(|| wit::HttpError::Lost("it can't be sent".to_owned()))?;
        let response = sender.send_request(request).await.map_err(|error| lost(&error))?;
        Ok(Answer { response, connection })
    }

    /// Connects to one of the host's addresses that is not closed to the plugin.
    async fn direct(
        &self,
        gate: &Gate,
        url: &Url,
        origin: &Origin,
    ) -> Result<Box<dyn Carrier>, wit::HttpError> {
        let addresses = match literal(url) {
            Some(address) => vec![address],
            None => self.resolver.resolve(&origin.host).await.map_err(|error| unreachable(&error))?,
        };
        let mut last = unreachable(&"the host name has no address");
        for address in addresses {
            if let Err(error) = open(gate, &origin.host, address) {
                last = error;
                continue;
            }
            match within_open_time(TcpStream::connect(SocketAddr::new(address, origin.port))).await? {
                Ok(stream) => return Ok(Box::new(stream)),
                Err(error) => {
                    last = unreachable(&format!("{}:{}: {}", origin.host, origin.port, error.kind()))
                }
            }
        }
        Err(last)
    }
}

/// Checks that an address is open to the plugin.
fn open(gate: &Gate, host: &str, address: IpAddr) -> Result<(), wit::HttpError> {
    match closed(address) {
        Some(kind) if !gate.covers(|scope| scope.covers_address(address)) => {
            let reason = format!("'{host}' leads to {address}, a {kind} address, which is not granted");
            gate.refuse(Guard::Address, reason).map_err(wit::HttpError::Refused)
        }
        _ => Ok(()),
    }
}

/// The address that stands in a URL itself, in whatever form (RFC 3986 and the decimal, octal and hexadecimal forms of old).
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(name) => name.parse().ok(),
    }
}

async fn within_open_time<T>(work: impl Future<Output = T>) -> Result<T, wit::HttpError> {
    tokio::time::timeout(OPEN_TIME, work).await.map_err(|_| wit::HttpError::TimedOut)
}

/// Asks a proxy for a way to a host (RFC 9110, 9.3.6).
async fn tunnel(stream: TcpStream, origin: &Origin) -> Result<Box<dyn Carrier>, wit::HttpError> {
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| lost(&error))?;
    // It ends when the tunnel does.
    tokio::spawn(async move { connection.with_upgrades().await.unwrap_or_default() });
    let host = if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host.clone() };
    let authority = format!("{host}:{}", origin.port);
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(&authority)
        .header(header::HOST, &authority)
        .body(Empty::<Bytes>::new())
        .map_err(|error| wit::HttpError::Lost(error.to_string()))?;
    let response = sender.send_request(request).await.map_err(|error| lost(&error))?;
    if !response.status().is_success() {
        return Err(unreachable(&format!("the proxy answered {}", response.status())));
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|error| lost(&error))?;
    Ok(Box::new(Tunnel(std::sync::Mutex::new(TokioIo::new(upgraded)))))
}

/// A tunnel through a proxy. What hyper hands over can't be shared between threads, so a lock stands before it that nobody waits for.
struct Tunnel(std::sync::Mutex<TokioIo<hyper::upgrade::Upgraded>>);

impl Tunnel {
    fn carrier(&mut self) -> std::pin::Pin<&mut TokioIo<hyper::upgrade::Upgraded>> {
        std::pin::Pin::new(self.0.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl tokio::io::AsyncRead for Tunnel {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.carrier().poll_read(context, buffer)
    }
}

impl tokio::io::AsyncWrite for Tunnel {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.carrier().poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.carrier().poll_flush(context)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.carrier().poll_shutdown(context)
    }
}

fn request(
    prepared: &Prepared,
    url: &Url,
    absolute: bool,
) -> Option<Request<BoxBody<Bytes, std::convert::Infallible>>> {
    let mut target = url.clone();
    target.set_fragment(None);
    let uri =
        if absolute { target.as_str().to_owned() } else { target[url::Position::BeforePath..].to_owned() };
    let host = target[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let mut request = Request::builder().method(prepared.method.as_str()).uri(uri).header(header::HOST, host);
    for (name, value) in &prepared.headers {
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::copy_from_slice(&prepared.body)).boxed()).ok()
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        let value = self.response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Returns where the answer sends the request on to, if it does.
    pub(super) fn redirect(&self, from: &Url, prepared: &Prepared) -> Option<Url> {
        let followed = match self.status() {
            301..=303 => true,
            // The method stays: only one that changes nothing is sent again.
            307 | 308 => ["GET", "HEAD"].contains(&prepared.method.as_str()),
            _ => false,
        };
        if followed { from.join(&self.header("location")?).ok() } else { None }
    }

    pub(super) fn into_body(self) -> Body {
        Body { body: self.response.into_body(), rest: Bytes::new(), _connection: self.connection }
    }
}

impl Body {
    /// Returns the next bytes, none at the end.
    pub(super) async fn read(&mut self, most: usize) -> Result<Vec<u8>, wit::HttpError> {
        while self.rest.is_empty() {
            match self.body.frame().await {
                None => return Ok(Vec::new()),
                Some(frame) => {
                    self.rest = frame.map_err(|error| lost(&error))?.into_data().unwrap_or_default()
                }
            }
        }
        Ok(self.rest.split_to(most.min(self.rest.len())).to_vec())
    }

    /// Returns the whole body.
    pub(super) async fn whole(mut self, most: usize) -> Result<Vec<u8>, wit::HttpError> {
        let mut all = Vec::new();
        loop {
            let bytes = self.read(most).await?;
            if bytes.is_empty() {
                return Ok(all);
            }
            all.extend(bytes);
            if all.len() > most {
                return Err(wit::HttpError::Lost(format!("the answer has more than {most} bytes")));
            }
        }
    }
}

fn unreachable(reason: &dyn std::fmt::Display) -> wit::HttpError {
    wit::HttpError::Unreachable(reason.to_string())
}

/// Names what broke, without what was sent.
fn lost(error: &hyper::Error) -> wit::HttpError {
    let source = std::error::Error::source(error).map(ToString::to_string);
    wit::HttpError::Lost(source.unwrap_or_else(|| error.to_string()))
}
