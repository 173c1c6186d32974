//! Capability `clock`: the time with the time zone of the machine, and waits that are not charged.
//!
//! All waits of one call together have a limit; one that would exceed it is refused before it begins.

use std::sync::Arc;
use std::time::Duration;

use ostler_core::{Clock as Clocks, TimeZone};
use ostler_plugin_api::Capability;
use wasmtime::component::{HasData, Linker};

use super::ostler::types::types::CapabilityError;
use super::store::ostler::clock::clock as wit;
use super::{CallChain, Gate, HostCapability, Setup};
use crate::instance::{State, Waits};

/// The capability of one plugin.
pub(crate) struct Clock {
    gate: Gate,
    port: Arc<dyn Clocks>,
    zone: Arc<dyn TimeZone>,
    most_waiting: Duration,
}

/// The waits of one call.
pub(crate) struct Instance {
    own: Arc<Clock>,
    waits: Arc<Waits>,
    waited: Duration,
}

impl HostCapability for Clock {
    const CAPABILITY: Capability = Capability::Clock;
    type Instance = Instance;

    fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Access>(linker, |state| &mut state.capabilities.clock)
    }

    fn configure(setup: &Setup<'_>) -> Self {
        Self {
            gate: Gate::new(Self::CAPABILITY, setup),
            port: Arc::clone(&setup.ports.clock),
            zone: Arc::clone(&setup.ports.zone),
            most_waiting: setup.limits.clock_waits,
        }
    }

    fn build(self: &Arc<Self>, chain: &CallChain<'_>) -> Instance {
        Instance { own: Arc::clone(self), waits: Arc::clone(chain.waits), waited: Duration::ZERO }
    }
}

struct Access;

impl HasData for Access {
    type Data<'a> = &'a mut Instance;
}

impl wit::Host for Instance {
    fn now(&mut self) -> Result<wit::WallTime, CapabilityError> {
        self.own.gate.pass()?;
        let now = self.own.port.now();
        let zone = self.own.zone.at(now);
        Ok(wit::WallTime { unix_micros: now.0, utc_offset_seconds: zone.east_seconds, zone: zone.name })
    }

    fn monotonic_nanos(&mut self) -> Result<u64, CapabilityError> {
        self.own.gate.pass()?;
        Ok(u64::try_from(self.own.port.monotonic().as_nanos()).unwrap_or(u64::MAX))
    }

    async fn sleep(&mut self, milliseconds: u32) -> Result<(), CapabilityError> {
        self.own.gate.pass()?;
        let wanted = Duration::from_millis(milliseconds.into());
        let waited = self.waited.saturating_add(wanted);
        if waited > self.own.most_waiting {
            let most = self.own.most_waiting;
            return Err(CapabilityError::Limit(format!("a call waits at most {most:?} by the clock")));
        }
        self.waited = waited;
        let _waiting = self.waits.begin();
        tokio::time::sleep(wanted).await;
        Ok(())
    }
}
