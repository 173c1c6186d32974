//! Plugins as the user sees them: what there is, what may run, what each was granted, used and was refused.
//!
//! What is kept of a plugin is keyed by its id and bound to its file's digest: another file under the same id starts
//! with what a new plugin gets.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::Path;

use ostler_audit::{AuditEvent, EventClass, Outcome};
use ostler_core::{FaultHistory, Standing};
use ostler_plugin_api::{Capability, Grant, Grants, Kind, PluginId, Scope};
use ostler_policy::default_grants;
use ostler_registry::{BrokenPlugin, Code, FoundPlugin, Origin};
use ostler_runtime::{Plugin, Refusal, Usage};
use ostler_vault::VaultError;
use serde::{Deserialize, Serialize};

use crate::auditing::plugin_ref;
use crate::crashes::{CrashInput, held_because, take_in};
use crate::{AppError, CapabilityView, GrantBounds, Host, PluginDetail, PluginView, Reply};

/// The name of the sealed document that holds what is kept of plugins.
const DOCUMENT: &str = "plugins";

/// Different refusals that are kept of a plugin.
const MOST_REFUSALS: usize = 100;

/// What is kept of all plugins, by id.
type Kept = BTreeMap<String, KeptPlugin>;

/// What is kept of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct KeptPlugin {
    digest: String,
    enabled: bool,
    grants: Grants,
    #[serde(default)]
    usage: Usage,
    #[serde(default)]
    faults: FaultHistory,
}

/// How a plugin stands.
pub(crate) struct PluginState {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    /// Why it does not run for now, or until it is enabled.
    pub(crate) held: Option<String>,
    /// Calls that ended in a trap.
    pub(crate) traps: u64,
}

impl KeptPlugin {
    /// What a plugin starts with.
    fn new(found: &FoundPlugin) -> Self {
        let bundled = found.origin == Origin::Bundled;
        Self {
            digest: found.inspection.digest.to_string(),
            enabled: true,
            grants: default_grants(&found.inspection.manifest, bundled),
            usage: Usage::default(),
            faults: FaultHistory::default(),
        }
    }

    /// Whether what is kept still holds: for this very file, and for another version of a bundled plugin, where what that
    /// asks for anew waits for a grant.
    fn holds_for(&self, found: &FoundPlugin) -> bool {
        self.digest == found.inspection.digest.to_string() || found.origin == Origin::Bundled
    }
}

/// Returns the id of a plugin, as text.
pub(crate) fn plugin_id(found: &FoundPlugin) -> String {
    found.inspection.manifest.id.to_string()
}

impl Host {
    /// Returns what is kept of a plugin, or what it starts with.
    fn kept(&self, found: &FoundPlugin) -> Result<KeptPlugin, AppError> {
        let kept = read(self.vault()?.document(DOCUMENT)?.as_deref());
        let own = kept.get(&plugin_id(found)).filter(|kept| kept.holds_for(found)).cloned();
        Ok(own.unwrap_or_else(|| KeptPlugin::new(found)))
    }

    /// Changes what is kept of a plugin.
    fn keep(&self, found: &FoundPlugin, change: impl Fn(&mut KeptPlugin)) -> Result<(), VaultError> {
        self.vault()?.update_document(DOCUMENT, &mut |bytes| {
            let mut all = read(bytes.as_deref());
            let own = all.remove(&plugin_id(found)).filter(|kept| kept.holds_for(found));
            let mut own = own.unwrap_or_else(|| KeptPlugin::new(found));
            own.digest = found.inspection.digest.to_string();
            change(&mut own);
            all.insert(plugin_id(found), own);
            serde_json::to_vec(&all).ok().or(bytes)
        })
    }

    /// Returns how a plugin stands: its id, whether it may run, and how often it crashed.
    pub(crate) fn plugin_state(&self, found: &FoundPlugin) -> Result<PluginState, AppError> {
        let kept = self.kept(found)?;
        let now = self.now();
        Ok(PluginState {
            id: plugin_id(found),
            enabled: kept.enabled,
            held: held_because(kept.faults.standing(now), now),
            traps: kept.usage.traps,
        })
    }

    /// Loads a plugin with what it was granted.
    pub(crate) fn load(&self, found: &FoundPlugin) -> Result<Plugin, AppError> {
        let kept = self.kept(found)?;
        let bytes = self.shelf.bytes(found)?;
        let digest = found.inspection.digest.to_string();
        self.runtime(found)?
            .load(&found.inspection.manifest, &digest, &bytes, kept.grants)
            .map_err(|source| AppError::Load { plugin: plugin_id(found), source })
    }

    /// Returns the plugins of a kind that may run.
    pub(crate) fn enabled_plugins(&self, kind: Kind) -> Result<Vec<FoundPlugin>, AppError> {
        Ok(self
            .plugins_of(kind)?
            .into_iter()
            .filter(|(_, held)| held.is_none())
            .map(|(found, _)| found)
            .collect())
    }

    /// Returns the enabled plugins of a kind, each with why it does not run for now.
    pub(crate) fn plugins_of(&self, kind: Kind) -> Result<Vec<(FoundPlugin, Option<String>)>, AppError> {
        let (found, _) = self.shelf.scan()?;
        let mut enabled = Vec::new();
        for plugin in found {
            if plugin.inspection.manifest.kinds.contains(&kind) {
                let state = self.plugin_state(&plugin)?;
                if state.enabled {
                    enabled.push((plugin, state.held));
                }
            }
        }
        Ok(enabled)
    }

    /// Names the plugins of a kind that are held back, behind what no other plugin does.
    pub(crate) fn nobody(&self, kind: Kind, what: &str) -> AppError {
        let held = self.plugins_of(kind).unwrap_or_default().into_iter().filter_map(|(found, held)| {
            held.map(|held| format!("; '{}' does not run: {held}", plugin_id(&found)))
        });
        AppError::NoPluginFor { what: format!("{what}{}", held.collect::<String>()) }
    }

    /// Returns the launcher that opens a type of connection.
    pub(crate) async fn launcher_for(&self, kind: &str) -> Result<(FoundPlugin, Plugin), AppError> {
        for found in self.enabled_plugins(Kind::Launcher)? {
            let plugin = self.load(&found)?;
            match plugin.launcher_kinds().await {
                Ok(kinds) if kinds.iter().any(|known| known.kind == kind) => return Ok((found, plugin)),
                Ok(_) => {}
                // One broken launcher must not keep the others from being asked.
                Err(error) => {
                    tracing::warn!(plugin = plugin_id(&found), %error, "launcher could not be asked");
                    self.count_use(&found, &plugin, &|| Some(CrashInput::Nothing))?;
                }
            }
        }
        Err(self.nobody(Kind::Launcher, &format!("opens '{kind}' connections")))
    }

    /// Adds what a plugin just did to what is kept of it, and writes down what it was refused and why it was
    /// ended. `input` is what it was given, for the report of a crash.
    pub(crate) fn count_use(
        &self,
        found: &FoundPlugin,
        plugin: &Plugin,
        input: &dyn Fn() -> Option<CrashInput>,
    ) -> Result<(), AppError> {
        let (recent, faults) = (plugin.take_usage(), plugin.take_faults());
        let event = |class, outcome, reason: &str, times: u64| {
            let mut event = self.audit.event(class, outcome);
            event.plugin = Some(plugin_ref(found));
            event.reason = Some(reason.to_owned());
            event.details.insert("times".to_owned(), times.to_string());
            event
        };
        let mut events: Vec<AuditEvent> = recent
            .refusals
            .iter()
            .map(|refusal| AuditEvent {
                capability: Some(refusal.capability.to_string()),
                ..event(EventClass::CapabilityUse, Outcome::Denied, &refusal.reason, refusal.times)
            })
            .collect();
        if recent.traps > 0 {
            events.push(event(EventClass::PluginCrash, Outcome::Failure, "it crashed", recent.traps));
        }
        if recent.limits > 0 {
            events.push(event(
                EventClass::PluginLimit,
                Outcome::Failure,
                "it reached a limit",
                recent.limits,
            ));
        }
        self.audit.write_all(&events)?;
        let standing = Cell::new(Standing::Ready);
        let kept = self.keep(found, |kept| {
            add(&mut kept.usage, &recent);
            standing.set(take_in(&mut kept.faults, faults.len(), self.now()));
        });
        match kept {
            // A session may outlive the lock; what its plugin was refused is in the audit log.
            Err(VaultError::Locked) => Ok(()),
            kept => {
                kept?;
                self.report_faults(found, faults, input, standing.get())
            }
        }
    }

    pub(crate) fn plugin_list(&self) -> Result<Reply, AppError> {
        let (found, broken) = self.shelf.scan()?;
        let mut views = found.iter().map(|found| self.plugin_view(found)).collect::<Result<Vec<_>, _>>()?;
        views.extend(broken.iter().map(broken_view));
        views.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Reply::Plugins(views))
    }

    pub(crate) fn plugin_show(&self, id: &str) -> Result<Reply, AppError> {
        let found = self.find_plugin(id)?;
        let kept = self.kept(&found)?;
        let manifest = &found.inspection.manifest;
        let capabilities = manifest.capabilities.iter().map(|request| {
            let count = kept.usage.capabilities.get(&request.name).copied().unwrap_or_default();
            CapabilityView {
                name: request.name.to_string(),
                meaning: request.name.meaning().to_owned(),
                reason: request.reason.clone(),
                granted: kept.grants.0.contains_key(&request.name),
                used: count.used,
                refused: count.refused,
            }
        });
        Ok(Reply::Plugin(Box::new(PluginDetail {
            plugin: self.plugin_view(&found)?,
            path: found.path.clone(),
            capabilities: capabilities.collect(),
            imports: found.inspection.imports.iter().map(ToString::to_string).collect(),
            calls: kept.usage.calls,
            traps: kept.usage.traps,
            limits: kept.usage.limits,
            guest_ms: u64::try_from(kept.usage.guest_time.as_millis()).unwrap_or(u64::MAX),
            peak_memory_bytes: kept.usage.peak_memory_bytes,
        })))
    }

    pub(crate) fn plugin_enable(&self, id: &str, enabled: bool) -> Result<Reply, AppError> {
        let found = self.find_plugin(id)?;
        self.audit_plugin(
            if enabled { EventClass::PluginEnable } else { EventClass::PluginDisable },
            &found,
            None,
        )?;
        self.keep(&found, |kept| {
            kept.enabled = enabled;
            if enabled {
                kept.faults = FaultHistory::default();
            }
        })?;
        Ok(Reply::Done(format!("'{id}' {}", if enabled { "may run" } else { "does not run any more" })))
    }

    /// Returns what a plugin was granted.
    pub(crate) fn grants_of(&self, found: &FoundPlugin) -> Result<Grants, AppError> {
        Ok(self.kept(found)?.grants)
    }

    pub(crate) fn plugin_grant(
        &self,
        id: &str,
        capability: &str,
        granted: bool,
        bounds: &GrantBounds,
    ) -> Result<Reply, AppError> {
        let found = self.find_plugin(id)?;
        let bad = |reason: String| AppError::bad("capability", reason);
        let capability: Capability = capability.parse().map_err(|error| bad(format!("{error}")))?;
        if granted && !found.inspection.manifest.asks(capability) {
            return Err(bad(format!("'{id}' does not ask for '{capability}'")));
        }
        let scope = scope_of(bounds).map_err(bad)?;
        if let Some(parameter) = scope.named().find(|named| !capability.parameters().contains(named)) {
            return Err(bad(format!("'{capability}' has no {}", parameter.name())));
        }
        let layers = if scope == Scope::default() { Vec::new() } else { vec![scope] };
        self.audit_plugin(
            if granted { EventClass::PluginGrant } else { EventClass::PluginRevoke },
            &found,
            Some(capability),
        )?;
        self.keep(&found, |kept| {
            if granted {
                kept.grants.0.insert(capability, Grant { layers: layers.clone() });
            } else {
                kept.grants.0.remove(&capability);
            }
        })?;
        let what = capability.meaning();
        Ok(Reply::Done(format!("'{id}' {} {what} ({capability})", if granted { "may" } else { "may not" })))
    }

    pub(crate) fn plugin_install(&self, file: &Path) -> Result<Reply, AppError> {
        let (before, _) = self.shelf.scan()?;
        let found = match self.install_checked(file) {
            Ok(found) => found,
            Err(error) => {
                let mut event = self.audit.event(EventClass::PluginInstall, Outcome::Denied);
                event.reason = Some(error.to_string());
                event.details.insert("file".to_owned(), file.display().to_string());
                self.audit.write(&event)?;
                return Err(error);
            }
        };
        // A new file can do nothing yet: it is inspected again, and granted little, before it is ever run.
        match before.iter().find(|before| plugin_id(before) == plugin_id(&found)) {
            None => self.audit_plugin(EventClass::PluginInstall, &found, None)?,
            Some(before) => {
                let before = plugin_ref(before);
                let mut event = self.audit.event(EventClass::PluginUpdate, Outcome::Success);
                event.plugin = Some(plugin_ref(&found));
                event.details.insert("from-version".to_owned(), before.version);
                event.details.insert("from-digest".to_owned(), before.digest);
                self.audit.write(&event)?;
            }
        }
        self.plugin_show(&plugin_id(&found))
    }

    /// Installs a file; a native one only where policy pins it.
    fn install_checked(&self, file: &Path) -> Result<FoundPlugin, AppError> {
        let inspected = self.shelf.look_at(file)?;
        if inspected.inspection.code == Code::Native {
            self.check_native(&inspected)?;
        }
        Ok(self.shelf.install(file)?)
    }

    pub(crate) fn plugin_remove(&self, id: &str) -> Result<Reply, AppError> {
        let plugin = PluginId::new(id).map_err(|error| AppError::bad("plugin", error.to_string()))?;
        self.audit.success(EventClass::PluginRemove, &[("plugin", id.to_owned())])?;
        if self.shelf.remove(&plugin)? {
            Ok(Reply::Done(format!(
                "'{id}' was removed; what it kept in the store stays for a later version"
            )))
        } else {
            Err(AppError::NoPlugin(id.to_owned()))
        }
    }

    pub(crate) fn find_plugin(&self, id: &str) -> Result<FoundPlugin, AppError> {
        let (found, _) = self.shelf.scan()?;
        found
            .into_iter()
            .find(|found| plugin_id(found) == id)
            .ok_or_else(|| AppError::NoPlugin(id.to_owned()))
    }

    fn plugin_view(&self, found: &FoundPlugin) -> Result<PluginView, AppError> {
        let kept = self.kept(found)?;
        let now = self.now();
        let standing = kept.faults.standing(now);
        let manifest = &found.inspection.manifest;
        Ok(PluginView {
            id: manifest.id.to_string(),
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            description: manifest.description.clone(),
            kinds: manifest.kinds.iter().map(|kind| kind.name().to_owned()).collect(),
            origin: match found.origin {
                Origin::Bundled => "bundled".to_owned(),
                Origin::Installed => "installed".to_owned(),
            },
            enabled: kept.enabled,
            state: match standing {
                _ if !kept.enabled => "disabled",
                Standing::Ready => "ready",
                Standing::Held { .. } => "held-back",
                Standing::GivenUp => "given-up",
            }
            .to_owned(),
            problem: held_because(standing, now).filter(|_| kept.enabled),
            digest: found.inspection.digest.to_string(),
        })
    }

    fn audit_plugin(
        &self,
        class: EventClass,
        found: &FoundPlugin,
        capability: Option<Capability>,
    ) -> Result<(), AppError> {
        let mut event = self.audit.event(class, Outcome::Success);
        event.plugin = Some(plugin_ref(found));
        event.capability = capability.map(|capability| capability.to_string());
        Ok(self.audit.write(&event)?)
    }
}

/// Reads bounds as people write them.
fn scope_of(bounds: &GrantBounds) -> Result<Scope, String> {
    fn read<T: std::str::FromStr<Err: std::fmt::Display>>(
        texts: &[String],
    ) -> Result<Option<Vec<T>>, String> {
        let read: Result<Vec<T>, String> =
            texts.iter().map(|text| text.parse().map_err(|error: T::Err| error.to_string())).collect();
        Ok(Some(read?).filter(|list| !list.is_empty()))
    }
    Ok(Scope {
        hosts: read(&bounds.hosts)?,
        addresses: read(&bounds.addresses)?,
        folders: read(&bounds.folders)?,
        programs: read(&bounds.programs)?,
        files: read(&bounds.files)?,
        events: read(&bounds.events)?,
    })
}

/// A document that can't be read starts anew: grants then fall back to the defaults.
fn read(bytes: Option<&[u8]>) -> Kept {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

fn add(total: &mut Usage, recent: &Usage) {
    for (capability, count) in &recent.capabilities {
        let sum = total.capabilities.entry(*capability).or_default();
        sum.used = sum.used.saturating_add(count.used);
        sum.refused = sum.refused.saturating_add(count.refused);
    }
    for refusal in &recent.refusals {
        let same =
            |known: &Refusal| (known.capability, &known.reason) == (refusal.capability, &refusal.reason);
        let (known, room) = (total.refusals.iter().position(same), total.refusals.len() < MOST_REFUSALS);
        if let Some(known) = known.and_then(|index| total.refusals.get_mut(index)) {
            known.times = known.times.saturating_add(refusal.times);
        } else if room {
            total.refusals.push(refusal.clone());
        }
    }
    total.calls = total.calls.saturating_add(recent.calls);
    total.traps = total.traps.saturating_add(recent.traps);
    total.limits = total.limits.saturating_add(recent.limits);
    total.guest_time = total.guest_time.saturating_add(recent.guest_time);
    total.peak_memory_bytes = total.peak_memory_bytes.max(recent.peak_memory_bytes);
}

fn broken_view(broken: &BrokenPlugin) -> PluginView {
    let name = broken.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    PluginView {
        id: name.clone(),
        name,
        version: String::new(),
        description: String::new(),
        kinds: Vec::new(),
        origin: "unknown".to_owned(),
        enabled: false,
        state: "broken".to_owned(),
        problem: Some(broken.reason.clone()),
        digest: String::new(),
    }
}
