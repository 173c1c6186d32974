//! The world of tests of driven sessions: servers on this machine, an injector that knows what it was asked, and a guest that
//! does what a script says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ostler_core::{
    ChallengeAlgorithm, ConnectionId, DriveRequest, DrivenSurface, Endpoint, InjectError, SecretBytes,
    SecretField, SecretInjector, SessionEnd, SessionEvent, SessionInput, SettingValue, Settings, Sink,
    SlotDescription, SlotName, TerminalSize,
};
use ostler_plugin_api::{Capability, Grant, Grants, Scope};
use ostler_runtime::{DriveFailure, DriveLink, Plugin, PluginError};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::world::{World, guest, slot};

pub(crate) const PASSWORD: &str = "hunter22";

/// What the guest asks for.
pub(crate) const DRIVER: &[Capability] = &[Capability::Net, Capability::Terminal, Capability::SecretsUse];

/// Loads the guest with these grants, where `localhost` leads to this machine.
pub(crate) fn driver(world: &World, grants: Grants) -> Plugin {
    let here = ["::1", "127.0.0.1"].map(|address| address.parse().unwrap());
    world.names.0.lock().unwrap().insert("localhost".to_owned(), here.into());
    let guest = guest("driver");
    let digest: String = Sha256::digest(&guest.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    world.runtime.load(&guest.manifest, &format!("sha256:{digest}"), &guest.bytes, grants).unwrap()
}

pub(crate) fn all() -> Grants {
    DRIVER.iter().copied().collect()
}

/// All that is asked for, but `net` leads to no closed address.
pub(crate) fn no_addresses() -> Grants {
    let mut grants = all();
    let layer = Scope { addresses: Some(Vec::new()), ..Scope::default() };
    grants.0.insert(Capability::Net, Grant { layers: vec![layer] });
    grants
}

/// A server on this machine that sends back what it hears.
pub(crate) struct Echo {
    pub(crate) port: u16,
    /// All that it heard.
    pub(crate) heard: Arc<Mutex<Vec<u8>>>,
}

impl Echo {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let hears = Arc::clone(&hears);
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    let mut bytes = vec![0; 1 << 16];
                    while let Ok(count) = from.read(&mut bytes).await
                        && count > 0
                    {
                        hears.lock().unwrap().extend_from_slice(&bytes[..count]);
                        // A client that reads nothing must not keep it from hearing.
                        drop(
                            tokio::time::timeout(std::time::Duration::ZERO, to.write_all(&bytes[..count]))
                                .await,
                        );
                    }
                });
            }
        });
        Self { port, heard }
    }

    pub(crate) fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

/// Holds secrets for one place, and writes down what it was asked.
#[derive(Default)]
pub(crate) struct Secrets {
    pub(crate) slots: BTreeMap<SlotName, SecretBytes>,
    pub(crate) asked: Mutex<Vec<String>>,
}

impl Secrets {
    /// The session's own slot, and one of another plugin.
    pub(crate) fn new() -> Arc<Self> {
        let slots = [("login.password", PASSWORD), ("other.password", "of-another")];
        let slots = slots.map(|(name, secret)| (slot(name), SecretBytes::from(secret.to_owned())));
        Arc::new(Self { slots: slots.into(), asked: Mutex::default() })
    }

    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl SecretInjector for Secrets {
    fn inject(&self, slot: &SlotName, sink: &Sink) -> Result<SecretBytes, InjectError> {
        self.asked.lock().unwrap().push(format!("{slot} for the {sink}"));
        if sink.protocol != "scripted" {
            return Err(InjectError::WrongSink { slot: slot.clone(), sink: sink.clone() });
        }
        self.slots.get(slot).cloned().ok_or_else(|| InjectError::NoSuchSlot { slot: slot.clone() })
    }

    fn answer(
        &self,
        slot: &SlotName,
        sink: &Sink,
        algorithm: ChallengeAlgorithm,
        challenge: &[u8],
    ) -> Result<Vec<u8>, InjectError> {
        self.inject(slot, sink)?;
        Ok(format!("{} of {} bytes", algorithm.name(), challenge.len()).into_bytes())
    }
}

/// A request of the type `scripted` to `127.0.0.1`.
pub(crate) fn request(port: u16, script: &str) -> DriveRequest {
    let script = ("script".to_owned(), SettingValue::Text(script.to_owned()));
    DriveRequest {
        connection: ConnectionId::random(),
        name: "Scripted".to_owned(),
        kind: "scripted".to_owned(),
        target: Endpoint { host: "127.0.0.1".to_owned(), port },
        user: None,
        domain: None,
        settings: Settings([script].into()),
        slots: vec![SlotDescription { name: slot("login.password"), field: SecretField::Password }],
        surface: DrivenSurface::Terminal,
        terminal: TerminalSize { columns: 80, rows: 24 },
        terminal_type: "xterm".to_owned(),
    }
}

/// A session that runs.
pub(crate) struct Running {
    pub(crate) input: mpsc::Sender<SessionInput>,
    pub(crate) output: mpsc::Receiver<SessionEvent>,
    task: JoinHandle<Result<Result<SessionEnd, DriveFailure>, PluginError>>,
}

impl Running {
    pub(crate) fn start(plugin: &Plugin, secrets: &Arc<Secrets>, request: DriveRequest) -> Self {
        let (input, hears) = mpsc::channel(64);
        let (shows, output) = mpsc::channel(64);
        let link = DriveLink { input: hears, output: shows, secrets: Arc::<Secrets>::clone(secrets) };
        let plugin = plugin.clone();
        let task = tokio::spawn(async move { plugin.drive(&request, link).await });
        Self { input, output, task }
    }

    /// Waits until the session shows something.
    pub(crate) async fn shown(&mut self) -> String {
        match self.output.recv().await {
            Some(SessionEvent::Output { bytes, .. }) => String::from_utf8(bytes).unwrap(),
            other => panic!("the session should show something, not {other:?}"),
        }
    }

    pub(crate) async fn typed(&self, text: &str) {
        self.input.send(SessionInput::Bytes(text.as_bytes().to_vec())).await.unwrap();
    }

    /// Waits for its end, and takes what it still shows.
    pub(crate) async fn end(mut self) -> Result<Result<SessionEnd, DriveFailure>, PluginError> {
        while self.output.recv().await.is_some() {}
        self.task.await.unwrap()
    }

    /// Returns what each step got.
    pub(crate) async fn got(self) -> Vec<String> {
        match self.end().await {
            Ok(Err(DriveFailure::Other(text))) => text.split(" | ").map(str::to_owned).collect(),
            other => panic!("the script should end with what it got, not {other:?}"),
        }
    }
}

/// Lets the guest do what a script says, and returns what each step got.
pub(crate) async fn got(plugin: &Plugin, port: u16, script: &str) -> Vec<String> {
    Running::start(plugin, &Secrets::new(), request(port, script)).got().await
}
