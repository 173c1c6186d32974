//! Capabilities: the groups of host functions that a plugin may be granted, and nothing else that it can reach.
//!
//! [`Capabilities`] is the composition: its fields are all that plugins may touch. One capability is one module with one
//! life, and [`HostCapability`] is that life:
//!
//! 1. `link`: once per engine, its functions go into the linker that all plugins share.
//! 2. `configure`: once per loaded plugin, from manifest, grants, ports and limits.
//! 3. `build`: once per instance, the state of that one call chain.
//!
//! Every host function begins with [`Gate::pass`], and [`Gate::within`] where a parameter (a host, a folder) is bounded: asked
//! for and granted, else a value that says `denied`, never a trap.
//! Arguments of the guest are checked after it, and refused by value too; no `?` on them may end the instance.
//!
//! To add one: its WIT package and its name in `plugin-api`; a module here after the pattern of `log` (no result, a limit
//! per call) or `storage` (results, a port, a quota); a field in [`Capabilities`] and [`CapabilityInstances`], a line
//! in `link`, `configure` and `build`; a guest in `tests/guests` that uses it, tested granted, not granted and at each limit.

mod addresses;
mod bindings;
mod calls;
mod clock;
mod connections_convert;
mod connections_read;
mod connections_write;
mod contained;
mod convert;
mod desktop;
mod events;
mod files;
mod filling;
mod http;
mod inbound;
pub(crate) mod log;
mod machine;
pub(crate) mod net;
mod process;
pub(crate) mod prompt;
mod recording_annotate;
mod recording_read;
mod secrets;
mod secrets_reveal;
mod secrets_store;
mod settings;
mod storage;
mod store;
mod terminal;
mod watched;
pub(crate) mod wire;

use std::sync::Arc;

use ostler_core::{SecretInjector, SlotDescription};
use ostler_plugin_api::{Capability, Guard, Guards, Invocation, Manifest, Scope};
use wasmtime::component::Linker;

use bindings::ostler::types::types::CapabilityError;
pub(crate) use bindings::{ostler, secrets_0_2};
pub(crate) use convert::{field_from_wit, setting_from_wit, setting_to_wit, slot_to_wit};
pub(crate) use wire::Carrier;

use crate::endpoint::Endpoint;
use crate::instance::{State, Waits};
use crate::kinds::driver::DriveContext;
use crate::limits::Limits;
use crate::log_book::LogBook;
use crate::rights::Rights;
use crate::runtime::Ports;
use crate::usage::{Count, Counters};

/// The life of a capability.
pub(crate) trait HostCapability: Sized {
    /// The name in the contract.
    const CAPABILITY: Capability;
    /// The state of one instance.
    type Instance;

    /// Links the functions into the linker that all plugins share.
    ///
    /// # Errors
    /// Fails where a name is linked twice: a fault of this crate.
    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()>;

    /// Sets it up for one plugin.
    fn configure(setup: &Setup<'_>) -> Self;

    /// Makes the state of one instance.
    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Self::Instance;
}

/// What a capability is configured from.
pub(crate) struct Setup<'a> {
    pub(crate) plugin: &'a Arc<str>,
    pub(crate) manifest: &'a Manifest,
    pub(crate) rights: &'a Arc<Rights>,
    pub(crate) guards: Guards,
    pub(crate) ports: &'a Ports,
    pub(crate) endpoint: &'a Arc<Endpoint>,
    pub(crate) limits: &'a Limits,
    pub(crate) counters: &'a Counters,
    pub(crate) log: &'a Arc<LogBook>,
}

/// What an instance is built for.
pub(crate) struct CallChain<'a> {
    /// The slots that the host offers in this call.
    pub(crate) slots: &'a [SlotDescription],
    /// Where waits for the host are noted, so that they are not charged.
    pub(crate) waits: &'a Arc<Waits>,
    /// What opens the slots for the call, where it may read some.
    pub(crate) secrets: Option<&'a Arc<dyn SecretInjector>>,
    /// The session that the call drives, if it does.
    pub(crate) drive: Option<&'a Arc<DriveContext>>,
}

/// All that a plugin may touch.
pub(crate) struct Capabilities {
    log: Arc<log::Log>,
    storage: Arc<storage::Storage>,
    settings: Arc<settings::PluginOwnSettings>,
    prompt: Arc<prompt::Prompt>,
    net: Arc<net::Net>,
    terminal: Arc<terminal::Terminal>,
    desktop: Arc<desktop::Desktop>,
    http: Arc<http::Http>,
    /// Names the passwords that `prompt` was given and writes into the wires of `net`, and so comes after them.
    pub(crate) secrets: Arc<secrets::SecretsUse>,
    clock: Arc<clock::Clock>,
    files: Arc<files::Files>,
    process: Arc<process::Process>,
    inbound: Arc<inbound::Inbound>,
    connections_read: Arc<connections_read::ConnectionsRead>,
    connections_write: Arc<connections_write::ConnectionsWrite>,
    recording_annotate: Arc<recording_annotate::RecordingAnnotate>,
    recording_read: Arc<recording_read::RecordingRead>,
    events: Arc<events::Events>,
    secrets_reveal: Arc<secrets_reveal::SecretsReveal>,
    secrets_store: Arc<secrets_store::SecretsStore>,
}

/// The state of all capabilities in one instance.
pub(crate) struct CapabilityInstances {
    log: log::Instance,
    storage: storage::Instance,
    settings: settings::Instance,
    pub(crate) prompt: prompt::Instance,
    pub(crate) net: net::Instance,
    terminal: terminal::Instance,
    desktop: desktop::Instance,
    http: http::Instance,
    secrets: secrets::Instance,
    clock: clock::Instance,
    files: files::Instance,
    process: process::Instance,
    inbound: inbound::Instance,
    connections_read: connections_read::Instance,
    connections_write: connections_write::Instance,
    recording_annotate: recording_annotate::Instance,
    recording_read: recording_read::Instance,
    events: events::Instance,
    secrets_reveal: secrets_reveal::Instance,
    secrets_store: secrets_store::Instance,
}

impl Capabilities {
    pub(crate) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        log::Log::link(linker)?;
        storage::Storage::link(linker)?;
        settings::PluginOwnSettings::link(linker)?;
        prompt::Prompt::link(linker)?;
        net::Net::link(linker)?;
        terminal::Terminal::link(linker)?;
        desktop::Desktop::link(linker)?;
        http::Http::link(linker)?;
        secrets::SecretsUse::link(linker)?;
        clock::Clock::link(linker)?;
        files::Files::link(linker)?;
        process::Process::link(linker)?;
        inbound::Inbound::link(linker)?;
        connections_read::ConnectionsRead::link(linker)?;
        connections_write::ConnectionsWrite::link(linker)?;
        recording_annotate::RecordingAnnotate::link(linker)?;
        recording_read::RecordingRead::link(linker)?;
        events::Events::link(linker)?;
        secrets_reveal::SecretsReveal::link(linker)?;
        secrets_store::SecretsStore::link(linker)
    }

    pub(crate) fn configure(setup: &Setup<'_>) -> Self {
        Self {
            log: Arc::new(HostCapability::configure(setup)),
            storage: Arc::new(HostCapability::configure(setup)),
            settings: Arc::new(HostCapability::configure(setup)),
            prompt: Arc::new(HostCapability::configure(setup)),
            net: Arc::new(HostCapability::configure(setup)),
            terminal: Arc::new(HostCapability::configure(setup)),
            desktop: Arc::new(HostCapability::configure(setup)),
            http: Arc::new(HostCapability::configure(setup)),
            secrets: Arc::new(HostCapability::configure(setup)),
            clock: Arc::new(HostCapability::configure(setup)),
            files: Arc::new(HostCapability::configure(setup)),
            process: Arc::new(HostCapability::configure(setup)),
            inbound: Arc::new(HostCapability::configure(setup)),
            connections_read: Arc::new(HostCapability::configure(setup)),
            connections_write: Arc::new(HostCapability::configure(setup)),
            recording_annotate: Arc::new(HostCapability::configure(setup)),
            recording_read: Arc::new(HostCapability::configure(setup)),
            events: Arc::new(HostCapability::configure(setup)),
            secrets_reveal: Arc::new(HostCapability::configure(setup)),
            secrets_store: Arc::new(HostCapability::configure(setup)),
        }
    }

    pub(crate) fn build(&self, chain: &CallChain<'_>) -> CapabilityInstances {
        CapabilityInstances {
            log: self.log.build(chain),
            storage: self.storage.build(chain),
            settings: self.settings.build(chain),
            prompt: self.prompt.build(chain),
            net: self.net.build(chain),
            terminal: self.terminal.build(chain),
            desktop: self.desktop.build(chain),
            http: self.http.build(chain),
            secrets: self.secrets.build(chain),
            clock: self.clock.build(chain),
            files: self.files.build(chain),
            process: self.process.build(chain),
            inbound: self.inbound.build(chain),
            connections_read: self.connections_read.build(chain),
            connections_write: self.connections_write.build(chain),
            recording_annotate: self.recording_annotate.build(chain),
            recording_read: self.recording_read.build(chain),
            events: self.events.build(chain),
            secrets_reveal: self.secrets_reveal.build(chain),
            secrets_store: self.secrets_store.build(chain),
        }
    }
}

/// Decides for one plugin and capability whether a call may pass, and counts it.
pub(crate) struct Gate {
    capability: Capability,
    /// What the manifest asks for; none where it does not ask.
    asked: Option<Scope>,
    rights: Arc<Rights>,
    guards: Guards,
    plugin: Arc<str>,
    count: Arc<Count>,
}

impl Gate {
    pub(crate) fn new(capability: Capability, setup: &Setup<'_>) -> Self {
        Self {
            capability,
            asked: setup.manifest.request(capability).map(|request| request.scope.clone()),
            rights: Arc::clone(setup.rights),
            guards: setup.guards,
            plugin: Arc::clone(setup.plugin),
            count: setup.counters.of(capability),
        }
    }

    /// Lets the call pass where the plugin asked for the capability and has it at this moment. Counts either way.
    ///
    /// # Errors
    /// Says `denied`, and which capability is missing.
    pub(crate) fn pass(&self) -> Result<(), CapabilityError> {
        self.still()?;
        self.count.use_once();
        Ok(())
    }

    /// The same in the middle of a call that passed, which is no further use.
    ///
    /// # Errors
    /// As [`Gate::pass`].
    pub(crate) fn still(&self) -> Result<(), CapabilityError> {
        if self.asked.is_some() && self.rights.has(self.capability) || !self.guards.on(Guard::Granted) {
            return Ok(());
        }
        let capability = self.capability.name();
        Err(self.denied(format!("the capability '{capability}' is not granted")))
    }

    /// Checks a further parameter of a call that passed.
    ///
    /// # Errors
    /// Says `denied`, and what is not covered.
    pub(crate) fn within(&self, what: &str, covers: impl Fn(&Scope) -> bool) -> Result<(), CapabilityError> {
        if self.covered(covers) {
            return Ok(());
        }
        let capability = self.capability.name();
        Err(self.denied(format!("{what} is not covered by the grant of '{capability}'")))
    }

    /// Checks that what a projection or an output reads is within the grant: a new version may read more than was agreed to.
    ///
    /// # Errors
    /// Says `denied`, and what is not covered.
    pub(crate) fn may_read(&self, reads: Option<String>) -> Result<(), CapabilityError> {
        reads.map_or(Ok(()), |reads| {
            self.within(&format!("to read {reads}"), |scope| scope.covers_read(&reads))
        })
    }

    /// Tells whether every layer of the grant, and the manifest, covers something.
    pub(crate) fn covers(&self, covers: impl Fn(&Scope) -> bool) -> bool {
        self.asked.as_ref().is_some_and(&covers) && self.rights.covers(self.capability, &covers)
    }

    /// Returns the paths that the manifest and every layer of the grant cover for one way of access.
    pub(crate) fn files(&self, access: &str) -> Vec<String> {
        self.layers(|layers| Scope::files_in_all(layers, access)).unwrap_or_default()
    }

    /// Tells whether the manifest and every layer of the grant cover the start of a program.
    pub(crate) fn covers_command(&self, invocation: &Invocation<'_>) -> bool {
        self.layers(|layers| Scope::all_cover_command(layers, invocation)).unwrap_or_default()
    }

    /// Looks at the manifest and every layer of the grant; there is nothing where either is missing.
    fn layers<T>(&self, look: impl Fn(&[&Scope]) -> T) -> Option<T> {
        let (asked, given) = (self.asked.as_ref()?, self.rights.layers(self.capability)?);
        let layers: Vec<&Scope> = std::iter::once(asked).chain(&given).collect();
        Some(look(&layers))
    }

    /// Refuses by a check of the capability's own, unless a test has switched that guard off.
    ///
    /// # Errors
    /// Says `denied` with the reason, which must hold nothing secret.
    pub(crate) fn refuse(&self, guard: Guard, reason: String) -> Result<(), CapabilityError> {
        if self.guards.on(guard) { Err(self.denied(reason)) } else { Ok(()) }
    }

    /// Returns the guards that are on, for checks that are made elsewhere.
    pub(crate) fn guards(&self) -> Guards {
        self.guards
    }

    /// Tells the same for lists that leave out what is not covered, unless a test has switched that guard off.
    pub(crate) fn covered(&self, covers: impl Fn(&Scope) -> bool) -> bool {
        self.covers(covers) || !self.guards.on(Guard::Scope)
    }

    /// Writes down a refusal and returns it as the value for the guest.
    pub(crate) fn denied(&self, reason: String) -> CapabilityError {
        self.count.refuse(&reason);
        let (plugin, capability) = (&*self.plugin, self.capability.name());
        tracing::debug!(target: "ostler::plugin", plugin, capability, reason, "refused");
        CapabilityError::Denied(reason)
    }
}
