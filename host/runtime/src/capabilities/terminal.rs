//! Capability `terminal`: what a driven session shows.
//!
//! Bytes go the way of every session's output, past the recorder. Never shows anything outside of a session.

use std::sync::Arc;

use ostler_core::{DrivenSurface, OutputStream, SessionEvent};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::terminal::terminal as wit;
use super::ostler::types::types::CapabilityError;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};
use crate::kinds::driver::DriveContext;

/// Bytes of one `show`, as the WIT document says.
const LARGEST_SHOW: usize = 1 << 20;
/// Bytes of one event, as `core` says.
const LARGEST_EVENT: usize = 64 << 10;

/// The capability of one plugin.
pub(crate) struct Terminal {
    gate: Gate,
}

/// The terminal of one call.
pub(crate) struct Instance {
    own: Arc<Terminal>,
    waits: Arc<Waits>,
    drive: Option<Arc<DriveContext>>,
}

impl HostCapability for Terminal {
    const CAPABILITY: Capability = Capability::Terminal;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.terminal)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self { gate: Gate::new(Self::CAPABILITY, setup) }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), waits: Arc::clone(chain.waits), drive: chain.drive.cloned() }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    async fn show(&mut self, bytes: Vec<u8>) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        if bytes.len() > LARGEST_SHOW {
            return Err(CapabilityError::Limit("at most 1 MiB is shown at once".to_owned()));
        }
        let terminal = |drive: &&Arc<DriveContext>| drive.surface == DrivenSurface::Terminal;
        let Some(drive) = self.drive.as_ref().filter(terminal) else {
            return Err(CapabilityError::Unavailable("there is no session that shows a terminal".to_owned()));
        };
        let _waiting = self.waits.begin();
        for chunk in bytes.chunks(LARGEST_EVENT) {
            let event = SessionEvent::Output { stream: OutputStream::Standard, bytes: chunk.to_vec() };
            let ended = |_| CapabilityError::Unavailable("the session has ended".to_owned());
            drive.output.send(event).await.map_err(ended)?;
        }
        Ok(())
    }
}
