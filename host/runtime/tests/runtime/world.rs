//! The world of a test: a runtime with fake ports, and the guests.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ostler_core::{
    BoxFuture, Clock, CodeAuthenticator, ConnectionId, CredentialDescription, Form, FormAnswers,
    LaunchRequest, PluginSettings, PluginStorage, PortError, PromptError, Prompter, Resolver, RunRequest,
    SecretField, SecretUses, SettingValue, Settings, Sink, SlotDescription, SlotName, Timestamp, UseLog,
    WayOut,
};
use ostler_plugin_api::{Capability, Grants, Guard, Guards, Manifest};
use ostler_runtime::{Limits, LoadError, Plugin, PluginError, Ports, Runtime, RuntimeConfig, Said, SaidKind};
use sha2::{Digest as _, Sha256};

use crate::store::FakeStore;

pub(crate) const EVERYTHING: &[Capability] = &Capability::ALL;
pub(crate) const NOTHING: &[Capability] = &[];

/// A runtime and what stands behind its ports.
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) storage: Arc<MemoryStorage>,
    pub(crate) settings: Arc<FixedSettings>,
    pub(crate) person: Arc<Person>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) uses: Arc<Uses>,
    pub(crate) names: Arc<Names>,
    pub(crate) machine_uses: Arc<MachineUses>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    /// Shares compiled code between tests and runs; what the cache itself does is tested with caches of its own.
    pub(crate) fn with(limits: Limits) -> Self {
        Self::guarded(limits, Guards::default())
    }

    /// Without one guard, to prove that it is what refuses.
    pub(crate) fn without(guard: Guard) -> Self {
        Self::guarded(Limits::default(), Guards::default().without(guard))
    }

    pub(crate) fn guarded(limits: Limits, guards: Guards) -> Self {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests");
        Self::build(
            RuntimeConfig { cache_dir: Some(cache), limits, guards, ..RuntimeConfig::default() },
            DeviceKey(7),
            WayOut::default(),
        )
    }

    /// With a way to other hosts.
    pub(crate) fn on_the_way(way_out: WayOut) -> Self {
        Self::configured(Self::config(), way_out)
    }

    pub(crate) fn config() -> RuntimeConfig {
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-guests");
        RuntimeConfig { cache_dir: Some(cache), ..RuntimeConfig::default() }
    }

    pub(crate) fn configured(config: RuntimeConfig, way_out: WayOut) -> Self {
        Self::build(config, DeviceKey(7), way_out)
    }

    /// Sets a setting of a plugin.
    pub(crate) fn set(&self, plugin: &str, key: &str, value: &str) {
        let settings = Settings([(key.to_owned(), SettingValue::Text(value.to_owned()))].into());
        self.settings.0.lock().unwrap().insert(plugin.to_owned(), settings);
    }

    pub(crate) fn start(limits: Limits, cache_dir: Option<PathBuf>, key: DeviceKey) -> Self {
        Self::build(RuntimeConfig { cache_dir, limits, ..RuntimeConfig::default() }, key, WayOut::default())
    }

    fn build(config: RuntimeConfig, key: DeviceKey, way_out: WayOut) -> Self {
        let storage = Arc::new(MemoryStorage::default());
        let settings = Arc::new(FixedSettings::default());
        let person = Arc::new(Person::default());
        let store = Arc::new(FakeStore::default());
        let (uses, names) = (Arc::new(Uses::default()), Arc::new(Names::default()));
        let machine_uses = Arc::new(MachineUses::default());
        let ports = Ports {
            storage: storage.clone(),
            settings: settings.clone(),
            prompter: person.clone(),
            code: Arc::new(key),
            clock: Arc::new(FixedClock),
            secret_uses: uses.clone(),
            resolver: names.clone(),
            way_out: Arc::new(way_out),
            zone: store.clone(),
            machine_uses: machine_uses.clone(),
            connections: store.clone(),
            recordings: store.clone(),
            secrets: store.clone(),
            events: store.clone(),
        };
        let runtime = Runtime::new(config, ports).unwrap();
        Self { runtime, storage, settings, person, store, uses, names, machine_uses }
    }

    pub(crate) fn load(&self, guest: &Guest, granted: &[Capability]) -> Result<Plugin, LoadError> {
        self.load_with(guest, granted.iter().copied().collect())
    }

    pub(crate) fn load_with(&self, guest: &Guest, grants: Grants) -> Result<Plugin, LoadError> {
        let digest: String = Sha256::digest(&guest.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        self.runtime.load(&guest.manifest, &format!("sha256:{digest}"), &guest.bytes, grants)
    }

    pub(crate) fn probe(&self, granted: &[Capability]) -> Plugin {
        self.load(&guest("probe"), granted).unwrap()
    }

    pub(crate) fn store_user(&self, granted: &[Capability]) -> Plugin {
        self.load(&guest("store-user"), granted).unwrap()
    }

    pub(crate) fn evil_launcher(&self) -> Plugin {
        self.load(&guest("evil-launcher"), EVERYTHING).unwrap()
    }
}

/// A guest's file and manifest.
pub(crate) struct Guest {
    pub(crate) manifest: Manifest,
    pub(crate) bytes: Vec<u8>,
}

/// Reads a guest by the name of its folder.
pub(crate) fn guest(name: &str) -> Guest {
    let package = format!("guest-{name}");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("wasm32-wasip2/plugin");
    let directory = std::env::var_os("OSTLER_GUESTS_DIR").map_or(built, PathBuf::from);
    let names = [format!("{package}.wasm"), format!("{}.wasm", package.replace('-', "_"))];
    let bytes = names.iter().find_map(|name| std::fs::read(directory.join(name)).ok()).unwrap_or_else(|| {
        panic!(
            "{} has no {}: run `cargo xtask test`, or `cargo build -p {package} --target wasm32-wasip2 --profile plugin`",
            directory.display(),
            names[0],
        )
    });
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/guests").join(name);
    let manifest = std::fs::read(folder.join("plugin.toml")).unwrap();
    Guest { manifest: Manifest::parse(&manifest).unwrap(), bytes }
}

/// A connection of user `root` to `db.example:22` with a password in the slot `login.password`.
pub(crate) fn request(settings: &[(&str, &str)]) -> LaunchRequest {
    let setting = |(key, value): &(&str, &str)| ((*key).to_owned(), SettingValue::Text((*value).to_owned()));
    LaunchRequest {
        connection: ConnectionId::random(),
        name: "Database".to_owned(),
        kind: "ssh".to_owned(),
        host: "db.example".to_owned(),
        port: 22,
        folder: Vec::new(),
        tags: Vec::new(),
        custom_fields: Default::default(),
        settings: Settings(settings.iter().map(setting).collect()),
        credential: CredentialDescription {
            user: Some("root".to_owned()),
            domain: None,
            slots: vec![SlotDescription { name: slot("login.password"), field: SecretField::Password }],
        },
        run: RunRequest::Interactive,
        terminal: None,
    }
}

pub(crate) fn slot(name: &str) -> SlotName {
    SlotName::new(name).unwrap()
}

/// Lets the probe do something and returns what it got.
pub(crate) async fn probed(plugin: &Plugin, settings: &[(&str, &str)]) -> String {
    match plugin.plan(&request(settings)).await {
        Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => text,
        other => panic!("the probe should answer, not {other:?}"),
    }
}

/// What plugins did to the machine; `full` fails every call.
#[derive(Default)]
pub(crate) struct MachineUses {
    pub(crate) noted: Mutex<Vec<String>>,
    pub(crate) full: Mutex<bool>,
}

impl UseLog for MachineUses {
    fn note(&self, capability: &str, what: &str) -> Result<(), PortError> {
        if *self.full.lock().unwrap() {
            return Err(PortError("the log is full".to_owned()));
        }
        self.noted.lock().unwrap().push(format!("{capability} {what}"));
        Ok(())
    }
}

/// A key-value space in memory; `broken` fails every call.
#[derive(Default)]
pub(crate) struct MemoryStorage {
    pub(crate) values: Mutex<BTreeMap<(String, String), Vec<u8>>>,
    pub(crate) broken: Mutex<bool>,
}

impl MemoryStorage {
    fn check(&self) -> Result<(), PortError> {
        if *self.broken.lock().unwrap() {
            Err(PortError("/home/me/store.db is gone".to_owned()))
        } else {
            Ok(())
        }
    }
}

impl PluginStorage for MemoryStorage {
    fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, PortError> {
        self.check()?;
        Ok(self.values.lock().unwrap().get(&(plugin.to_owned(), key.to_owned())).cloned())
    }

    fn set(&self, plugin: &str, key: &str, value: Option<&[u8]>) -> Result<(), PortError> {
        self.check()?;
        let mut values = self.values.lock().unwrap();
        let at = (plugin.to_owned(), key.to_owned());
        match value {
            Some(value) => values.insert(at, value.to_vec()),
            None => values.remove(&at),
        };
        Ok(())
    }

    fn keys(&self, plugin: &str) -> Result<Vec<(String, u64)>, PortError> {
        self.check()?;
        let values = self.values.lock().unwrap();
        let own = values.iter().filter(|((owner, _), _)| owner == plugin);
        Ok(own.map(|((_, key), value)| (key.clone(), value.len() as u64)).collect())
    }
}

#[derive(Default)]
pub(crate) struct FixedSettings(pub(crate) Mutex<BTreeMap<String, Settings>>);

impl PluginSettings for FixedSettings {
    fn settings(&self, plugin: &str) -> Settings {
        self.0.lock().unwrap().get(plugin).cloned().unwrap_or_default()
    }
}

/// Answers forms from a script; where the script is at its end, nobody is there.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) script: Mutex<VecDeque<Result<FormAnswers, PromptError>>>,
    pub(crate) seen: Mutex<Vec<(String, Form)>>,
    pub(crate) thinks: Mutex<Duration>,
    /// What happens while the person is asked for the first time.
    pub(crate) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// Told of each form.
    pub(crate) asked: tokio::sync::Notify,
}

impl Prompter for Person {
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>> {
        self.seen.lock().unwrap().push((asker.to_owned(), form.clone()));
        self.asked.notify_one();
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile();
        }
        let thinks = *self.thinks.lock().unwrap();
        let answer = self.script.lock().unwrap().pop_front().unwrap_or(Err(PromptError::Headless));
        Box::pin(async move {
            tokio::time::sleep(thinks).await;
            answer
        })
    }
}

/// Uses of secrets, as they were written down; the flag makes the writing fail.
#[derive(Default)]
pub(crate) struct Uses(pub(crate) Mutex<Vec<String>>, pub(crate) Mutex<bool>);

impl SecretUses for Uses {
    fn write(&self, plugin: &str, slot: &SlotName, sink: &Sink) -> Result<(), PortError> {
        if *self.1.lock().unwrap() {
            return Err(PortError("the disk is full".to_owned()));
        }
        self.0.lock().unwrap().push(format!("{plugin} {slot} {sink}"));
        Ok(())
    }
}

/// Names and their addresses.
#[derive(Default)]
pub(crate) struct Names(pub(crate) Mutex<BTreeMap<String, Vec<IpAddr>>>);

impl Resolver for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> BoxFuture<'a, Result<Vec<IpAddr>, PortError>> {
        let found = self.0.lock().unwrap().get(host).cloned();
        Box::pin(
            async move { found.ok_or_else(|| PortError(format!("the host name '{host}' has no address"))) },
        )
    }
}

/// A keyed digest in the place of the device's MAC.
pub(crate) struct DeviceKey(pub(crate) u8);

impl CodeAuthenticator for DeviceKey {
    fn tag(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut digest = Sha256::new_with_prefix([self.0]);
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    fn verify(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool {
        self.tag(parts) == *tag
    }
}

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000_000_000_001)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// Collects what is logged on this thread until dropped.
pub(crate) struct LogLines {
    text: Arc<Mutex<Vec<u8>>>,
    _guard: tracing::subscriber::DefaultGuard,
}

impl LogLines {
    pub(crate) fn collect() -> Self {
        // Somebody must always listen: a place in the code that was first reached on a thread where nobody does would be
        // silent for all threads from then on.
        static LISTENER: std::sync::Once = std::sync::Once::new();
        LISTENER.call_once(|| {
            let nowhere =
                tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(io::sink);
            tracing::subscriber::set_global_default(nowhere.finish()).unwrap();
        });
        let text = Arc::new(Mutex::new(Vec::new()));
        let writer = Arc::clone(&text);
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .without_time()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || SharedWriter(Arc::clone(&writer)))
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.text.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

struct SharedWriter(Arc<Mutex<Vec<u8>>>);

impl io::Write for SharedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
