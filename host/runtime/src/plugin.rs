//! A loaded plugin: compiled, linked and configured once, called many times.
//!
//! Cheap to clone and safe to call from several tasks at once: each call has an instance of its own.

use std::sync::{Arc, Weak};

use ostler_core::{Clock, DriveRequest, LaunchRequest, SecretInjector, SessionEnd};
use ostler_plugin_api::{Grants, Guards, Kind, Manifest};
use wasmtime::component::InstancePre;

use crate::capabilities::{Capabilities, Setup};
use crate::endpoint::Endpoint;
use crate::engine::House;
use crate::instance::State;
use crate::kinds::driver::{self, DriveFailure, DriveLink, DriverPre};
use crate::kinds::importer::{self, ImportOutlet, ImporterInfo, ImporterPre};
use crate::kinds::launcher::{self, LauncherKind, LauncherPre, PlanOutcome};
use crate::log_book::{LogBook, LogLine};
use crate::rights::Rights;
use crate::runtime::{Ports, describe};
use crate::ticker::Ticker;
use crate::usage::{Counters, Fault, Usage};
use crate::{Limits, LoadError, PluginError};

/// A plugin that can be called.
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<Loaded>,
}

/// A loaded plugin for as long as somebody else uses it.
#[derive(Clone)]
pub struct WeakPlugin(Weak<Loaded>);

impl WeakPlugin {
    /// Returns the plugin, where it is still used.
    #[must_use]
    pub fn upgrade(&self) -> Option<Plugin> {
        self.0.upgrade().map(|loaded| Plugin { loaded })
    }
}

/// What all calls of a plugin share.
pub(crate) struct Loaded {
    pub(crate) id: Arc<str>,
    pub(crate) house: Arc<House>,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limits: Limits,
    pub(crate) capabilities: Capabilities,
    pub(crate) counters: Counters,
    pub(crate) log: Arc<LogBook>,
    rights: Arc<Rights>,
    launcher: Option<LauncherPre>,
    driver: Option<DriverPre>,
    importer: Option<ImporterPre>,
}

/// What a plugin stands on.
pub(crate) struct Foundation<'a> {
    pub(crate) house: Arc<House>,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) ports: &'a Ports,
    pub(crate) endpoint: &'a Arc<Endpoint>,
    pub(crate) limits: &'a Limits,
    pub(crate) guards: Guards,
}

impl Plugin {
    pub(crate) fn new(
        manifest: &Manifest,
        grants: Grants,
        foundation: Foundation<'_>,
        pre: InstancePre<State>,
        exports: &[String],
    ) -> Result<Self, LoadError> {
        let Foundation { house, ticker, ports, endpoint, limits, guards } = foundation;
        let id: Arc<str> = manifest.id.as_str().into();
        let counters = Counters::new();
        let rights = Arc::new(Rights::new(grants));
        let log = Arc::new(LogBook::new(Arc::clone(&id), Arc::clone(&ports.clock)));
        let setup = Setup {
            plugin: &id,
            manifest,
            rights: &rights,
            guards,
            ports,
            endpoint,
            limits,
            counters: &counters,
            log: &log,
        };
        let capabilities = Capabilities::configure(&setup);
        let is = |kind| manifest.kinds.contains(&kind);
        let lacks = |kind| move |error: wasmtime::Error| LoadError::Export { kind, reason: describe(&error) };
        let launcher = is(Kind::Launcher).then(|| LauncherPre::new(pre.clone())).transpose();
        let importer = is(Kind::Importer).then(|| ImporterPre::new(pre.clone())).transpose();
        // A launcher that only plans exports no driver.
        let drives = exports.iter().any(|name| name.split('@').next() == Some(driver::INTERFACE));
        let driver = (is(Kind::Launcher) && drives).then(|| DriverPre::new(pre.clone())).transpose();
        let loaded = Loaded {
            driver: driver.map_err(lacks(Kind::Launcher))?,
            launcher: launcher.map_err(lacks(Kind::Launcher))?,
            importer: importer.map_err(lacks(Kind::Importer))?,
            clock: Arc::clone(&ports.clock),
            limits: limits.clone(),
            id,
            house,
            ticker,
            capabilities,
            counters,
            log,
            rights,
        };
        Ok(Self { loaded: Arc::new(loaded) })
    }

    /// Returns the types of connection that the plugin opens.
    ///
    /// # Errors
    /// It is no launcher, or the call failed.
    pub async fn launcher_kinds(&self) -> Result<Vec<LauncherKind>, PluginError> {
        launcher::kinds(&self.loaded, self.launcher()?).await
    }

    /// Lets the plugin plan a launch. The plan is checked: every part is within bounds, and it names only slots of the
    /// request and of passwords that the plugin asked the person for. Where those may go is for their sinks to say.
    ///
    /// # Errors
    /// The plugin said no, its plan is refused or out of bounds, it is no launcher, or the call failed.
    pub async fn plan(&self, request: &LaunchRequest) -> Result<PlanOutcome, PluginError> {
        launcher::plan(&self.loaded, self.launcher()?, request, None).await
    }

    /// As [`Plugin::plan`], with what opens the slots of the request where the plugin was granted to read secrets.
    ///
    /// # Errors
    /// As [`Plugin::plan`].
    pub async fn plan_with(
        &self,
        request: &LaunchRequest,
        secrets: &Arc<dyn SecretInjector>,
    ) -> Result<PlanOutcome, PluginError> {
        launcher::plan(&self.loaded, self.launcher()?, request, Some(secrets)).await
    }

    /// Lets the plugin carry out a session, to its end. The outer error is the host's: the plugin broke, or has no driver; the inner
    /// one is the plugin's own.
    ///
    /// # Errors
    /// It drives no sessions, or the call failed.
    pub async fn drive(
        &self,
        request: &DriveRequest,
        link: DriveLink,
    ) -> Result<Result<SessionEnd, DriveFailure>, PluginError> {
        let driver = self.loaded.driver.as_ref().ok_or(PluginError::NoDriver)?;
        driver::drive(&self.loaded, driver, request, link).await
    }

    /// Returns what the importer says of itself.
    ///
    /// # Errors
    /// It is no importer, or the call failed.
    pub async fn importer_info(&self) -> Result<ImporterInfo, PluginError> {
        importer::info(&self.loaded, self.importer()?).await
    }

    /// Asks how sure the importer is, 0 to 100, that it can read a file of this name that begins with `head`, of which it
    /// sees at most 64 KiB.
    ///
    /// # Errors
    /// It is no importer, or the call failed.
    pub async fn detect(&self, head: &[u8], name: &str) -> Result<u8, PluginError> {
        importer::detect(&self.loaded, self.importer()?, head, name).await
    }

    /// Lets the importer read a whole file. What it finds goes to the outlet as it comes, checked; an entry that is out
    /// of bounds becomes a problem. Reads of `input` block the calling thread: it is meant for files.
    ///
    /// # Errors
    /// The plugin said no, the input can't be read, it is no importer, or the call failed. What the outlet already got is
    /// then not the whole file.
    pub async fn parse(
        &self,
        input: Box<dyn std::io::Read + Send>,
        options: &[(String, String)],
        outlet: &mut (dyn ImportOutlet + Send),
    ) -> Result<ostler_core::ImportSummary, PluginError> {
        importer::parse(&self.loaded, self.importer()?, input, options, outlet).await
    }

    /// Returns the plugin without keeping it loaded.
    #[must_use]
    pub fn downgrade(&self) -> WeakPlugin {
        WeakPlugin(Arc::downgrade(&self.loaded))
    }

    /// Replaces what the plugin was granted: at once, for calls that run, too.
    pub fn set_grants(&self, grants: Grants) {
        self.loaded.rights.set(grants);
    }

    /// Returns what the plugin did since it was loaded.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.loaded.counters.read()
    }

    /// Returns what the plugin did since this was last called, and begins to count anew.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        self.loaded.counters.take()
    }

    /// Returns the calls that a crash or a limit ended since this was last called, the latest ones of very many.
    #[must_use]
    pub fn take_faults(&self) -> Vec<Fault> {
        self.loaded.counters.take_faults()
    }

    /// Returns the lines that the plugin wrote since this was last called, the oldest first: the newest ones of very many, and
    /// none for its author alone (`trace`, `debug`).
    #[must_use]
    pub fn take_log(&self) -> Vec<LogLine> {
        self.loaded.log.take()
    }

    fn launcher(&self) -> Result<&LauncherPre, PluginError> {
        self.loaded.launcher.as_ref().ok_or(PluginError::NotThisKind { kind: Kind::Launcher })
    }

    fn importer(&self) -> Result<&ImporterPre, PluginError> {
        self.loaded.importer.as_ref().ok_or(PluginError::NotThisKind { kind: Kind::Importer })
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("id", &self.loaded.id).finish_non_exhaustive()
    }
}
