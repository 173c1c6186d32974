//! What is told of plugins. Plain data.

use std::path::PathBuf;

use ostler_plugin_api::Scope;
use ostler_policy::GrantedBy;
use serde::{Deserialize, Serialize};

/// A plugin in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginView {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub description: String,
    /// Its kinds.
    pub kinds: Vec<String>,
    /// `bundled`, `installed`, or `development` where its author is at work on it.
    pub origin: String,
    /// Whether it may run.
    pub enabled: bool,
    /// `ready`, `disabled`, `held-back`, `given-up`, `denied` (by policy) or `broken`.
    pub state: String,
    /// What is wrong with one that can't run.
    pub problem: Option<String>,
    /// The digest of its file.
    pub digest: String,
}

/// Everything of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginDetail {
    /// What a list shows.
    #[serde(flatten)]
    pub plugin: PluginView,
    /// Its file.
    pub path: PathBuf,
    /// The public key that it is signed with, where that was verified.
    pub signed_by: Option<String>,
    /// The capabilities that it asks for.
    pub capabilities: Vec<CapabilityView>,
    /// What it imports.
    pub imports: Vec<String>,
    /// Calls into it so far.
    pub calls: u64,
    /// Calls that ended in a trap.
    pub traps: u64,
    /// Calls that were stopped at a limit.
    pub limits: u64,
    /// Time that it computed, in milliseconds.
    pub guest_ms: u64,
    /// The most memory that one call took, in bytes.
    pub peak_memory_bytes: u64,
}

/// A capability of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapabilityView {
    /// Its name.
    pub name: String,
    /// What it allows.
    pub meaning: String,
    /// Why the plugin asks for it.
    pub reason: String,
    /// How far it asks to go.
    pub parameters: Scope,
    /// Whether it has it.
    pub granted: bool,
    /// By whom it was given.
    pub granted_by: Option<GrantedBy>,
    /// How far it may go of what it asks: every one of these has to cover a call.
    pub bounds: Vec<Scope>,
    /// The policy's rule that denies it.
    pub denied_by: Option<String>,
    /// What of it is new since the user last decided, and waits: empty where all of it is.
    pub waiting: Option<Scope>,
    /// Times it was used.
    pub used: u64,
    /// Times it was refused.
    pub refused: u64,
    /// Why, as far as that is kept.
    pub refusals: Vec<RefusalView>,
}

/// Why calls were refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalView {
    /// Why.
    pub reason: String,
    /// How often.
    pub times: u64,
}
