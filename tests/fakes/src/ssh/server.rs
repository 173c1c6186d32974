//! The server: its options, its thread, and its end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use russh::keys::PrivateKey;
use russh::keys::key::safe_rng;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{self, Config};
use russh::{MethodKind, MethodSet};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};

use super::connection::Client;
use super::log::{Log, Observed};
use super::users::FakeUser;
use super::wire::Wire;

/// How a fake server is set up. The default has no user, a new host key, and behaves.
#[derive(Debug, Clone, Default)]
pub struct FakeSshOptions {
    /// Who may log in.
    pub users: Vec<FakeUser>,
    /// The seed of the Ed25519 host key; none makes a new one. The same seed gives the same key.
    pub host_key_seed: Option<[u8; 32]>,
    /// The port; none takes a free one.
    pub port: Option<u16>,
    /// What is shown before the log-in.
    pub banner: Option<String>,
    /// What the server does wrong.
    pub misbehavior: Misbehavior,
}

/// What a fake server does wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Misbehavior {
    /// Nothing.
    #[default]
    None,
    /// It refuses whoever wants to log in.
    RejectAll,
    /// It takes connections and never says a word.
    StallBeforeBanner,
    /// It says that it speaks SSH, and then nothing more.
    StallInHandshake,
    /// It speaks something else than SSH and hangs up.
    NotSsh,
    /// It cuts the wire after the log-in.
    CloseAfterLogin,
    /// It ends the connection after the log-in with this message.
    DisconnectAfterLogin(String),
    /// It refuses to open terminals.
    NoTerminals,
    /// It keeps the first password and answers only once [`FakeSshServer::answer_password`] is called.
    HoldPassword,
}

/// A running server. Dropping it ends all its connections and waits for its thread.
pub struct FakeSshServer {
    address: SocketAddr,
    host_key: String,
    log: Arc<Log>,
    release: Arc<Notify>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What all connections of a server share.
pub(crate) struct Shared {
    pub(crate) options: FakeSshOptions,
    pub(crate) log: Arc<Log>,
    /// Lets a held password be answered.
    pub(crate) release: Arc<Notify>,
}

impl FakeSshServer {
    /// Starts a server on 127.0.0.1. It listens when this returns.
    ///
    /// # Errors
    /// Fails where the port is taken or no thread can be started.
    pub fn start(options: FakeSshOptions) -> anyhow::Result<Self> {
        let key = match options.host_key_seed {
            Some(seed) => PrivateKey::from(Ed25519Keypair::from_seed(&seed)),
            None => PrivateKey::from(Ed25519Keypair::random(&mut safe_rng())),
        };
        let host_key = key.public_key().to_openssh()?.trim_end().to_owned();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, options.port.unwrap_or(0)))
            .context("the fake server can't listen")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let log = Arc::new(Log::default());
        let release = Arc::new(Notify::new());
        let shared = Arc::new(Shared { options, log: Arc::clone(&log), release: Arc::clone(&release) });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let serve = move || {
            runtime.block_on(async move {
                tokio::select! {
                    result = accept(listener, configuration(key), shared) => {
                        if let Err(error) = result {
                            tracing::error!(%error, "the fake server ended");
                        }
                    }
                    _ = stopped => {}
                }
            });
            // Whatever a client left behind is cancelled, not waited for.
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("fake-ssh".to_owned()).spawn(serve)?;
        Ok(Self { address, host_key, log, release, stop: Some(stop), thread: Some(thread) })
    }

    /// Returns the host, `127.0.0.1`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.ip().to_string()
    }

    /// Returns the port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns the host key as one line: algorithm and base64, no comment.
    #[must_use]
    pub fn host_key_openssh(&self) -> &str {
        &self.host_key
    }

    /// Returns what clients did so far.
    #[must_use]
    pub fn log(&self) -> Vec<Observed> {
        self.log.entries()
    }

    /// Answers the password that [`Misbehavior::HoldPassword`] keeps.
    pub fn answer_password(&self) {
        self.release.notify_one();
    }

    /// Waits until the log fits, at most 20 seconds; tells whether it did.
    #[must_use]
    pub fn wait_for(&self, fits: impl Fn(&[Observed]) -> bool) -> bool {
        self.log.wait_for(fits)
    }
}

impl Drop for FakeSshServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the fake server's thread panicked");
        }
    }
}

fn configuration(key: PrivateKey) -> Arc<Config> {
    Arc::new(Config {
        keys: vec![key],
        methods: MethodSet::from(
            [MethodKind::Password, MethodKind::PublicKey, MethodKind::KeyboardInteractive].as_slice(),
        ),
        // A fake has nothing to hide, and a test no time to lose.
        auth_rejection_time: Duration::ZERO,
        auth_rejection_time_initial: Some(Duration::ZERO),
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    })
}

async fn accept(
    listener: std::net::TcpListener,
    config: Arc<Config>,
    shared: Arc<Shared>,
) -> anyhow::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        shared.log.push(Observed::Connected);
        let (config, shared) = (Arc::clone(&config), Arc::clone(&shared));
        tokio::spawn(async move {
            let log = Arc::clone(&shared.log);
            if let Err(error) = serve(stream, config, shared).await {
                tracing::debug!(%error, "a connection of the fake server failed");
            }
            log.push(Observed::Disconnected);
        });
    }
}

async fn serve(mut stream: TcpStream, config: Arc<Config>, shared: Arc<Shared>) -> anyhow::Result<()> {
    match shared.options.misbehavior {
        Misbehavior::StallBeforeBanner => hear_out(stream).await,
        Misbehavior::StallInHandshake => {
            stream.write_all(b"SSH-2.0-Fake\r\n").await?;
            hear_out(stream).await
        }
        Misbehavior::NotSsh => {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await?;
            stream.shutdown().await?;
            Ok(())
        }
        _ => {
            stream.set_nodelay(true)?;
            let (stream, wire) = Wire::around(stream)?;
            let client = Client::new(shared, wire);
            server::run_stream(config, stream, client).await?.await
        }
    }
}

/// Listens until the client gives up.
async fn hear_out(mut stream: TcpStream) -> anyhow::Result<()> {
    let mut ignored = [0_u8; 4096];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
