//! What is kept of plugins, sealed in the store: whether each may run, the consent to it, what it used and was refused.
//!
//! Keyed by its id and bound to its file's digest: another file that is laid there under the same id starts with what a new
//! plugin gets. Who installs another one consents to that file, and takes the consent along (`consent.rs`).

use std::collections::BTreeMap;

use ostler_core::FaultHistory;
use ostler_plugin_api::{Capability, Grants};
use ostler_policy::{Consent, Right, granted, rights};
use ostler_registry::{FoundPlugin, Origin};
use ostler_runtime::{Refusal, Usage};
use ostler_vault::VaultError;
use serde::{Deserialize, Serialize};

use crate::AppError;
use crate::host::Shared;
use crate::live::Given;
use crate::plugins::plugin_id;
use crate::policy::{PolicyFault, facts};

/// The name of the sealed document that holds what is kept of plugins.
const DOCUMENT: &str = "plugins";

/// Different refusals that are kept of a plugin.
const MOST_REFUSALS: usize = 100;

/// What is kept of all plugins, by id.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Kept(BTreeMap<String, KeptPlugin>);

/// What is kept of one plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptPlugin {
    pub(crate) digest: String,
    pub(crate) enabled: bool,
    /// Whether its author is at work on it.
    #[serde(default)]
    pub(crate) development: bool,
    #[serde(flatten)]
    pub(crate) consent: Consent,
    #[serde(default)]
    pub(crate) usage: Usage,
    #[serde(default)]
    pub(crate) faults: FaultHistory,
}

impl KeptPlugin {
    /// What a plugin starts with.
    fn new(found: &FoundPlugin) -> Self {
        Self {
            digest: found.inspection.digest.to_string(),
            enabled: true,
            development: false,
            consent: Consent::new(&found.inspection.manifest, found.origin == Origin::Bundled),
            usage: Usage::default(),
            faults: FaultHistory::default(),
        }
    }

    /// Returns what of it holds for a file: all for the very same, and for another version of a bundled plugin, where what that
    /// asks for anew waits for consent.
    fn held_for(mut self, found: &FoundPlugin) -> Option<Self> {
        let (digest, manifest) = (found.inspection.digest.to_string(), &found.inspection.manifest);
        if self.digest == digest {
            self.consent = self.consent.complete(manifest);
        } else if found.origin == Origin::Bundled {
            self.consent = self.consent.complete_by_grants(manifest).carried_to(manifest);
            self.digest = digest;
        } else {
            return None;
        }
        Some(self)
    }

    /// Adds what the plugin just did.
    pub(crate) fn count(&mut self, recent: &Usage) {
        let total = &mut self.usage;
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
}

impl Kept {
    /// A document that can't be read starts anew: grants then fall back to the defaults.
    fn read(bytes: Option<&[u8]>) -> Self {
        bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    }

    /// Returns what is kept of a plugin, or what it starts with.
    fn of(&self, found: &FoundPlugin) -> KeptPlugin {
        let own = self.0.get(&plugin_id(found)).cloned().and_then(|kept| kept.held_for(found));
        own.unwrap_or_else(|| KeptPlugin::new(found))
    }

    /// Returns what is kept under the id of an installed plugin for another file than this one.
    fn of_another(&self, found: &FoundPlugin) -> Option<&KeptPlugin> {
        let digest = found.inspection.digest.to_string();
        let own = self.0.get(&plugin_id(found)).filter(|_| found.origin == Origin::Installed);
        own.filter(|kept| kept.digest != digest)
    }
}

impl Shared {
    /// Returns what is kept of a plugin, or what it starts with.
    pub(crate) fn kept(&self, found: &FoundPlugin) -> Result<KeptPlugin, AppError> {
        Ok(self.all_kept()?.of(found))
    }

    fn all_kept(&self) -> Result<Kept, VaultError> {
        Ok(Kept::read(self.vault()?.document(DOCUMENT)?.as_deref()))
    }

    /// Changes what is kept of a plugin.
    pub(crate) fn keep(
        &self,
        found: &FoundPlugin,
        change: impl Fn(&mut KeptPlugin),
    ) -> Result<(), VaultError> {
        self.change_kept(found, |all| {
            let mut own = all.of(found);
            change(&mut own);
            own
        })
    }

    /// Adds to what is kept of a plugin what it did. Where another file took its place while it ran, what is kept is that one's: this
    /// use is counted there, and faults, which it can't help, are not.
    pub(crate) fn keep_use(
        &self,
        found: &FoundPlugin,
        recent: &Usage,
        faults: impl Fn(&mut FaultHistory),
    ) -> Result<(), VaultError> {
        self.change_kept(found, |all| {
            let replaced = all.of_another(found).filter(|_| self.shelf.bytes(found).is_err());
            let mut own = replaced.cloned().unwrap_or_else(|| {
                let mut own = all.of(found);
                faults(&mut own.faults);
                own
            });
            own.count(recent);
            own
        })
    }

    fn change_kept(
        &self,
        found: &FoundPlugin,
        change: impl Fn(&Kept) -> KeptPlugin,
    ) -> Result<(), VaultError> {
        self.vault()?.update_document(DOCUMENT, &mut |bytes| {
            let mut all = Kept::read(bytes.as_deref());
            let own = change(&all);
            all.0.insert(plugin_id(found), own);
            serde_json::to_vec(&all).ok().or(bytes)
        })
    }

    /// Returns how each capability stands that a plugin asks for.
    pub(crate) fn rights_of(&self, found: &FoundPlugin, consent: &Consent) -> BTreeMap<Capability, Right> {
        match self.places.read_policy() {
            Ok(policy) => {
                let digest = found.inspection.digest.to_string();
                let facts = facts(found, &digest, consent.signed_by.as_deref());
                match policy.decide_plugin(&facts) {
                    Ok(()) => rights(&facts, &policy, consent),
                    Err(rule) => all_denied(found, &rule),
                }
            }
            Err(fault @ PolicyFault { .. }) => all_denied(found, &fault.to_string()),
        }
    }

    /// Returns what a plugin may, and whose signature that rests on.
    pub(crate) fn given_to(&self, found: &FoundPlugin) -> Result<Given, AppError> {
        let consent = self.kept(found)?.consent;
        let grants = granted(&self.rights_of(found, &consent));
        Ok(Given { grants, signed_by: consent.signed_by })
    }

    /// Gives every plugin that is loaded what it may now, and takes what it may not any more.
    pub(crate) fn refresh_rights(&self) {
        // A session may outlive the lock: what nobody can read any more stays as it was. All else is tried again soon.
        let Ok(all) = self.all_kept() else { return };
        self.live.refresh(|found, given| {
            let replaced = all.of_another(found);
            let kept = replaced.cloned().unwrap_or_else(|| all.of(found));
            // A file that was removed may nothing any more.
            if !kept.enabled || !found.path.exists() {
                return Grants::default();
            }
            if replaced.is_none() {
                return granted(&self.rights_of(found, &kept.consent));
            }
            // Another file was installed in its place while it runs: it goes on with what it has and that one may, and never gets more.
            let consent = Consent { signed_by: given.signed_by.clone(), ..kept.consent };
            given.grants.narrowed_by(&granted(&self.rights_of(found, &consent)))
        });
    }
}

fn all_denied(found: &FoundPlugin, rule: &str) -> BTreeMap<Capability, Right> {
    let names = found.inspection.manifest.capabilities.iter().map(|request| request.name);
    names.map(|name| (name, Right::Denied { rule: rule.to_owned() })).collect()
}
