//! What a plugin may: asked AND policy AND user. And what a new version of it has to wait for.

use std::collections::{BTreeMap, BTreeSet};

use ostler_plugin_api::{Capability, CapabilityRequest, Grant, Grants, Manifest, Scope};
use serde::{Deserialize, Serialize};

use crate::file::{GrantRule, PluginFacts};
use crate::policy::Policy;

/// What needs no consent: it reaches nothing but the plugin's own log and settings, and the time.
const HARMLESS: [Capability; 3] = [Capability::Log, Capability::Settings, Capability::Clock];

/// Returns what a plugin has until somebody decides otherwise: a bundled one all that it asks for, any other of it only
/// the log, its settings and the time.
#[must_use]
pub fn default_grants(manifest: &Manifest, origin_is_bundled: bool) -> Grants {
    let asked = manifest.capabilities.iter().map(|request| request.name);
    asked.filter(|capability| origin_is_bundled || HARMLESS.contains(capability)).collect()
}

/// What is kept of the consent to one plugin.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Consent {
    /// What it has where policy does not say otherwise.
    pub grants: Grants,
    /// The public key that signed the file, where it was signed by one that somebody trusts.
    #[serde(default)]
    pub signed_by: Option<String>,
    /// What the user decided about.
    #[serde(default)]
    pub decided: BTreeSet<Capability>,
    /// How far it asked for each capability when that was settled; what is not here, or asked for further now, waits. None in
    /// what an older program kept.
    #[serde(default)]
    pub settled: Option<BTreeMap<Capability, Scope>>,
}

/// Something that a new version asks for, and the one before did not.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting<'a> {
    /// What it asks for now.
    pub request: &'a CapabilityRequest,
    /// Whether it had the capability to ask for before, and asks to go further.
    pub wider: bool,
    /// What is new of its parameters.
    pub added: Scope,
}

impl Consent {
    /// What a plugin starts with.
    #[must_use]
    pub fn new(manifest: &Manifest, bundled: bool) -> Self {
        Self {
            grants: default_grants(manifest, bundled),
            signed_by: None,
            decided: BTreeSet::new(),
            settled: Some(asked(manifest)),
        }
    }

    /// Fills in what an older program did not keep, given the manifest of the file that it was kept for.
    #[must_use]
    pub fn complete(mut self, manifest: &Manifest) -> Self {
        self.settled.get_or_insert_with(|| asked(manifest));
        self
    }

    /// The same where the manifest of that file is not known any more: what was granted was asked for.
    #[must_use]
    pub fn complete_by_grants(mut self, manifest: &Manifest) -> Self {
        let granted = &self.grants.0;
        let known = || asked(manifest).into_iter().filter(|(name, _)| granted.contains_key(name)).collect();
        if self.settled.is_none() {
            self.settled = Some(known());
        }
        self
    }

    /// Returns what stays when another version takes the place: what was granted stays as far as it was asked for then; what is
    /// new waits, but for what is harmless.
    #[must_use]
    pub fn carried_to(mut self, manifest: &Manifest) -> Self {
        let before = self.settled.take().unwrap_or_default();
        let mut settled = BTreeMap::new();
        for request in &manifest.capabilities {
            match before.get(&request.name) {
                None if HARMLESS.contains(&request.name) => {
                    self.grants.0.insert(request.name, Grant::default());
                    settled.insert(request.name, request.scope.clone());
                }
                None => drop(self.grants.0.remove(&request.name)),
                Some(old) if added(&request.scope, old) == Scope::default() => {
                    settled.insert(request.name, request.scope.clone());
                }
                Some(old) => {
                    if let Some(grant) = self.grants.0.get_mut(&request.name) {
                        grant.layers.retain(|layer| layer != old);
                        grant.layers.push(old.clone());
                    }
                    settled.insert(request.name, old.clone());
                }
            }
        }
        self.grants.0.retain(|name, _| manifest.asks(*name));
        self.decided.retain(|name| settled.contains_key(name));
        self.settled = Some(settled);
        self
    }

    /// Returns what waits for the user.
    #[must_use]
    pub fn waiting<'a>(&self, manifest: &'a Manifest) -> Vec<Waiting<'a>> {
        let Some(settled) = &self.settled else { return Vec::new() };
        let waits = |request: &'a CapabilityRequest| {
            let old = settled.get(&request.name);
            let added = added(&request.scope, old.unwrap_or(&Scope::default()));
            (old.is_none() || added != Scope::default()).then_some(Waiting {
                request,
                wider: old.is_some(),
                added,
            })
        };
        manifest.capabilities.iter().filter_map(waits).collect()
    }

    /// Takes in what the user decided about a capability that the plugin asks for: given with these layers of bounds, or
    /// not given.
    pub fn decide(&mut self, request: &CapabilityRequest, grant: Option<Grant>) {
        match grant {
            Some(grant) => drop(self.grants.0.insert(request.name, grant)),
            None => drop(self.grants.0.remove(&request.name)),
        }
        self.decided.insert(request.name);
        self.settled.get_or_insert_default().insert(request.name, request.scope.clone());
    }

    /// Takes in what the user said to something that waited. A no to going further leaves what there was.
    pub fn answer(&mut self, waiting: &Waiting<'_>, yes: bool) {
        let old = self.settled.as_ref().and_then(|settled| settled.get(&waiting.request.name)).cloned();
        let held = self.grants.0.get(&waiting.request.name).cloned();
        let grant = match (yes, held) {
            (true, held) => {
                let mut grant = held.unwrap_or_default();
                grant.layers.retain(|layer| Some(layer) != old.as_ref());
                Some(grant)
            }
            (false, held) => held.filter(|_| waiting.wider),
        };
        self.decide(waiting.request, grant);
    }

    /// Tells whether the user decided about a capability, also where an older program did not keep that.
    fn decided(&self, capability: Capability, facts: &PluginFacts<'_>) -> bool {
        let by_default = default_grants(facts.manifest, facts.bundled).0.contains_key(&capability);
        let settled = self.settled.as_ref().is_none_or(|settled| settled.contains_key(&capability));
        let differs = settled && by_default != self.grants.0.contains_key(&capability);
        self.decided.contains(&capability) || differs
    }
}

fn asked(manifest: &Manifest) -> BTreeMap<Capability, Scope> {
    manifest.capabilities.iter().map(|request| (request.name, request.scope.clone())).collect()
}

/// Returns what one scope names and the other does not.
fn added(now: &Scope, before: &Scope) -> Scope {
    fn list<T: PartialEq + Clone>(now: Option<&Vec<T>>, before: Option<&Vec<T>>) -> Option<Vec<T>> {
        let known = |item: &&T| before.is_some_and(|before| before.contains(item));
        let new: Vec<T> = now?.iter().filter(|item| !known(item)).cloned().collect();
        Some(new).filter(|new| !new.is_empty())
    }
    Scope {
        hosts: list(now.hosts.as_ref(), before.hosts.as_ref()),
        addresses: list(now.addresses.as_ref(), before.addresses.as_ref()),
        folders: list(now.folders.as_ref(), before.folders.as_ref()),
        programs: list(now.programs.as_ref(), before.programs.as_ref()),
        files: list(now.files.as_ref(), before.files.as_ref()),
        events: list(now.events.as_ref(), before.events.as_ref()),
        reads: list(now.reads.as_ref(), before.reads.as_ref()),
    }
}

/// By whom a capability was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantedBy {
    /// The program, since the plugin came with it.
    Bundled,
    /// The program, since it is harmless.
    Default,
    /// Policy, which gave it without asking.
    Policy,
    /// The user.
    User,
}

/// How a capability that a plugin asks for stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Right {
    /// It has it.
    Granted {
        /// By whom.
        by: GrantedBy,
        /// How far: the policy's bounds, and the user's.
        grant: Grant,
    },
    /// Nobody gave it, or somebody took it.
    NotGranted,
    /// Policy forbids it.
    Denied {
        /// The file and the rule.
        rule: String,
    },
}

/// Returns how each capability stands that a plugin asks for: asked AND policy AND, where policy says ask, the user.
#[must_use]
pub fn rights(facts: &PluginFacts<'_>, policy: &Policy, consent: &Consent) -> BTreeMap<Capability, Right> {
    let names = facts.manifest.capabilities.iter().map(|request| request.name);
    names.map(|name| (name, right(facts, policy, consent, name))).collect()
}

fn right(facts: &PluginFacts<'_>, policy: &Policy, consent: &Consent, capability: Capability) -> Right {
    let bound = policy.bound(facts, capability);
    let held = consent.grants.0.get(&capability);
    let decided = consent.decided(capability, facts);
    let by_user_or_default = match (decided, facts.bundled) {
        (true, _) => GrantedBy::User,
        (false, true) => GrantedBy::Bundled,
        (false, false) => GrantedBy::Default,
    };
    let by = match (bound.grant, held) {
        (Some(GrantRule::Deny), _) => return Right::Denied { rule: bound.rule.unwrap_or_default() },
        (None, Some(_)) => by_user_or_default,
        (Some(GrantRule::Ask), Some(_)) if decided => GrantedBy::User,
        (Some(GrantRule::PreGranted), Some(_)) if decided => GrantedBy::User,
        // What the user took stays taken.
        (Some(GrantRule::PreGranted), held) if held.is_some() || !decided => GrantedBy::Policy,
        _ => return Right::NotGranted,
    };
    // What policy gives by itself it gives as far as it says, whatever an earlier version asked for.
    let held = held.filter(|_| by != GrantedBy::Policy).map(|grant| grant.layers.clone());
    let layers = bound.scopes.into_iter().chain(held.unwrap_or_default()).collect();
    Right::Granted { by, grant: Grant { layers } }
}

/// Returns what a plugin may, out of how its capabilities stand.
#[must_use]
pub fn granted(rights: &BTreeMap<Capability, Right>) -> Grants {
    let given = rights.iter().filter_map(|(name, right)| match right {
        Right::Granted { grant, .. } => Some((*name, grant.clone())),
        Right::NotGranted | Right::Denied { .. } => None,
    });
    Grants(given.collect())
}
