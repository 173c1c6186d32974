//! Reads the policy files, each time that somebody asks: what an administrator writes there counts at once, also in a
//! process that runs. Where one can't be used, nothing may run.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ostler_audit::{EventClass, Outcome};
use ostler_policy::{Headless, PluginFacts, Policy, PolicyFile, PolicyLayer, Rules};
use ostler_registry::{FoundPlugin, Origin};

use crate::auditing::plugin_ref;
use crate::host::Shared;
use crate::{AppError, Host, Places};

/// A policy file can't be used, so that nobody knows what it would forbid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the policy file {} can't be used, so no plugin runs: {reason}", .file.display())]
pub struct PolicyFault {
    /// The file.
    pub file: PathBuf,
    /// What is wrong.
    pub reason: String,
}

impl Places {
    /// Reads the policy files.
    ///
    /// # Errors
    /// Names the first that can't be used.
    pub(crate) fn read_policy(&self) -> Result<Policy, PolicyFault> {
        let mut layers = Vec::new();
        for file in &self.policies {
            layers.extend(read(file, false)?);
        }
        if let Some(file) = &self.further_policy {
            layers.extend(read(file, true)?);
        }
        Ok(Policy::new(layers))
    }
}

fn read(file: &Path, needed: bool) -> Result<Option<PolicyLayer>, PolicyFault> {
    let fault = |reason: String| PolicyFault { file: file.to_owned(), reason };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound && !needed => return Ok(None),
        Err(error) => return Err(fault(error.to_string())),
    };
    let parsed = PolicyFile::parse(&text).map_err(|error| fault(error.to_string()))?;
    Ok(Some(PolicyLayer { name: file.display().to_string(), file: parsed }))
}

/// What policy is told of a plugin.
pub(crate) fn facts<'a>(
    found: &'a FoundPlugin,
    digest: &'a str,
    signed_by: Option<&'a str>,
) -> PluginFacts<'a> {
    let bundled = found.origin == Origin::Bundled;
    PluginFacts { manifest: &found.inspection.manifest, digest, bundled, signed_by }
}

impl Shared {
    /// Decides whether policy lets a plugin run.
    ///
    /// # Errors
    /// Names the rule that forbids it, or the policy file that can't be used.
    pub(crate) fn may_run(&self, found: &FoundPlugin) -> Result<(), AppError> {
        let kept = self.kept(found)?;
        self.may_run_signed(found, kept.consent.signed_by.as_deref())
    }

    /// Decides the same of a file that is signed with this key.
    pub(crate) fn may_run_signed(
        &self,
        found: &FoundPlugin,
        signed_by: Option<&str>,
    ) -> Result<(), AppError> {
        let digest = found.inspection.digest.to_string();
        let facts = facts(found, &digest, signed_by);
        self.places.read_policy()?.decide_plugin(&facts).map_err(AppError::Denied)
    }

    /// Decides the same, and writes down a no.
    pub(crate) fn check_may_run(&self, found: &FoundPlugin) -> Result<(), AppError> {
        let decided = self.may_run(found);
        if let Err(error) = &decided {
            let mut event = self.audit.event(EventClass::PluginRefuse, Outcome::Denied);
            event.plugin = Some(plugin_ref(found));
            event.reason = Some(error.to_string());
            self.audit.write(&event)?;
        }
        decided
    }

    /// What becomes of a plugin that is installed where nobody can be asked.
    pub(crate) fn headless(&self) -> Result<Headless, AppError> {
        Ok(self.places.read_policy()?.headless())
    }
}

impl Host {
    /// Returns the rules for launches, crashes and native plugins: of the policy files and of the configuration.
    pub(crate) fn rules(&self) -> Result<Rules, AppError> {
        Ok(self.places.read_policy()?.rules(&self.configuration.policy))
    }
}
