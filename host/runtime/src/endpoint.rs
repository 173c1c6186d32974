//! The host's own endpoint for calls from outside: one for all plugins, open only while one of them waits for a call.
//!
//! It listens on this machine alone unless another address is configured, and that only with TLS. Who asks for a path that is not open learns
//! nothing else; a name that is not the endpoint's is refused, so that no page in a browser gets here by way of its own name. Knows
//! nothing of grants and projections.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use ostler_core::WayIn;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use crate::capabilities::Carrier;

/// Connections at once.
const MOST_CONNECTIONS: usize = 64;
/// Requests for paths that are not open that are looked at in a second.
const MOST_IN_A_SECOND: u32 = 50;
/// Requests that wait for one plugin, as the WIT document says.
const MOST_WAITING: usize = 8;
/// Bytes of a body, as the WIT document says.
const LARGEST_BODY: usize = 1 << 20;
/// Bytes of the head of a request.
const LARGEST_HEAD: usize = 32 << 10;
/// How long each of TLS, the head and the body may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How long a plugin may take to answer, as the WIT document says.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a fault of the listener is waited out, and how often an address in use is tried again.
const REST: Duration = Duration::from_millis(100);
const MOST_TRIES: u32 = 10;

/// A request that arrived whole.
pub(crate) struct Arrived {
    pub(crate) method: Method,
    /// What stands behind the callback's own part of the path.
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) from: SocketAddr,
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What a plugin answers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) text: String,
}

/// The endpoint of a process.
pub(crate) struct Endpoint {
    way: WayIn,
    server: tokio::sync::Mutex<Option<Server>>,
    open: Arc<Mutex<Open>>,
}

/// A listener that runs.
struct Server {
    task: AbortHandle,
    /// Scheme, host and port.
    base: String,
}

/// What is open, by the first part of its path.
#[derive(Default)]
struct Open {
    callbacks: HashMap<String, mpsc::Sender<Arrived>>,
    /// The names that the endpoint goes by, with their ports.
    authorities: Vec<String>,
    /// When the current second began, and how many guesses it has seen.
    second: Option<(Instant, u32)>,
    /// Ends the listener when it is dropped; what is being served is served.
    listener: Option<oneshot::Sender<()>>,
}

/// One open callback; closed when dropped.
pub(crate) struct OpenCallback {
    pub(crate) url: String,
    part: String,
    arrived: mpsc::Receiver<Arrived>,
    open: Arc<Mutex<Open>>,
}

impl OpenCallback {
    /// Waits for the next request.
    pub(crate) async fn next(&mut self) -> Option<Arrived> {
        self.arrived.recv().await
    }
}

impl Drop for OpenCallback {
    fn drop(&mut self) {
        let mut open = locked(&self.open);
        open.callbacks.remove(&self.part);
        if open.callbacks.is_empty() {
            open.listener = None;
        }
    }
}

impl Endpoint {
    pub(crate) fn new(way: WayIn) -> Self {
        Self { way, server: tokio::sync::Mutex::new(None), open: Arc::default() }
    }

    /// Opens a callback below a part of the path, or below one that nobody guesses.
    ///
    /// # Errors
    /// Says why it can't be opened: the address is in use, the part is taken, the certificate can't be read.
    pub(crate) async fn open(&self, part: Option<&str>) -> Result<OpenCallback, String> {
        if let Some(fault) = &self.way.fault {
            return Err(fault.clone());
        }
        let mut server = self.server.lock().await;
        let part = match part {
            Some(part) => part.to_owned(),
            None => random_part()?,
        };
        let (requests, arrived) = mpsc::channel(MOST_WAITING);
        let (was_taken, listens) = {
            let mut open = locked(&self.open);
            let was_taken = open.callbacks.contains_key(&part);
            if !was_taken {
                open.callbacks.insert(part.clone(), requests);
            }
            (was_taken, open.listener.is_some())
        };
        if was_taken {
            return Err(format!("the path '/{part}' is open already"));
        }
        let mut callback = OpenCallback { url: String::new(), part, arrived, open: Arc::clone(&self.open) };
        let base = match server.as_ref().filter(|server| listens && !server.task.is_finished()) {
            Some(server) => server.base.clone(),
            None => {
                // Where this fails, the callback is closed with it.
                let started = self.listen().await?;
                let base = started.base.clone();
                *server = Some(started);
                base
            }
        };
        callback.url = format!("{base}/{}", callback.part);
        Ok(callback)
    }

    async fn listen(&self) -> Result<Server, String> {
        let tls = self.tls()?;
        let listen = self.way.listen;
        if tls.is_none() && !listen.ip().is_loopback() {
            return Err(format!("{listen} is open to other machines, and needs a certificate"));
        }
        let unheard = |error: std::io::Error| format!("{listen} can't be listened to: {}", error.kind());
        let listener = bound(listen).await.map_err(unheard)?;
        let port = listener.local_addr().map_err(unheard)?.port();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let own = SocketAddr::new(listen.ip(), port).to_string();
        let base = match &self.way.url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("{scheme}://{own}"),
        };
        let mut authorities = vec![own, format!("localhost:{port}")];
        authorities.extend(self.way.url.as_deref().and_then(authority));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(accept(listener, tls, Arc::clone(&self.open), stopped)).abort_handle();
        let mut open = locked(&self.open);
        open.authorities = authorities;
        open.listener = Some(stop);
        Ok(Server { task, base })
    }

    fn tls(&self) -> Result<Option<TlsAcceptor>, String> {
        if self.way.certificate_pem.is_empty() {
            return Ok(None);
        }
        let wrong = |what: &str| format!("the configured {what} can't be used");
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.way.certificate_pem).collect();
        let chain = chain.map_err(|_| wrong("certificate"))?;
        let key = PrivateKeyDer::from_pem_slice(self.way.key_pem.expose()).map_err(|_| wrong("key"))?;
        let config = crate::tls::server(chain, key).map_err(|_| wrong("certificate and key"))?;
        Ok(Some(TlsAcceptor::from(config)))
    }
}

/// Host and port of a URL, as a browser writes them in `host`.
fn authority(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn locked(open: &Mutex<Open>) -> std::sync::MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Returns 192 random bits in hexadecimal digits.
fn random_part() -> Result<String, String> {
    let mut bits = [0; 24];
    crate::tls::random(&mut bits)?;
    Ok(crate::cache::hex(&bits))
}

/// Binds the address; one that was given up just now is waited for.
async fn bound(listen: SocketAddr) -> std::io::Result<TcpListener> {
    let mut tries = 0;
    loop {
        match TcpListener::bind(listen).await {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && tries < MOST_TRIES => {
                tries += 1;
                tokio::time::sleep(REST).await;
            }
            bound => return bound,
        }
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    open: Arc<Mutex<Open>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut served = JoinSet::new();
    loop {
        while served.try_join_next().is_some() {}
        let accepted = tokio::select! {
            _ = &mut stopped => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, from)) = accepted else {
            tokio::time::sleep(REST).await;
            continue;
        };
        // Whoever comes when all places are taken is turned away at once.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let (tls, open) = (tls.clone(), Arc::clone(&open));
        served.spawn(async move {
            serve(stream, from, tls, open).await;
            drop(place);
        });
    }
    drop(listener);
    while served.join_next().await.is_some() {}
}

async fn serve(stream: TcpStream, from: SocketAddr, tls: Option<TlsAcceptor>, open: Arc<Mutex<Open>>) {
    let carrier: Box<dyn Carrier> = match tls {
        None => Box::new(stream),
        Some(tls) => match timeout(ARRIVAL, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(stream),
            _ => return,
        },
    };
    let service = service_fn(|request| {
        let open = Arc::clone(&open);
        async move { Ok::<_, Infallible>(answered(request, from, &open).await) }
    });
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(ARRIVAL)
        .max_buf_size(LARGEST_HEAD)
        .keep_alive(false);
    // Nobody is there to be told of a wire that broke.
    connection.serve_connection(TokioIo::new(carrier), service).await.unwrap_or_default();
}

async fn answered(request: Request<Incoming>, from: SocketAddr, open: &Mutex<Open>) -> Response<Full<Bytes>> {
    match handed_over(request, from, open).await {
        Ok(reply) => response(
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::NO_CONTENT),
            reply.content_type,
            reply.text,
        ),
        Err(status) => {
            let mut refusal = response(status, "text/plain; charset=utf-8", String::new());
            if status == StatusCode::METHOD_NOT_ALLOWED {
                refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
            }
            refusal
        }
    }
}

/// Hands a request to whom it is for, and returns the answer.
async fn handed_over(
    request: Request<Incoming>,
    from: SocketAddr,
    open: &Mutex<Open>,
) -> Result<Reply, StatusCode> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let (part, below) =
        path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
    let below = if below.is_empty() { String::new() } else { format!("/{below}") };
    let callback = {
        let mut open = locked(open);
        let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let known = open.authorities.iter().any(|own| own.eq_ignore_ascii_case(host));
        match open.callbacks.get(part).filter(|_| known).cloned() {
            Some(callback) => callback,
            // Who guesses is slowed; who knows the path is not.
            None if within_rate(&mut open.second) => return Err(StatusCode::NOT_FOUND),
            None => return Err(StatusCode::TOO_MANY_REQUESTS),
        }
    };
    if ![Method::GET, Method::POST].contains(&head.method) {
        return Err(StatusCode::METHOD_NOT_ALLOWED);
    }
    let whole = timeout(ARRIVAL, Limited::new(body, LARGEST_BODY).collect()).await;
    let body = whole.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
    let (reply, answer) = oneshot::channel();
    let arrived = Arrived {
        method: head.method,
        path: below,
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: body.to_bytes(),
        from,
        reply,
    };
    callback.try_send(arrived).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    match timeout(ANSWER, answer).await {
        Ok(Ok(reply)) => Ok(reply),
        _ => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

fn within_rate(second: &mut Option<(Instant, u32)>) -> bool {
    let now = Instant::now();
    let (begun, seen) =
        second.filter(|(begun, _)| now.duration_since(*begun) < Duration::from_secs(1)).unwrap_or((now, 0));
    *second = Some((begun, seen.saturating_add(1)));
    seen < MOST_IN_A_SECOND
}

fn response(status: StatusCode, content_type: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, content_type),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
