//! What is left of a plugin's crash: how it stands, and a report for its author.
//!
//! Reports lie in the store, sealed; each plugin has a few, and the oldest makes room. What the plugin was given is in a
//! report only where policy says so, and never a secret: a launch names slots. Never runs a plugin.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ostler_audit::{EventClass, Outcome};
use ostler_core::{FaultHistory, LaunchRequest, Standing, Timestamp};
use ostler_policy::CrashReports;
use ostler_registry::FoundPlugin;
use ostler_runtime::Fault;
use ostler_vault::VaultError;
use serde::{Deserialize, Serialize};

use crate::auditing::plugin_ref;
use crate::host::rfc3339;
use crate::plugins::plugin_id;
use crate::{AppError, Host, Reply, replace_file};

/// Reports that are kept of a plugin.
const MOST_REPORTS: usize = 5;

/// Bytes of a file that stand in a report.
const MOST_HEAD: usize = 16 << 10;

/// Bytes of a launch request that stand in a report, as JSON.
const MOST_REQUEST: usize = 64 << 10;

/// A call of a plugin that a crash or a limit ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrashReport {
    /// When, as RFC 3339 writes it.
    pub time: String,
    /// The plugin's id.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// The digest of its file.
    pub digest: String,
    /// The version of this program.
    pub program: String,
    /// What the call was for, such as `planning`.
    pub call: String,
    /// What ended it.
    pub reason: String,
    /// Time that it computed, in milliseconds.
    pub guest_ms: u64,
    /// The memory that it took, in bytes.
    pub memory_bytes: u64,
    /// What it was given, where policy allows to keep it.
    pub input: Option<CrashInput>,
}

/// What a plugin was given. It may be cut off, and has no secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrashInput {
    /// Nothing: it was asked what it is.
    Nothing,
    /// A launch.
    Launch(Box<LaunchRequest>),
    /// A file.
    File {
        /// Its name.
        name: String,
        /// The names of the options; what they were set to may be a password.
        options: Vec<String>,
        /// Its first bytes, as Base64.
        head: String,
    },
}

impl CrashInput {
    pub(crate) fn launch(request: &LaunchRequest) -> Option<Self> {
        let small = serde_json::to_vec(request).is_ok_and(|json| json.len() <= MOST_REQUEST);
        small.then(|| Self::Launch(Box::new(request.clone())))
    }

    pub(crate) fn file(name: &str, options: &[(String, String)], head: &[u8]) -> Option<Self> {
        let head = head.get(..head.len().min(MOST_HEAD)).unwrap_or_default();
        Some(Self::File {
            name: name.to_owned(),
            options: options.iter().map(|(name, _)| name.clone()).collect(),
            head: BASE64_STANDARD.encode(head),
        })
    }
}

/// What people are told of a plugin that does not run by itself any more; none where it may run.
pub(crate) fn held_because(standing: Standing, now: Timestamp) -> Option<String> {
    match standing {
        Standing::Ready => None,
        Standing::Held { until } => {
            let seconds = until.0.saturating_sub(now.0).max(0).div_euclid(1_000_000).saturating_add(1);
            Some(format!("it failed too often and is held back for {seconds} s more"))
        }
        Standing::GivenUp => Some("it failed again and again and was given up".to_owned()),
    }
}

impl Host {
    /// Writes down the faults of a plugin that were just counted, and whether it is held back for them.
    pub(crate) fn report_faults(
        &self,
        found: &FoundPlugin,
        faults: Vec<Fault>,
        input: &dyn Fn() -> Option<CrashInput>,
        standing: Standing,
    ) -> Result<(), AppError> {
        if faults.is_empty() {
            return Ok(());
        }
        let until = match standing {
            Standing::Ready => None,
            Standing::Held { until } => Some(until.seconds().to_string()),
            Standing::GivenUp => Some("it is enabled".to_owned()),
        };
        if let Some(until) = until {
            let mut event = self.audit.event(EventClass::PluginHold, Outcome::Success);
            event.plugin = Some(plugin_ref(found));
            event.details.insert("until".to_owned(), until);
            self.audit.write(&event)?;
        }
        let kept = self.rules()?.crash_reports;
        if kept == CrashReports::None {
            return Ok(());
        }
        let reports = faults.into_iter().map(|fault| CrashReport {
            time: rfc3339(self.now()),
            plugin: plugin_id(found),
            version: found.inspection.manifest.version.to_string(),
            digest: found.inspection.digest.to_string(),
            program: env!("CARGO_PKG_VERSION").to_owned(),
            call: fault.call,
            reason: fault.reason,
            guest_ms: u64::try_from(fault.guest_time.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: fault.memory_bytes,
            input: if kept == CrashReports::WithInput { input() } else { None },
        });
        let reports: Vec<CrashReport> = reports.collect();
        let written = self.vault().and_then(|vault| {
            vault.update_document(&document(&plugin_id(found)), &mut |bytes| {
                let mut all = read(bytes.as_deref());
                all.extend(reports.iter().cloned());
                all.drain(..all.len().saturating_sub(MOST_REPORTS));
                serde_json::to_vec(&all).ok().or(bytes)
            })
        });
        match written {
            // A session may outlive the lock; that its plugin crashed is in the audit log.
            Err(VaultError::Locked) => Ok(()),
            written => Ok(written?),
        }
    }

    /// Returns the reports of a plugin, the oldest first, and writes them to a file if one is named.
    pub(crate) fn plugin_crashes(&self, id: &str, out: Option<&Path>) -> Result<Reply, AppError> {
        let document = self.vault()?.document(&document(id))?;
        let reports = read(document.as_deref());
        if reports.is_empty() {
            // A name that was misspelt must not look like a plugin that never crashed.
            self.find_plugin(id)?;
        }
        if let Some(out) = out {
            let bytes = serde_json::to_vec_pretty(&reports).unwrap_or_default();
            replace_file(out, &bytes)?;
        }
        Ok(Reply::PluginCrashes(reports))
    }
}

/// The name of the sealed document that holds a plugin's reports.
fn document(id: &str) -> String {
    format!("plugin-crashes/{id}")
}

/// A document that can't be read starts anew.
fn read(bytes: Option<&[u8]>) -> Vec<CrashReport> {
    bytes.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
}

/// Takes faults into a history, and returns how the plugin stands then.
pub(crate) fn take_in(history: &mut FaultHistory, faults: usize, now: Timestamp) -> Standing {
    (0..faults).fold(history.standing(now), |_, _| history.fail(now))
}
