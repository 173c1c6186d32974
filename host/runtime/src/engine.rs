//! The two engines: one that takes instances from a pool, and one without a pool for plugins that do not fit it.
//!
//! Both compile alike, so that code compiled for one loads in the other. Knows nothing of plugins.

use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::Linker;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails,
};

use crate::capabilities::Capabilities;
use crate::instance::State;
use crate::kinds;
use crate::limiter;
use crate::limits::Limits;
use crate::{RuntimeError, wasi};

/// Bytes of a guest's stack of calls.
const WASM_STACK: usize = 512 << 10;
/// Bytes of memory of a pool slot that are wiped and kept instead of given back to the operating system: what a small
/// plugin touches.
const KEPT_MEMORY: usize = 256 << 10;
const KEPT_TABLE: usize = 16 << 10;
/// Core instances, memories and tables of a component that takes its place in the pool; others go to the engine without
/// one. A Rust component has 3 to 4 core instances, 1 memory and 2 tables.
const POOL_INSTANCES: u32 = 8;
const POOL_MEMORIES: u32 = 2;
const POOL_TABLES: u32 = 4;
/// Calls at once on the engine without a pool: its plugins are the large ones.
const UNPOOLED_CALLS: usize = 4;

/// An engine with everything linked into it that a plugin may import.
pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    /// As many as the engine has places for calls.
    pub(crate) places: Arc<Semaphore>,
    /// As many as it has for drives.
    pub(crate) drive_places: Arc<Semaphore>,
}

impl House {
    /// Starts the engine with a pool. Fails where the address space is too small for one.
    pub(crate) fn pooled(limits: &Limits) -> Result<Self, RuntimeError> {
        let (short, drives) = (limits.concurrent_calls.max(1), limits.concurrent_drives.max(1));
        let calls = short.saturating_add(drives);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(calls)
            .total_core_instances(calls.saturating_mul(POOL_INSTANCES))
            .total_memories(calls.saturating_mul(POOL_MEMORIES))
            .total_tables(calls.saturating_mul(POOL_TABLES))
            .total_stacks(calls)
            .max_core_instances_per_component(POOL_INSTANCES)
            .max_memories_per_component(POOL_MEMORIES)
            .max_tables_per_component(POOL_TABLES)
            .table_elements(limits.table_elements)
            .max_memory_size(limits.memory_bytes.next_multiple_of(1 << 16))
            .linear_memory_keep_resident(KEPT_MEMORY)
            .table_keep_resident(KEPT_TABLE)
            .pagemap_scan(Enabled::Auto);
        Self::new(InstanceAllocationStrategy::Pooling(pool), short as usize, drives as usize)
    }

    /// Starts the engine without a pool.
    pub(crate) fn unpooled(limits: &Limits) -> Result<Self, RuntimeError> {
        let drives = limits.concurrent_drives.max(1) as usize;
        Self::new(InstanceAllocationStrategy::OnDemand, UNPOOLED_CALLS, drives)
    }

    fn new(strategy: InstanceAllocationStrategy, calls: usize, drives: usize) -> Result<Self, RuntimeError> {
        let failed = |error: wasmtime::Error| RuntimeError::Engine(format!("{error:#}"));
        let engine = Engine::new(&config(strategy)).map_err(failed)?;
        let mut linker = Linker::new(&engine);
        wasi::link(&mut linker).map_err(failed)?;
        Capabilities::link(&mut linker).map_err(failed)?;
        kinds::link(&mut linker).map_err(failed)?;
        let (places, drive_places) = (Arc::new(Semaphore::new(calls)), Arc::new(Semaphore::new(drives)));
        Ok(Self { engine, linker, places, drive_places })
    }
}

fn config(strategy: InstanceAllocationStrategy) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Off: it doubles the cost of a call, and no interface of ours needs it.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK)
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .allocation_strategy(strategy);
    config
}

const _: () = assert!(
    POOL_INSTANCES <= limiter::INSTANCES
        && POOL_MEMORIES <= limiter::MEMORIES
        && POOL_TABLES <= limiter::TABLES,
    "a place in the pool is within the limits of an instance"
);
