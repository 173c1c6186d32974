//! One host call of a plugin that is running: through the capability check, its count and its port, beside bare wasmtime
//! with the same component, where the host function does nothing.

use std::path::Path;
use std::time::Instant;

use anyhow::{anyhow, bail, ensure};
use bindings::exports::ostler::launcher::launcher as export;
use bindings::ostler::launcher::types::{CredentialDescription, LaunchRequest as BareRequest, RunRequest};
use bindings::ostler::types::types::{self, CapabilityError, Setting, SettingValue};
use ostler_core::{ConnectionId, LaunchRequest, Settings};
use ostler_plugin_api::Capability;
use ostler_runtime::{PluginError, Said, SaidKind};
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bare::{self, State};
use crate::measure::{Limit, Measure, pairs};
use crate::world::{File, block_on, runtime};

mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package bench:peer;

            world peer {
                import ostler:storage/storage@0.1.0;
                export ostler:launcher/launcher@0.1.0;
            }
        ",
        path: [
            "../../plugin-api/wit/types-0.1.0",
            "../../plugin-api/wit/storage-0.1.0",
            "../../plugin-api/wit/launcher-0.1.0",
        ],
    });
}

/// Host calls in a short and in a long run of the guest: the difference is free of what an instance costs.
const FEW: u32 = 1_000;
const MANY: u32 = 201_000;

pub(crate) fn measure(guests: &Path) -> anyhow::Result<Measure> {
    let file = File::read(guests, "guest-probe")?;
    let cache = tempfile::tempdir()?;
    let runtime = runtime(cache.path())?;
    let plugin = file.load(&runtime)?;
    let bare = Bare::new(&file.bytes).map_err(|error| anyhow!("{error:#}"))?;
    let own = |times: u32| {
        let answer = block_on(plugin.plan(&request(times)))?;
        match answer {
            Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => said_nothing_found(&text),
            other => bail!("the probe should answer, not {other:?}"),
        }
    };
    let peer = |times: u32| match bare.plan(&bare_request(times)).map_err(|error| anyhow!("{error:#}"))? {
        Err(export::PlanError::Unsupported(text)) => said_nothing_found(&text),
        other => bail!("the probe should answer, not {other:?}"),
    };
    let (own, peer) = pairs(|| micros_per_call(own), || micros_per_call(peer))?;
    let counted = plugin.usage().capabilities.get(&Capability::Storage).map_or(0, |count| count.used);
    ensure!(counted > u64::from(MANY), "{counted} calls were counted");
    Ok(Measure { unit: "us", own, peer: Some(("bare wasmtime", peer)), limit: Limit::TimesPeer(2.0) })
}

fn micros_per_call(run: impl Fn(u32) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let timed = |times| {
        let started = Instant::now();
        run(times)?;
        anyhow::Ok(started.elapsed())
    };
    let (few, many) = (timed(FEW)?, timed(MANY)?);
    Ok(many.saturating_sub(few).as_secs_f64() * 1e6 / f64::from(MANY - FEW))
}

/// The probe adds up the lengths of what it got.
fn said_nothing_found(text: &str) -> anyhow::Result<()> {
    ensure!(text == "0", "the storage is empty, the probe found '{text}'");
    Ok(())
}

/// What the probe is to do.
fn wishes(times: u32) -> [(String, String); 3] {
    [("do", "storage.warm".to_owned()), ("key", "k".to_owned()), ("times", times.to_string())]
        .map(|(key, value)| (key.to_owned(), value))
}

fn request(times: u32) -> LaunchRequest {
    let settings = wishes(times).map(|(key, value)| (key, ostler_core::SettingValue::Text(value)));
    LaunchRequest {
        connection: ConnectionId::random(),
        name: "Database".to_owned(),
        kind: "ssh".to_owned(),
        host: "db.example".to_owned(),
        port: 22,
        folder: Vec::new(),
        tags: Vec::new(),
        custom_fields: Default::default(),
        settings: Settings(settings.into_iter().collect()),
        credential: ostler_core::CredentialDescription { user: None, domain: None, slots: Vec::new() },
        run: ostler_core::RunRequest::Interactive,
        terminal: None,
    }
}

fn bare_request(times: u32) -> BareRequest {
    let settings = wishes(times).map(|(key, value)| Setting { key, value: SettingValue::Text(value) });
    BareRequest {
        connection_id: String::new(),
        name: "Database".to_owned(),
        kind: "ssh".to_owned(),
        host: "db.example".to_owned(),
        port: 22,
        settings: settings.into(),
        credential: CredentialDescription { user: None, domain: None, slots: Vec::new() },
        run: RunRequest::Interactive,
    }
}

/// The same component in wasmtime with nothing of ours around it.
struct Bare {
    engine: Engine,
    pre: bindings::PeerPre<State>,
}

impl types::Host for State {}

impl bindings::ostler::launcher::types::Host for State {}

impl bindings::ostler::storage::storage::Host for State {
    fn get(&mut self, _: String) -> Result<Option<Vec<u8>>, CapabilityError> {
        Ok(None)
    }
    fn set(&mut self, _: String, _: Vec<u8>) -> Result<(), CapabilityError> {
        Ok(())
    }
    fn delete(&mut self, _: String) -> Result<(), CapabilityError> {
        Ok(())
    }
    fn keys(&mut self, _: String) -> Result<Vec<String>, CapabilityError> {
        Ok(Vec::new())
    }
}

impl Bare {
    fn new(bytes: &[u8]) -> wasmtime::Result<Self> {
        let engine = bare::engine()?;
        let component = Component::new(&engine, bytes)?;
        let mut linker: Linker<State> = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        bindings::Peer::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
        linker.define_unknown_imports_as_traps(&component)?;
        let pre = bindings::PeerPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, pre })
    }

    fn plan(
        &self,
        request: &BareRequest,
    ) -> wasmtime::Result<Result<export::SessionPlan, export::PlanError>> {
        let mut store = bare::store(&self.engine);
        let peer = self.pre.instantiate(&mut store)?;
        peer.ostler_launcher_launcher().call_plan(&mut store, request)
    }
}
