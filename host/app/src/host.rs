//! The host: an unlocked store and everything that works on it.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock, Weak};

use ostler_audit::{EventClass, Outcome};
use ostler_core::{Clock, ConnectionId, Prompter, SessionEngine, Timestamp, Tree, TreeError, WayIn, near};
use ostler_engine_ssh::SshEngine;
use ostler_recording::Recordings;
use ostler_registry::{FoundPlugin, Shelf};
use ostler_runtime::{Ports, Runtime, RuntimeConfig};
use ostler_vault::{Changes, DeviceKey, Snapshot, Vault, VaultError};

use crate::auditing::Auditor;
use crate::auditing::plugin_ref;
use crate::live::LivePlugins;
use crate::ports::{
    AuditedEvents, AuditedUses, Compartment, DeviceCode, MachineUses, MachineZone, PluginRecordings,
    PluginTree, PluginsSettings, SystemResolver, VaultStorage,
};
use crate::signatures::SignedBy;
use crate::{AppError, Command, Configuration, FrontEnd, Places, Reply, bundled};

/// How often a change is tried again when another program changed the store in between.
pub(crate) const CHANGE_TRIES: u32 = 8;

/// So many names that may have been meant are told.
const NEAR: usize = 3;

/// An unlocked store with its plugins, recordings, audit log and engines, as one front end sees it.
///
/// Clones share everything but the front end: see [`Host::attend`].
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    pub(crate) configuration: Configuration,
    pub(crate) front: Arc<dyn FrontEnd>,
}

/// What all front ends of a process share.
pub struct Shared {
    pub(crate) places: Places,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) device: Arc<DeviceKey>,
    pub(crate) audit: Auditor,
    pub(crate) recordings: Recordings,
    pub(crate) shelf: Shelf,
    pub(crate) engines: Vec<Arc<dyn SessionEngine>>,
    pub(crate) live: LivePlugins,
    notices: Vec<String>,
    /// None once it was locked. Whoever needs it takes it for as long as one step lasts, so that a lock while a session
    /// is open leaves no key in memory.
    vault: RwLock<Option<Vault>>,
    runtime: OnceLock<Runtime>,
}

impl Shared {
    /// Returns the store.
    ///
    /// # Errors
    /// Fails once it was locked.
    pub(crate) fn vault(&self) -> Result<Vault, VaultError> {
        self.vault.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(VaultError::Locked)
    }
}

impl Deref for Host {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.shared
    }
}

impl Host {
    #[expect(clippy::too_many_arguments, reason = "the parts of a host; the sign-in is its only maker")]
    pub(crate) fn new(
        places: Places,
        configuration: Configuration,
        front: Arc<dyn FrontEnd>,
        clock: Arc<dyn Clock>,
        vault: Vault,
        device: Arc<DeviceKey>,
        audit: Auditor,
        notices: Vec<String>,
    ) -> Self {
        let recordings = Recordings::open(&places.recordings());
        let shelf = Shelf::new(places.bundled_plugins.clone(), places.installed_plugins(), bundled::DIGESTS);
        let shared = Shared {
            places,
            clock,
            device,
            audit,
            recordings,
            shelf,
            engines: vec![Arc::new(SshEngine::new())],
            live: LivePlugins::default(),
            notices,
            vault: RwLock::new(Some(vault)),
            runtime: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), configuration, front }
    }

    /// Returns the same host for another front end, with that one's configuration. What either asks or is shown never
    /// gets to the other.
    #[must_use]
    pub fn attend(&self, front: Arc<dyn FrontEnd>, configuration: Configuration) -> Self {
        Self { shared: Arc::clone(&self.shared), configuration, front }
    }

    /// Locks the store for every front end, and audits why: its keys and what was read of it are wiped. Sessions that are
    /// open go on; whatever needs the store from now on fails. Does nothing where it is locked already.
    ///
    /// # Errors
    /// Fails where it can't be audited; it is locked all the same.
    pub fn lock(&self, reason: &str) -> Result<(), AppError> {
        let open = self.shared.vault.write().unwrap_or_else(PoisonError::into_inner).take();
        if open.is_some() {
            drop(open);
            self.audit.success(EventClass::VaultLock, &[("how", reason.to_owned())])?;
        }
        Ok(())
    }

    /// Audits that this host serves other processes from now on.
    ///
    /// # Errors
    /// Fails where it can't be audited; then nothing may be served.
    pub fn audit_serving(&self, details: &[(&str, String)]) -> Result<(), AppError> {
        Ok(self.audit.success(EventClass::HostServe, details)?)
    }

    /// Audits that this host serves nobody any more.
    ///
    /// # Errors
    /// Fails where it can't be audited.
    pub fn audit_stopped(&self) -> Result<(), AppError> {
        Ok(self.audit.success(EventClass::HostStop, &[])?)
    }

    pub(crate) fn downgrade(&self) -> Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Returns what the person should know since the sign-in, such as that the store is older than it was: one sentence
    /// each, to be shown as a warning.
    #[must_use]
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// Fails as [`AppError`] says; what failed has changed nothing, unless the error says otherwise.
    pub async fn execute(&self, command: Command) -> Result<Reply, AppError> {
        self.carry_out(command).await.map_err(|error| self.with_near(error))
    }

    /// Adds to a name that nothing has what may have been meant.
    fn with_near(&self, error: AppError) -> AppError {
        match error {
            AppError::Tree(TreeError::NotFound { path }) => {
                let near =
                    self.snapshot().map(|snapshot| near(&snapshot.tree, &path, NEAR)).unwrap_or_default();
                AppError::NotFound { path, near }
            }
            other => other,
        }
    }

    async fn carry_out(&self, command: Command) -> Result<Reply, AppError> {
        match command {
            Command::StoreInfo => self.store_info(),
            Command::StoreVerify => self.store_verify(),
            Command::StoreBackup { to } => self.store_backup(&to),
            Command::ChangePassphrase { current, new, kdf } => self.change_passphrase(&current, &new.0, kdf),
            Command::StoreKeyFile { current, key_file } => {
                self.change_key_file(&current, key_file.as_deref())
            }
            Command::StoreKeyringEnable { current } => self.keyring_enable(&current),
            Command::StoreKeyringDisable => self.keyring_disable(),
            Command::StoreRekey { current } => self.rekey(&current),
            Command::StoreAcceptHistory => self.accept_history(),
            Command::FolderAdd { path, change } => self.folder_add(&path, &change),
            Command::FolderEdit { path, change } => self.folder_edit(&path, &change),
            Command::FolderMove { path, into } => self.folder_move(&path, &into),
            Command::FolderDelete { path } => self.folder_delete(&path),
            Command::FolderShow { path } => self.folder_show(&path),
            Command::ConnectionAdd { name, folder, kind, change } => {
                self.connection_add(&name, &folder, &kind, &change).await
            }
            Command::ConnectionEdit { name, change } => self.connection_edit(&name, &change),
            Command::ConnectionCopy { name, to, folder } => {
                self.connection_copy(&name, &to, folder.as_deref())
            }
            Command::ConnectionMove { name, into } => self.connection_move(&name, &into),
            Command::ConnectionDelete { name } => self.connection_delete(&name),
            Command::ConnectionShow { name } => self.connection_show(&name),
            Command::ConnectionList { folder, search } => self.connection_list(&folder, &search),
            Command::Tree { folder } => self.tree(&folder),
            Command::Import(import) => self.import(&import).await,
            Command::Export(export) => self.export(&export),
            Command::Plan { name, run } => self.plan(&name, &run).await,
            Command::Connect { name, run, host_key } => self.connect(&name, &run, host_key).await,
            Command::RecordingList => self.recording_list(),
            Command::RecordingPlay { id } => self.recording_play(&id).await,
            Command::RecordingExport { id, out } => self.recording_export(&id, &out),
            Command::RecordingPicture { id, at, out } => self.recording_picture(&id, at, &out),
            Command::RecordingPictures { id, every, out } => self.recording_pictures(&id, every, &out),
            Command::RecordingVerify { id } => self.recording_verify(id.as_deref()),
            Command::RecordingDelete { id } => self.recording_delete(&id),
            Command::AuditShow { filter, last, follow } => self.audit_show(&filter, last, follow).await,
            Command::AuditExport(export) => self.audit_export(&export).await,
            Command::AuditVerify { anchor } => self.audit_verify(anchor.as_deref()),
            Command::AuditCheckpoint { out } => self.audit_checkpoint(out.as_deref()),
            Command::AuditProveLine { line, out } => self.audit_prove_line(line, out.as_deref()),
            Command::AuditProveGrowth { anchor, out } => self.audit_prove_growth(&anchor, out.as_deref()),
            Command::PluginList => self.plugin_list(),
            Command::PluginShow { id } => self.plugin_show(&id),
            Command::PluginSettings { id } => self.plugin_settings(&id),
            Command::PluginConfigure { id, changes, secrets } => {
                self.plugin_configure(&id, &changes, &secrets).await
            }
            Command::ConnectionSettings => self.connection_settings(),
            Command::PluginEnable { id, enabled } => self.plugin_enable(&id, enabled),
            Command::PluginGrant { id, capability, granted, bounds } => {
                self.plugin_grant(&id, &capability, granted, &bounds)
            }
            Command::SourceBrowse { plugin, folder } => self.source_browse(&plugin, folder.as_deref()).await,
            Command::PluginInstall { file, key, signature, development } => {
                let said = SignedBy { key: key.as_deref(), signature: signature.as_deref() };
                self.plugin_install(&file, said, development).await
            }
            Command::PluginCrashes { id, out } => self.plugin_crashes(&id, out.as_deref()),
            Command::PluginLog { id, level, last } => self.plugin_log(&id, level, last),
            Command::PluginRemove { id } => self.plugin_remove(&id),
            Command::KnownHostList => self.known_host_list(),
            Command::KnownHostRemove { host, port } => self.known_host_remove(&host, port),
            Command::Doctor => self.doctor(),
        }
    }

    /// Returns what the store holds now.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, AppError> {
        Ok(self.vault()?.snapshot()?)
    }

    /// Works out changes from the present tree and applies them in one transaction; where another program changed
    /// the store in between, works them out again.
    pub(crate) fn change<T>(
        &self,
        mut work_out: impl FnMut(&Tree) -> Result<(Changes, T), AppError>,
    ) -> Result<T, AppError> {
        for _ in 0..CHANGE_TRIES {
            let snapshot = self.snapshot()?;
            let (changes, outcome) = work_out(&snapshot.tree)?;
            if changes.is_empty() {
                return Ok(outcome);
            }
            match self.vault()?.apply(&changes, snapshot.generation) {
                Ok(_) => {
                    self.audit_secrets(&changes)?;
                    return Ok(outcome);
                }
                Err(VaultError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(AppError::Busy(CHANGE_TRIES))
    }

    /// Writes down how many secrets a change has stored and removed.
    fn audit_secrets(&self, changes: &Changes) -> Result<(), AppError> {
        let connections: Vec<ConnectionId> = (changes.put_connections.iter().map(|connection| connection.id))
            .chain(changes.delete_connections.iter().copied())
            .collect();
        let counts = [
            (EventClass::VaultPut, changes.put_secrets.len()),
            (EventClass::VaultDelete, changes.delete_secrets.len()),
        ];
        let events = counts.into_iter().filter(|(_, count)| *count > 0).map(|(class, count)| {
            let mut event = self.audit.event(class, Outcome::Success);
            event.connection = match connections.as_slice() {
                [one] => Some(*one),
                _ => None,
            };
            event.details.insert("count".to_owned(), count.to_string());
            event
        });
        Ok(self.audit.write_all(&events.collect::<Vec<_>>())?)
    }

    /// Returns the plugin runtime, started at first use, with the person of this front end at its prompts and what one
    /// plugin reaches behind its ports.
    pub(crate) fn runtime(&self, plugin: &FoundPlugin) -> Result<Runtime, AppError> {
        let ports = Ports {
            storage: Arc::new(VaultStorage(self.downgrade())),
            settings: Arc::new(PluginsSettings {
                configuration: self.configuration.clone(),
                shared: self.downgrade(),
            }),
            prompter: Arc::clone(&self.front) as Arc<dyn Prompter>,
            code: Arc::new(DeviceCode(Arc::clone(&self.device))),
            clock: Arc::clone(&self.clock),
            secret_uses: Arc::new(AuditedUses { audit: self.audit.clone(), plugin: plugin.clone() }),
            resolver: Arc::new(SystemResolver),
            way_out: Arc::new(
                self.configuration
                    .network
                    .way_out()
                    .map_err(|reason| AppError::bad("configuration", reason))?,
            ),
            zone: Arc::new(MachineZone),
            machine_uses: Arc::new(MachineUses { shared: self.downgrade(), plugin: plugin_ref(plugin) }),
            connections: Arc::new(PluginTree { shared: self.downgrade(), plugin: plugin_ref(plugin) }),
            recordings: Arc::new(PluginRecordings { shared: self.downgrade(), plugin: plugin_ref(plugin) }),
            secrets: Arc::new(Compartment { shared: self.downgrade(), plugin: plugin_ref(plugin) }),
            events: Arc::new(AuditedEvents(self.downgrade())),
        };
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime.with_ports(ports));
        }
        let way_in = self.configuration.network.way_in();
        let config = RuntimeConfig {
            cache_dir: Some(self.places.compiled_plugins()),
            // What is only for calls from outside keeps no other plugin from running.
            way_in: way_in.unwrap_or_else(|fault| WayIn { fault: Some(fault), ..WayIn::default() }),
            ..RuntimeConfig::default()
        };
        let started = Runtime::new(config, ports.clone())?;
        Ok(self.runtime.get_or_init(|| started).with_ports(ports))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Writes a time as RFC 3339 in UTC, to the second.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_second(time.seconds()).map(|time| time.to_string()).unwrap_or_default()
}
