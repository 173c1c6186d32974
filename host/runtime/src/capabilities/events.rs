//! Capability `events`: what happened to sessions, recordings, connections and folders, behind a cursor.
//!
//! A plugin sees an event where every layer of its grant covers the event's name and its folder. Only the names in [`OFFERED`]
//! are ever seen: what happens to the vault, to other plugins and to the log is not the business of plugins.

use std::sync::Arc;
use std::time::Duration;

use ostler_core::{EventHistory, HostEvent, HostOutcome};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::calls::Calls;
use super::connections_read::unavailable;
use super::ostler::types::types::CapabilityError;
use super::store::ostler::events::events as wit;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};

/// The names that plugins may see, as the WIT document says.
const OFFERED: [&str; 16] = [
    "session.request",
    "session.start",
    "session.end",
    "session.kill",
    "recording.start",
    "recording.end",
    "recording.incomplete",
    "connection.create",
    "connection.change",
    "connection.copy",
    "connection.move",
    "connection.delete",
    "folder.create",
    "folder.change",
    "folder.move",
    "folder.delete",
];
/// Events of a batch, as the WIT document says.
const MOST_EVENTS: usize = 256;
/// How often the history is looked at while a plugin waits.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

/// The capability of one plugin.
pub(crate) struct Events {
    gate: Gate,
    port: Arc<dyn EventHistory>,
    most_calls: u32,
    most_waiting: Duration,
}

/// What one call asks for.
pub(crate) struct Instance {
    own: Arc<Events>,
    waits: Arc<Waits>,
    calls: Calls,
    waited: Duration,
}

impl HostCapability for Events {
    const CAPABILITY: Capability = Capability::Events;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.events)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            port: Arc::clone(&setup.ports.events),
            most_calls: setup.limits.store_calls,
            most_waiting: setup.limits.event_waits,
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            calls: Calls::at_most(self.most_calls),
            waited: Duration::ZERO,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    async fn latest(&mut self) -> Result<u64, CapabilityError> {
        self.begin()?;
        self.own.port.latest().map_err(|error| unavailable(&error))
    }

    async fn since(&mut self, cursor: u64) -> Result<wit::Batch, CapabilityError> {
        self.begin()?;
        self.own.since(cursor)
    }

    async fn next(&mut self, cursor: u64, timeout: u32) -> Result<wit::Batch, CapabilityError> {
        self.begin()?;
        let timeout = Duration::from_millis(timeout.into());
        let waited = self.waited.saturating_add(timeout);
        if waited > self.own.most_waiting {
            let most = self.own.most_waiting;
            return Err(CapabilityError::Limit(format!("a call waits at most {most:?} for events")));
        }
        self.waited = waited;
        let own = Arc::clone(&self.own);
        let _waiting = self.waits.begin();
        let mut batch = own.since(cursor)?;
        let until = tokio::time::Instant::now() + timeout;
        while batch.events.is_empty() && tokio::time::Instant::now() < until {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            tokio::time::sleep(LOOKED_AT_EVERY.min(left)).await;
            // Also a grant that is taken away ends the wait.
            own.gate.still()?;
            batch = own.since(batch.cursor)?;
        }
        Ok(batch)
    }
}

impl Instance {
    fn begin(&mut self) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        self.calls.count()
    }
}

impl Events {
    fn since(&self, cursor: u64) -> Result<wit::Batch, CapabilityError> {
        let found = self.port.since(cursor, MOST_EVENTS).map_err(|error| unavailable(&error))?;
        let events = found.0.into_iter().filter(|event| self.shows(event)).map(event_to_wit).collect();
        Ok(wit::Batch { events, cursor: found.1 })
    }

    /// Tells whether the plugin may see an event. What has no known folder stands at the top.
    fn shows(&self, event: &HostEvent) -> bool {
        let folder: Vec<&str> = event.folder.iter().flatten().map(String::as_str).collect();
        OFFERED.contains(&event.name.as_str())
            && self.gate.covered(|scope| scope.covers_event(&event.name) && scope.covers_folder(&folder))
    }
}

fn event_to_wit(event: HostEvent) -> wit::Event {
    wit::Event {
        name: event.name,
        time_micros: event.time.0,
        outcome: match event.outcome {
            HostOutcome::Success => wit::Outcome::Success,
            HostOutcome::Failure => wit::Outcome::Failure,
            HostOutcome::Denied => wit::Outcome::Denied,
        },
        path: event.path,
        connection: event.connection.map(|id| id.to_string()),
        session: event.session.map(|id| id.to_string()),
        recording: event.recording.map(|id| id.to_string()),
        plugin: event.plugin,
    }
}
