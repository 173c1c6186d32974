//! Capability `recording.annotate`: markers in the recording of the session that the call belongs to.
//!
//! A marker goes the way of what the session shows, so that it stands where it was made; it names the plugin, so that no plugin
//! speaks as the host. Never tells whether the session is recorded.

use std::sync::Arc;

use ostler_core::SessionEvent;
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::types::types::CapabilityError;
use super::store::ostler::recording::annotate as wit;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};
use crate::kinds::driver::DriveContext;
use crate::text;

/// Bytes of a marker, as the WIT document says.
const LONGEST_MARKER: usize = 1024;

/// The capability of one plugin.
pub(crate) struct RecordingAnnotate {
    gate: Gate,
    plugin: Arc<str>,
    most_markers: u32,
}

/// The markers of one call.
pub(crate) struct Instance {
    own: Arc<RecordingAnnotate>,
    waits: Arc<Waits>,
    drive: Option<Arc<DriveContext>>,
    left: u32,
}

impl HostCapability for RecordingAnnotate {
    const CAPABILITY: Capability = Capability::RecordingAnnotate;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.recording_annotate)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            most_markers: setup.limits.markers,
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance {
            own: Arc::clone(self),
            waits: Arc::clone(chain.waits),
            drive: chain.drive.cloned(),
            left: self.most_markers,
        }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    async fn mark(&mut self, marker: String) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        if marker.is_empty() || marker.len() > LONGEST_MARKER {
            return Err(CapabilityError::Invalid("a marker has 1 to 1024 bytes".to_owned()));
        }
        let Some(drive) = &self.drive else {
            return Err(CapabilityError::Unavailable("there is no session".to_owned()));
        };
        let Some(left) = self.left.checked_sub(1) else {
            let most = self.own.most_markers;
            return Err(CapabilityError::Limit(format!("a call makes at most {most} markers")));
        };
        self.left = left;
        let marker =
            SessionEvent::Marker(format!("{}: {}", self.own.plugin, text::line(&marker, LONGEST_MARKER)));
        let _waiting = self.waits.begin();
        let ended = |_| CapabilityError::Unavailable("the session has ended".to_owned());
        drive.output.send(marker).await.map_err(ended)
    }
}
