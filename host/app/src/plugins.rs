//! Plugins as the user sees them: what there is, what may run, what each was granted, used and was refused.

use std::cell::Cell;

use ostler_audit::{AuditEvent, EventClass, Outcome};
use ostler_core::{FaultHistory, Standing};
use ostler_plugin_api::{Capability, CapabilityRequest, Kind, PluginId};
use ostler_policy::{GrantedBy, Right};
use ostler_registry::{BrokenPlugin, FoundPlugin, Origin};
use ostler_runtime::Plugin;
use ostler_vault::VaultError;

use crate::auditing::plugin_ref;
use crate::crashes::{CrashInput, held_because, take_in};
use crate::kept::KeptPlugin;
use crate::{AppError, CapabilityView, Host, PluginDetail, PluginView, RefusalView, Reply};

/// How a plugin stands.
pub(crate) struct PluginState {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    /// Why it does not run for now, or until it is enabled.
    pub(crate) held: Option<String>,
    /// Calls that ended in a trap.
    pub(crate) traps: u64,
}

/// Returns the id of a plugin, as text.
pub(crate) fn plugin_id(found: &FoundPlugin) -> String {
    found.inspection.manifest.id.to_string()
}

impl Host {
    /// Returns how a plugin stands: its id, whether it may run, and how often it crashed.
    pub(crate) fn plugin_state(&self, found: &FoundPlugin) -> Result<PluginState, AppError> {
        let kept = self.kept(found)?;
        let now = self.now();
        Ok(PluginState {
            id: plugin_id(found),
            enabled: kept.enabled,
            held: self.refused_by_policy(found).or_else(|| held_because(kept.faults.standing(now), now)),
            traps: kept.usage.traps,
        })
    }

    /// Loads a plugin that policy lets run, with what it was granted. What it is given or loses afterwards, it gets and loses
    /// while it runs.
    pub(crate) fn load(&self, found: &FoundPlugin) -> Result<Plugin, AppError> {
        self.check_may_run(found)?;
        let given = self.given_to(found)?;
        let bytes = self.shelf.bytes(found)?;
        let digest = found.inspection.digest.to_string();
        let plugin = self
            .runtime(found)?
            .load(&found.inspection.manifest, &digest, &bytes, given.grants.clone())
            .map_err(|source| AppError::Load { plugin: plugin_id(found), source })?;
        self.live.add(found, &plugin, given, self.downgrade());
        Ok(plugin)
    }

    /// Returns why policy does not let a plugin run, where it does not.
    fn refused_by_policy(&self, found: &FoundPlugin) -> Option<String> {
        self.may_run(found).err().map(|error| error.to_string())
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

    /// Names the plugins of a kind that are held back, behind what no other plugin does. What policy refused is written down.
    pub(crate) fn nobody(&self, kind: Kind, what: &str) -> AppError {
        let (mut reasons, mut refused) = (String::new(), None);
        for (found, held) in self.plugins_of(kind).unwrap_or_default() {
            let Some(held) = held else { continue };
            reasons.push_str(&format!("; '{}' does not run: {held}", plugin_id(&found)));
            if self.refused_by_policy(&found).is_some() {
                refused = self.check_may_run(&found).err().or(refused);
            }
        }
        match refused {
            None => AppError::NoPluginFor { what: format!("{what}{reasons}") },
            Some(AppError::Denied(_)) => AppError::Denied(format!("no enabled plugin {what}{reasons}")),
            // The policy itself can't be used, or its no can't be written down.
            Some(error) => error,
        }
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
        let (recent, faults, log) = (plugin.take_usage(), plugin.take_faults(), plugin.take_log());
        let event = |class, outcome, reason: &str, times: u64| {
            let mut event = self.audit.event(class, outcome);
            event.plugin = Some(plugin_ref(found));
            event.reason = Some(reason.to_owned());
            event.details.insert("times".to_owned(), times.to_string());
            event
        };
        let mut events: Vec<AuditEvent> = Vec::new();
        for refusal in &recent.refusals {
            let mut refused =
                event(EventClass::CapabilityUse, Outcome::Denied, &refusal.reason, refusal.times);
            refused.capability = Some(refusal.capability.to_string());
            refused.details.extend(self.denying_rule(found, refusal.capability));
            events.push(refused);
        }
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
        let kept = self.keep_use(found, &recent, |history| {
            standing.set(take_in(history, faults.len(), self.now()));
        });
        match kept {
            // A session may outlive the lock; what its plugin was refused is in the audit log.
            Err(VaultError::Locked) => Ok(()),
            kept => {
                kept?;
                self.keep_log(found, &log)?;
                self.report_faults(found, faults, input, standing.get())
            }
        }
    }

    /// Returns the rule that denies a capability, as an event has it.
    fn denying_rule(&self, found: &FoundPlugin, capability: Capability) -> Option<(String, String)> {
        let kept = self.kept(found).ok()?;
        match self.rights_of(found, &kept.consent).remove(&capability) {
            Some(Right::Denied { rule }) => Some(("rule".to_owned(), rule)),
            _ => None,
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
        let rights = self.rights_of(&found, &kept.consent);
        let capabilities = manifest
            .capabilities
            .iter()
            .map(|request| capability_view(request, &kept, &found, rights.get(&request.name)));
        Ok(Reply::Plugin(Box::new(PluginDetail {
            plugin: self.plugin_view(&found)?,
            path: found.path.clone(),
            signed_by: kept.consent.signed_by.clone(),
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
        self.refresh_rights();
        Ok(Reply::Done(format!("'{id}' {}", if enabled { "may run" } else { "does not run any more" })))
    }

    pub(crate) fn plugin_remove(&self, id: &str) -> Result<Reply, AppError> {
        let plugin = PluginId::new(id).map_err(|error| AppError::bad("plugin", error.to_string()))?;
        self.audit.success(EventClass::PluginRemove, &[("plugin", id.to_owned())])?;
        if self.shelf.remove(&plugin)? {
            self.refresh_rights();
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
        let refused = self.refused_by_policy(found);
        let manifest = &found.inspection.manifest;
        Ok(PluginView {
            id: manifest.id.to_string(),
            name: manifest.name.clone(),
            version: manifest.version.to_string(),
            description: manifest.description.clone(),
            kinds: manifest.kinds.iter().map(|kind| kind.name().to_owned()).collect(),
            origin: match found.origin {
                Origin::Bundled => "bundled",
                Origin::Installed if kept.development => "development",
                Origin::Installed => "installed",
            }
            .to_owned(),
            enabled: kept.enabled,
            state: match standing {
                _ if !kept.enabled => "disabled",
                _ if refused.is_some() => "denied",
                Standing::Ready => "ready",
                Standing::Held { .. } => "held-back",
                Standing::GivenUp => "given-up",
            }
            .to_owned(),
            problem: refused.or_else(|| held_because(standing, now)).filter(|_| kept.enabled),
            digest: found.inspection.digest.to_string(),
        })
    }

    pub(crate) fn audit_plugin(
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

fn capability_view(
    request: &CapabilityRequest,
    kept: &KeptPlugin,
    found: &FoundPlugin,
    right: Option<&Right>,
) -> CapabilityView {
    let count = kept.usage.capabilities.get(&request.name).copied().unwrap_or_default();
    let waiting = kept.consent.waiting(&found.inspection.manifest);
    let waiting = waiting.into_iter().find(|waiting| waiting.request.name == request.name);
    let refusals = kept.usage.refusals.iter().filter(|refusal| refusal.capability == request.name);
    let (granted_by, bounds, denied_by) = match right {
        Some(Right::Granted { by, grant }) => (Some(*by), grant.layers.clone(), None),
        Some(Right::Denied { rule }) => (None, Vec::new(), Some(rule.clone())),
        Some(Right::NotGranted) | None => (None, Vec::new(), None),
    };
    CapabilityView {
        name: request.name.to_string(),
        meaning: request.name.meaning().to_owned(),
        reason: request.reason.clone(),
        parameters: request.scope.clone(),
        granted: granted_by.is_some(),
        // What policy gives by itself or forbids waits for nobody.
        waiting: waiting
            .filter(|_| denied_by.is_none() && granted_by != Some(GrantedBy::Policy))
            .map(|waiting| waiting.added),
        granted_by,
        bounds,
        denied_by,
        used: count.used,
        refused: count.refused,
        refusals: refusals
            .map(|refusal| RefusalView { reason: refusal.reason.clone(), times: refusal.times })
            .collect(),
    }
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
