//! One host call of a plugin that is running: through the capability check, its count and its port, beside bare wasmtime
//! with the same component, where the host function does nothing.
//!
//! Measured are the functions that the host answers by itself. What a call of the others takes is what it waits for: a person
//! (`prompt`), a wire (`net`, `http`, `terminal`), a disk (`files`, `log`).

use std::path::Path;
use std::time::Instant;

use anyhow::{anyhow, bail, ensure};
use bindings::exports::ostler::launcher::launcher as export;
use bindings::ostler::launcher::types::{CredentialDescription, LaunchRequest as BareRequest, RunRequest};
use bindings::ostler::types::types::{self, CapabilityError, Setting, SettingValue};
use bindings::ostler::{clock, connections, events, recording, secrets, settings, storage};
use ostler_core::{ConnectionId, LaunchRequest, Settings};
use ostler_plugin_api::Capability;
use ostler_runtime::{Limits, PluginError, Said, SaidKind};
use wasmtime::Engine;
use wasmtime::component::{Component, HasSelf, Linker};

use crate::bare::{self, State};
use crate::measure::{Limit, Measure, pairs};
use crate::world::{File, block_on, runtime_with};

mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package bench:peer;

            world peer {
                import ostler:storage/storage@0.1.0;
                import ostler:settings/settings@0.1.0;
                import ostler:secrets/use-slots@0.2.0;
                import ostler:clock/clock@0.1.0;
                import ostler:connections/read@0.1.0;
                import ostler:recording/read@0.1.0;
                import ostler:events/events@0.1.0;
                export ostler:launcher/launcher@0.1.0;
            }
        ",
        path: [
            "../../plugin-api/wit/types-0.1.0",
            "../../plugin-api/wit/storage-0.1.0",
            "../../plugin-api/wit/settings-0.1.0",
            "../../plugin-api/wit/net-0.1.0",
            "../../plugin-api/wit/secrets-0.2.0",
            "../../plugin-api/wit/clock-0.1.0",
            "../../plugin-api/wit/connections-0.1.0",
            "../../plugin-api/wit/recording-0.1.0",
            "../../plugin-api/wit/events-0.1.0",
            "../../plugin-api/wit/launcher-0.1.0",
        ],
    });
}

/// Host calls in a short and in a long run of the guest: the difference is free of what an instance costs.
const FEW: u32 = 1_000;
const MANY: u32 = 201_000;

/// Measures the calls of one capability by the name that the guest has for its function.
pub(crate) fn measure(guests: &Path, function: &str, capability: Capability) -> anyhow::Result<Measure> {
    let file = File::read(guests, "guest-caller")?;
    let cache = tempfile::tempdir()?;
    let runtime = runtime_with(cache.path(), Limits { store_calls: u32::MAX, ..Limits::default() })?;
    let plugin = file.load(&runtime)?;
    let bare = Bare::new(&file.bytes).map_err(|error| anyhow!("{error:#}"))?;
    let own = |times: u32| {
        let answer = block_on(plugin.plan(&request(function, times)))?;
        match answer {
            Err(PluginError::Said(Said { kind: SaidKind::Unsupported, text })) => all_answered(&text, times),
            other => bail!("the caller should answer, not {other:?}"),
        }
    };
    let peer =
        |times: u32| match bare.plan(&bare_request(function, times)).map_err(|error| anyhow!("{error:#}"))? {
            Err(export::PlanError::Unsupported(text)) => all_answered(&text, times),
            other => bail!("the caller should answer, not {other:?}"),
        };
    let (own, peer) = pairs(|| micros_per_call(own), || micros_per_call(peer))?;
    let counted = plugin.usage().capabilities.get(&capability).map_or(0, |count| count.used);
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

/// The caller counts the calls that were answered with a value.
fn all_answered(text: &str, times: u32) -> anyhow::Result<()> {
    ensure!(text == times.to_string(), "{text} of {times} calls were answered");
    Ok(())
}

/// What the caller is to do.
fn wishes(function: &str, times: u32) -> [(String, String); 2] {
    [("do", function.to_owned()), ("times", times.to_string())].map(|(key, value)| (key.to_owned(), value))
}

fn request(function: &str, times: u32) -> LaunchRequest {
    let settings = wishes(function, times).map(|(key, value)| (key, ostler_core::SettingValue::Text(value)));
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

fn bare_request(function: &str, times: u32) -> BareRequest {
    let settings =
        wishes(function, times).map(|(key, value)| Setting { key, value: SettingValue::Text(value) });
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

impl types::Host for State {}

impl bindings::ostler::launcher::types::Host for State {}

impl connections::types::Host for State {}

impl storage::storage::Host for State {
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

impl settings::settings::Host for State {
    fn get(&mut self, _: String) -> Result<Option<SettingValue>, CapabilityError> {
        Ok(None)
    }
    fn all(&mut self) -> Result<Vec<Setting>, CapabilityError> {
        Ok(Vec::new())
    }
}

impl secrets::use_slots::Host for State {
    fn slots(&mut self) -> Result<Vec<secrets::use_slots::Slot>, CapabilityError> {
        Ok(Vec::new())
    }
    fn answer(&mut self, _: String, _: String, _: Vec<u8>) -> Result<Vec<u8>, CapabilityError> {
        Ok(Vec::new())
    }
}

impl clock::clock::Host for State {
    fn now(&mut self) -> Result<clock::clock::WallTime, CapabilityError> {
        Ok(clock::clock::WallTime { unix_micros: 0, utc_offset_seconds: 0, zone: None })
    }
    fn monotonic_nanos(&mut self) -> Result<u64, CapabilityError> {
        Ok(0)
    }
    fn sleep(&mut self, _: u32) -> Result<(), CapabilityError> {
        Ok(())
    }
}

impl connections::read::Host for State {
    fn list_connections(
        &mut self,
        _: connections::read::Query,
        _: Option<String>,
    ) -> Result<connections::read::ConnectionPage, CapabilityError> {
        Ok(connections::read::ConnectionPage { connections: Vec::new(), next: None })
    }
    fn get_connection(
        &mut self,
        _: String,
    ) -> Result<Option<connections::types::Connection>, CapabilityError> {
        Ok(None)
    }
    fn list_folders(
        &mut self,
        _: String,
        _: Option<String>,
    ) -> Result<connections::read::FolderPage, CapabilityError> {
        Ok(connections::read::FolderPage { folders: Vec::new(), next: None })
    }
    fn get_folder(&mut self, _: String) -> Result<Option<connections::types::Folder>, CapabilityError> {
        Ok(None)
    }
}

impl recording::read::Host for State {
    fn list_recordings(
        &mut self,
        _: recording::read::Filter,
        _: Option<String>,
    ) -> Result<recording::read::Page, CapabilityError> {
        Ok(recording::read::Page { recordings: Vec::new(), next: None })
    }
    fn read_moments(&mut self, _: String, _: u64) -> Result<recording::read::Chunk, CapabilityError> {
        Ok(recording::read::Chunk { moments: Vec::new(), next: None })
    }
}

impl events::events::Host for State {
    fn latest(&mut self) -> Result<u64, CapabilityError> {
        Ok(0)
    }
    fn since(&mut self, cursor: u64) -> Result<events::events::Batch, CapabilityError> {
        Ok(events::events::Batch { events: Vec::new(), cursor })
    }
    fn next(&mut self, cursor: u64, _: u32) -> Result<events::events::Batch, CapabilityError> {
        Ok(events::events::Batch { events: Vec::new(), cursor })
    }
}

/// The same component in wasmtime with nothing of ours around it.
struct Bare {
    engine: Engine,
    pre: bindings::PeerPre<State>,
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
