//! One call of a plugin: an instance made for it, its limits, and its end.
//!
//! Whatever ends a call (a result, a trap, a limit, the caller going away), the store is dropped with everything in it,
//! and the next call makes a new one: a trap poisons a store, and a store never frees what it made.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ostler_core::{DrivenSurface, SecretInjector, SlotDescription};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use wasmtime::component::{ResourceTable, ResourceTableError};
use wasmtime::{Store, StoreContextMut, Trap, UpdateDeadline};
use wasmtime_wasi::{I32Exit, WasiCtx};

use crate::capabilities::{CallChain, CapabilityInstances};
use crate::kinds::driver::{DriveContext, EventsSlot};
use crate::kinds::importer_feed::FeedSlot;
use crate::limiter::Limiter;
use crate::limits::{LimitReached, Limits};
use crate::plugin::Loaded;
use crate::ticker::{Running, TICK};
use crate::{PluginError, text, wasi};

/// What a store holds beside the guest.
pub(crate) struct State {
    pub(crate) wasi: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) capabilities: CapabilityInstances,
    pub(crate) feed: FeedSlot,
    pub(crate) events: EventsSlot,
    pub(crate) computing: Computing,
    limiter: Limiter,
}

/// The computing time of a call, counted in ticks in which the guest ran.
pub(crate) struct Computing {
    ticks: u64,
    budget: Budget,
}

impl Computing {
    /// Gives the guest its whole budget again.
    pub(crate) fn renew(&mut self) {
        self.ticks = 0;
    }
}

/// How long a call may compute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    /// The limit's name, such as `planning time`.
    pub(crate) name: &'static str,
    pub(crate) time: Duration,
}

impl Budget {
    fn reached(self) -> LimitReached {
        LimitReached::new(self.name, format_args!("{:?}", self.time))
    }
}

/// The time that a call waited for the host.
#[derive(Debug)]
pub(crate) struct Waits {
    begun: Instant,
    state: Mutex<WaitState>,
}

#[derive(Debug, Default)]
struct WaitState {
    ended: Duration,
    since: Option<Instant>,
    /// What was charged before the allowance was renewed.
    renewed: Duration,
}

/// One wait; ends when dropped.
pub(crate) struct Waiting<'a>(&'a Waits);

impl Waits {
    fn new() -> Self {
        Self { begun: Instant::now(), state: Mutex::default() }
    }

    /// Gives the call its whole allowance again: what it has taken so far counts as waited.
    pub(crate) fn renew(&self) {
        let mut state = self.lock();
        let elapsed = self.begun.elapsed();
        let taken = elapsed.saturating_sub(state.ended);
        state.renewed += taken;
        state.ended = elapsed;
    }

    /// Returns the time that the call took itself.
    fn charged(&self) -> Duration {
        let renewed = self.lock().renewed;
        renewed + self.begun.elapsed().saturating_sub(self.total())
    }

    /// Begins a wait. A call waits for one thing at a time, since the guest stands still meanwhile.
    pub(crate) fn begin(&self) -> Waiting<'_> {
        self.lock().since = Some(Instant::now());
        Waiting(self)
    }

    fn total(&self) -> Duration {
        let state = self.lock();
        state.ended + state.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, WaitState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if let Some(since) = state.since.take() {
            state.ended += since.elapsed();
        }
    }
}

/// A running call. The fields are dropped in order: the store before its place in the pool.
pub(crate) struct Call<'a> {
    pub(crate) store: Store<State>,
    loaded: &'a Loaded,
    waits: Arc<Waits>,
    budget: Budget,
    _running: Running,
    _place: Option<OwnedSemaphorePermit>,
}

/// Why the guest's work gave no result.
pub(crate) enum Stop {
    Trapped(wasmtime::Error),
    Overslept,
    /// The feed of an importer stopped it.
    Fed(PluginError),
}

impl<'a> Call<'a> {
    /// Makes the store of a call. Waits for a place where as many calls as may run already do.
    pub(crate) async fn begin(loaded: &'a Loaded, budget: Budget) -> Self {
        Self::begin_with(loaded, &[], budget, None).await
    }

    /// The same with slots, and with what opens them for a plugin that may read secrets.
    pub(crate) async fn begin_with(
        loaded: &'a Loaded,
        slots: &[SlotDescription],
        budget: Budget,
        secrets: Option<&Arc<dyn SecretInjector>>,
    ) -> Self {
        let place = Arc::clone(&loaded.house.places);
        Self::begin_at(place, loaded, slots, budget, secrets, None).await
    }

    /// Makes the store of a drive, which lasts as long as its session: it takes no place from short calls.
    pub(crate) async fn begin_drive(
        loaded: &'a Loaded,
        slots: &[SlotDescription],
        budget: Budget,
        drive: &Arc<DriveContext>,
    ) -> Self {
        let place = Arc::clone(&loaded.house.drive_places);
        Self::begin_at(place, loaded, slots, budget, None, Some(drive)).await
    }

    async fn begin_at(
        places: Arc<Semaphore>,
        loaded: &'a Loaded,
        slots: &[SlotDescription],
        budget: Budget,
        secrets: Option<&Arc<dyn SecretInjector>>,
        drive: Option<&Arc<DriveContext>>,
    ) -> Self {
        // Nothing closes the semaphore while its owner lives.
        let place = places.acquire_owned().await.ok();
        let waits = Arc::new(Waits::new());
        let chain = CallChain { slots, waits: &waits, secrets, drive };
        let store = store(loaded, &chain, budget);
        Self {
            store,
            loaded,
            waits: Arc::clone(&waits),
            budget,
            _running: loaded.ticker.run(),
            _place: place,
        }
    }

    pub(crate) fn waits(&self) -> Arc<Waits> {
        Arc::clone(&self.waits)
    }

    /// Returns how long the call may take in all but waits for the host.
    pub(crate) fn allowance(&self) -> Duration {
        self.budget.time + self.loaded.limits.sleep_time
    }

    /// Ends the call: names what stopped it, and counts it.
    ///
    /// # Errors
    /// A limit or a crash.
    pub(crate) fn end<R>(&self, result: Result<R, Stop>) -> Result<R, PluginError> {
        let error = match result {
            Ok(result) => return Ok(result),
            Err(Stop::Trapped(error)) => {
                let (plugin, details) = (&*self.loaded.id, format!("{error:?}"));
                tracing::debug!(target: "ostler::plugin", plugin, details, "call ended by an error");
                classify(&error, &self.loaded.limits, self.store.hostcall_fuel())
            }
            Err(Stop::Fed(error)) => error,
            Err(Stop::Overslept) => {
                let allowed = format!("{:?}", self.loaded.limits.sleep_time);
                PluginError::Limit { limit: "sleeping time", allowed }
            }
        };
        let call = self.budget.name.split(" time").next().unwrap_or_default();
        let memory = self.store.data().limiter.peak_memory_bytes();
        self.loaded.counters.count_error(&error, call, self.waits.charged(), memory);
        Err(error)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.loaded.counters.count_call(self.waits.charged(), self.store.data().limiter.peak_memory_bytes());
    }
}

/// Does the guest's work, unless it sleeps longer than it may. Waits for the host do not count.
pub(crate) async fn within<R>(
    allowance: Duration,
    waits: &Waits,
    work: impl Future<Output = wasmtime::Result<R>>,
) -> Result<R, Stop> {
    let mut work = pin!(work);
    let started = Instant::now();
    let mut alarm = pin!(tokio::time::sleep(allowance));
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done.map_err(Stop::Trapped),
            () = &mut alarm => {
                let spent = started.elapsed().saturating_sub(waits.total());
                match allowance.checked_sub(spent).filter(|left| !left.is_zero()) {
                    Some(left) => alarm.as_mut().reset(Instant::now() + left),
                    None => return Err(Stop::Overslept),
                }
            }
        }
    }
}

fn store(loaded: &Loaded, chain: &CallChain<'_>, budget: Budget) -> Store<State> {
    let limits = &loaded.limits;
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.resources);
    let state = State {
        wasi: wasi::floor(&loaded.log, &loaded.clock, limits.log_lines),
        table,
        capabilities: loaded.capabilities.build(chain),
        feed: FeedSlot::default(),
        events: EventsSlot::default(),
        limiter: Limiter::new(limits),
        computing: Computing { ticks: 0, budget },
    };
    let mut store = Store::new(&loaded.house.engine, state);
    store.limiter(|state| &mut state.limiter);
    let desktop = chain.drive.is_some_and(|drive| drive.surface == DrivenSurface::Desktop);
    store.set_hostcall_fuel(if desktop { limits.desktop_call_bytes } else { limits.host_call_bytes });
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(tick);
    store
}

/// Charges the guest one tick. However many ticks passed while the host worked, the guest pays for one: it was found
/// running once.
fn tick(mut store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let computing = &mut store.data_mut().computing;
    computing.ticks += 1;
    if u128::from(computing.ticks) * TICK.as_nanos() > computing.budget.time.as_nanos() {
        return Err(computing.budget.reached().into());
    }
    // A yield to tokio, not only to the engine: other tasks of this thread must run, its timers too.
    Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
}

/// Names what ended a call.
fn classify(error: &wasmtime::Error, limits: &Limits, host_call_bytes: usize) -> PluginError {
    if let Some(LimitReached { limit, allowed }) = error.downcast_ref() {
        return PluginError::Limit { limit, allowed: allowed.clone() };
    }
    if let Some(trap) = error.downcast_ref::<Trap>() {
        return match trap {
            Trap::StackOverflow => PluginError::Limit { limit: "stack", allowed: "512 KiB".to_owned() },
            trap => PluginError::Trap { message: trap.to_string() },
        };
    }
    if let Some(I32Exit(status)) = error.downcast_ref() {
        return PluginError::Trap { message: format!("it called exit with status {status}") };
    }
    if matches!(error.downcast_ref(), Some(ResourceTableError::Full)) {
        return PluginError::Limit { limit: "host objects", allowed: limits.resources.to_string() };
    }
    let cause = error.root_cause().to_string();
    // The engine has no public types for these two.
    if cause.contains("fuel allocated for hostcalls has been exhausted") {
        let allowed = format!("{} MiB", host_call_bytes >> 20);
        return PluginError::Limit { limit: "bytes of one call between plugin and host", allowed };
    }
    if cause.starts_with("resource limit exceeded") {
        return PluginError::Limit {
            limit: "instances, memories and tables",
            allowed: text::line(&cause, 200).into_owned(),
        };
    }
    PluginError::Trap { message: text::line(cause.lines().next().unwrap_or_default(), 200).into_owned() }
}
