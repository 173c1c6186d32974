//! Capability `log`: lines in the plugin's log.
//!
//! Lines over the limit of a call are dropped, and the number of dropped ones is logged when the call ends. Never writes to the
//! host's own output.

use std::sync::Arc;

use ostler_core::LogLevel;
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::log::log::{self as wit, Level};
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::State;
use crate::log_book::LogBook;

/// The capability of one plugin.
pub(crate) struct Log {
    gate: Gate,
    book: Arc<LogBook>,
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
            book: Arc::clone(setup.log),
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
        self.own.book.write(level.into(), &message);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.own.book.dropped(self.dropped);
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}
