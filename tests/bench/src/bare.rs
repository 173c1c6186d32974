//! Bare wasmtime, the peer of the runtime: concurrency support off, the pool set up as the runtime's, nothing else.

use wasmtime::component::ResourceTable;
use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// The pool of the runtime: places for calls, and what one may take.
const CALLS: u32 = 32;
const INSTANCES: u32 = 8;
const MEMORIES: u32 = 2;
const TABLES: u32 = 4;
const LARGEST_MEMORY: usize = 128 << 20;
/// Bytes of memory and table that a place keeps: without them a new instance waits for pages.
const KEPT_MEMORY: usize = 256 << 10;
const KEPT_TABLE: usize = 16 << 10;

/// Starts an engine.
pub(crate) fn engine() -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(CALLS)
        .total_core_instances(CALLS * INSTANCES)
        .total_memories(CALLS * MEMORIES)
        .total_tables(CALLS * TABLES)
        .total_stacks(CALLS)
        .max_core_instances_per_component(INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(LARGEST_MEMORY)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .pagemap_scan(Enabled::Auto);
    let mut config = Config::new();
    config.concurrency_support(false).allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}

/// Makes a store with the least that a component of Rust needs.
pub(crate) fn store(engine: &Engine) -> Store<State> {
    Store::new(engine, State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() })
}

/// What a store holds.
pub(crate) struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
