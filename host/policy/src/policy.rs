//! The policy: all policy files together. Where they differ, the stricter wins.

use ostler_plugin_api::{Capability, Guard, Guards, Scope};
use toml::Spanned;

use crate::file::{GrantRule, Headless, PluginFacts, PolicyFile};
use crate::{CrashReports, NativePin, RecordRule, Rules};

/// One policy file with its name, for people.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyLayer {
    /// Such as `/etc/ostler/policy.toml`.
    pub name: String,
    /// What it says.
    pub file: PolicyFile,
}

/// All policy files. Without any, every plugin may run, and capabilities are as the user decides.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// The one with the most authority first.
    layers: Vec<PolicyLayer>,
    guards: Guards,
}

/// What policy says about a capability of a plugin.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bound {
    /// The strictest that any file says; none where no file says anything.
    pub grant: Option<GrantRule>,
    /// Where that stands, such as `/etc/ostler/policy.toml ([[capability]] http, acme.*)`.
    pub rule: Option<String>,
    /// How far the capability reaches: every one of these has to cover a call.
    pub scopes: Vec<Scope>,
}

impl Policy {
    /// Puts policy files together, the one with the most authority first.
    #[must_use]
    pub fn new(layers: Vec<PolicyLayer>) -> Self {
        Self { layers, guards: Guards::default() }
    }

    /// Returns the same policy with guards switched off, for the test that proves one.
    #[must_use]
    pub fn guarded(self, guards: Guards) -> Self {
        Self { guards, ..self }
    }

    /// Returns the keys that files name for a publisher.
    pub fn publisher_keys<'a>(&'a self, publisher: &'a str) -> impl Iterator<Item = &'a str> {
        let publishers = self.layers.iter().flat_map(|layer| &layer.file.publishers);
        publishers
            .filter(move |known| known.name == publisher)
            .flat_map(|known| known.keys.iter().map(String::as_str))
    }

    /// Decides whether a plugin may run.
    ///
    /// # Errors
    /// Names the file and the rule that forbids it.
    pub fn decide_plugin(&self, facts: &PluginFacts<'_>) -> Result<(), String> {
        if !self.guards.on(Guard::Policy) {
            return Ok(());
        }
        let id = &facts.manifest.id;
        for PolicyLayer { name, file } in &self.layers {
            let rules = &file.plugins;
            if let Some(entry) = rules.deny.iter().map(Spanned::get_ref).find(|entry| entry.fits(facts)) {
                let by = entry.id.as_ref().or(entry.digest.as_ref()).map_or("", String::as_str);
                return Err(format!("{name} denies the plugin '{id}' ([[plugins.deny]], '{by}')"));
            }
            if !rules.allows_publisher(facts) {
                let publisher = id.publisher();
                return Err(format!(
                    "{name} allows no plugin of the publisher '{publisher}' (plugins.publishers)"
                ));
            }
            if let Some(reason) = file.lacks_signature(facts) {
                return Err(format!("{name} {reason}"));
            }
            let mut allowed = rules.allow.iter().flatten().map(Spanned::get_ref);
            if rules.allow.is_some() && !allowed.any(|entry| entry.fits(facts)) {
                let version = &facts.manifest.version;
                return Err(format!("{name} does not allow the plugin '{id}' {version} ([[plugins.allow]])"));
            }
        }
        Ok(())
    }

    /// Returns what policy says about a capability of a plugin.
    #[must_use]
    pub fn bound(&self, facts: &PluginFacts<'_>, capability: Capability) -> Bound {
        let mut bound = Bound::default();
        if !self.guards.on(Guard::Policy) {
            return bound;
        }
        for PolicyLayer { name, file } in &self.layers {
            let Some(rule) = file.rule(facts, capability) else { continue };
            if rule.scope != Scope::default() {
                bound.scopes.push(rule.scope.clone());
            }
            if rule.grant > bound.grant {
                let written = rule.name.as_ref().ok().copied().flatten().map_or("*", Capability::name);
                bound.grant = rule.grant;
                bound.rule = Some(format!("{name} ([[capability]] '{written}', plugins '{}')", rule.plugins));
            }
        }
        bound
    }

    /// Returns what becomes of a plugin that is installed where nobody can be asked.
    #[must_use]
    pub fn headless(&self) -> Headless {
        self.layers.iter().filter_map(|layer| layer.file.plugins.headless).max().unwrap_or_default()
    }

    /// Returns the rules for launches, crashes and native plugins: those of the files and those of the configuration.
    #[must_use]
    pub fn rules(&self, configured: &Rules) -> Rules {
        let files = || self.layers.iter().map(|layer| &layer.file);
        let named = (configured.record != RecordRule::BySetting).then_some(configured.record);
        let record = files().filter_map(|file| file.record).chain(named).max_by_key(|record| match record {
            RecordRule::Always => 2,
            RecordRule::BySetting => 1,
            RecordRule::Never => 0,
        });
        // What the configuration does not say is not what it says.
        let named = (configured.crash_reports != CrashReports::default()).then_some(configured.crash_reports);
        let crash_reports =
            files().filter_map(|file| file.crash_reports).chain(named).min_by_key(|kept| match kept {
                CrashReports::None => 0,
                CrashReports::WithoutInput => 1,
                CrashReports::WithInput => 2,
            });
        let mut rules = Rules {
            record: record.unwrap_or_default(),
            crash_reports: crash_reports.unwrap_or_default(),
            native: self.native(&configured.native),
            ..configured.clone()
        };
        for file in files() {
            rules.deny_kinds.extend(file.deny_kinds.iter().cloned());
            rules.deny_hosts.extend(file.deny_hosts.iter().cloned());
            rules.deny_local_credentials |= file.deny_local_credentials;
        }
        rules
    }

    /// Returns the native plugins that may run. Each list that is there has to have a plugin; a configuration without any
    /// names none by itself, and leaves it to the files.
    fn native(&self, configured: &[NativePin]) -> Vec<NativePin> {
        let configured = (!configured.is_empty()).then(|| configured.to_vec());
        let mut lists = self.layers.iter().filter_map(|layer| layer.file.native.clone()).chain(configured);
        let first = lists.next().unwrap_or_default();
        lists.fold(first, |mut kept, list| {
            kept.retain(|pin| list.contains(pin));
            kept
        })
    }

    /// Names the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().map(|layer| layer.name.as_str())
    }
}
