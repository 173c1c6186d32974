//! Capability `log`: lines in the host's log, under the plugin's id.
//!
//! A line is cleaned of control characters and cut at 4 KiB. Lines over the limit of a call are dropped, and the number
//! of dropped ones is logged when the call ends. Never writes to the host's own output.

use std::sync::Arc;

use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::log::log::{self as wit, Level};
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;
use crate::text;

/// Bytes of a line that are kept, as the WIT document says.
const LONGEST_LINE: usize = 4096;

/// The capability of one plugin.
pub(crate) struct Log {
    gate: Gate,
    plugin: Arc<str>,
    most_lines: u32,
}

/// The lines of one call.
pub(crate) struct Instance {
    own: Arc<Log>,
    written: u32,
    dropped: u64,
}

impl HostCapability for Log {
    const CAPABILITY: Capability = Capability::Log;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.log)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            plugin: Arc::clone(setup.plugin),
            most_lines: setup.limits.log_lines,
        }
    }

    fn build(self: &Arc<Self>, _: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), written: 0, dropped: 0 }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn write(&mut self, level: Level, message: String) {
        // The function has no result: a plugin that may not log goes on without.
        if self.own.gate.pass().is_err() {
            return;
        }
        if self.written == self.own.most_lines {
            self.dropped += 1;
            return;
        }
        self.written += 1;
        emit(&self.own.plugin, level, &text::line(&message, LONGEST_LINE));
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.dropped > 0 {
            let (plugin, dropped) = (&*self.own.plugin, self.dropped);
            tracing::warn!(target: "ostler::plugin", plugin, dropped, "lines over the limit were dropped");
        }
    }
}

fn emit(plugin: &str, level: Level, line: &str) {
    // The level of an event is part of its static description, hence the repetition.
    match level {
        Level::Trace => tracing::trace!(target: "ostler::plugin", plugin, "{line}"),
        Level::Debug => tracing::debug!(target: "ostler::plugin", plugin, "{line}"),
        Level::Info => tracing::info!(target: "ostler::plugin", plugin, "{line}"),
        Level::Warn => tracing::warn!(target: "ostler::plugin", plugin, "{line}"),
        Level::Error => tracing::error!(target: "ostler::plugin", plugin, "{line}"),
    }
}
