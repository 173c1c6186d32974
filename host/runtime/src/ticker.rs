//! The engine's clock: an operating system thread that moves the epoch on every 5 ms while a plugin runs.
//!
//! A thread and not a task, so that a spinning guest on the only worker can't stop it. It holds the engines weakly, sleeps
//! while no call runs, and ends with the runtime.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use wasmtime::{Engine, EngineWeak};

/// The length of a tick: how exactly computing time is counted, and how long a computing guest keeps others of its thread
/// waiting: an echo passes several tasks, each of which may have to wait for one.
pub(crate) const TICK: Duration = Duration::from_millis(5);

/// Owns the thread; dropping it ends the thread.
#[derive(Debug)]
pub(crate) struct Ticker {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<TickerState>,
    wake: Condvar,
}

#[derive(Default)]
struct TickerState {
    engines: Vec<EngineWeak>,
    running: usize,
    ended: bool,
}

impl std::fmt::Debug for TickerState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TickerState").field("running", &self.running).finish_non_exhaustive()
    }
}

/// Keeps the clock going while a call runs.
#[derive(Debug)]
pub(crate) struct Running {
    shared: Arc<Shared>,
}

impl Ticker {
    /// Starts the thread.
    ///
    /// # Errors
    /// Fails where the operating system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(move || own.tick())?;
        Ok(Self { shared })
    }

    /// Adds an engine whose epoch moves from now on.
    pub(crate) fn add(&self, engine: &Engine) {
        self.shared.lock().engines.push(engine.weak());
    }

    /// Marks a call as running until the returned guard is dropped.
    pub(crate) fn run(&self) -> Running {
        let mut state = self.shared.lock();
        state.running += 1;
        if state.running == 1 {
            self.shared.wake.notify_one();
        }
        drop(state);
        Running { shared: Arc::clone(&self.shared) }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().ended = true;
        self.shared.wake.notify_one();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.running = state.running.saturating_sub(1);
    }
}

impl Shared {
    fn tick(&self) {
        loop {
            let mut state = self.lock();
            while state.running == 0 && !state.ended {
                state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.ended && state.running == 0 {
                return;
            }
            for engine in state.engines.iter().filter_map(EngineWeak::upgrade) {
                engine.increment_epoch();
            }
            drop(state);
            std::thread::sleep(TICK);
        }
    }

    fn lock(&self) -> MutexGuard<'_, TickerState> {
        // The state is plain numbers, right after every single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
