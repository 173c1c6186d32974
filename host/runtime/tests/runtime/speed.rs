//! Rough speed, printed and never judged here: `cargo xtask bench` compares with bare wasmtime.
//!
//! `cargo test -p ostler-runtime --release -- --ignored --nocapture speed`

use std::time::{Duration, Instant};

use ostler_runtime::Limits;
use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::world::{DeviceKey, EVERYTHING, World, guest, probed, request};

const CALLS: u32 = 5000;

/// The least that a host of components holds.
struct Bare {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Bare {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// Returns the time to make and drop an instance with nothing of ours around it.
async fn bare_instance(bytes: &[u8]) -> Duration {
    let mut config = Config::new();
    config.concurrency_support(false).epoch_interruption(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(PoolingAllocationConfig::new()));
    let engine = Engine::new(&config).unwrap();
    let component = Component::new(&engine, bytes).unwrap();
    let mut linker: Linker<Bare> = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    linker.define_unknown_imports_as_traps(&component).unwrap();
    let pre = linker.instantiate_pre(&component).unwrap();
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        for _ in 0..CALLS {
            let bare = Bare { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
            let mut store = Store::new(&engine, bare);
            store.set_epoch_deadline(1_000_000);
            pre.instantiate_async(&mut store).await.unwrap();
        }
        best = best.min(started.elapsed() / CALLS);
    }
    best
}

#[tokio::test]
#[ignore = "a measurement, not a test"]
async fn load_instantiate_and_warm_calls() {
    let directory = tempfile::tempdir().unwrap();
    let start = || World::start(Limits::default(), Some(directory.path().to_owned()), DeviceKey(1));
    let guest = guest("probe");
    let started = Instant::now();
    let world = start();
    println!("start of the runtime    {:?}", started.elapsed());
    let started = Instant::now();
    world.load(&guest, EVERYTHING).unwrap();
    println!("load, compiling         {:?}", started.elapsed());
    let started = Instant::now();
    let probe = world.load(&guest, EVERYTHING).unwrap();
    println!("load from the cache     {:?}", started.elapsed());

    println!("bare instance           {:?}", bare_instance(&guest.bytes).await);
    let request = request(&[]);
    for round in 0..3 {
        let started = Instant::now();
        for _ in 0..CALLS {
            probe.launcher_kinds().await.unwrap();
        }
        println!("instance and describe   {:?} (round {round})", started.elapsed() / CALLS);
        let started = Instant::now();
        for _ in 0..CALLS {
            probe.plan(&request).await.unwrap();
        }
        println!("instance and plan       {:?} (round {round})", started.elapsed() / CALLS);
    }
    let warm = async |times: &str| {
        let started = Instant::now();
        probed(&probe, &[("do", "storage.warm"), ("key", "k"), ("times", times)]).await;
        started.elapsed()
    };
    warm("1").await;
    let (few, many) = (warm("1000").await, warm("101000").await);
    println!("warm storage.get        {:?}", many.saturating_sub(few) / 100_000);
}
