//! May it? Pure decisions from facts and rules: may this session open, must it be recorded, may this plugin run, and what
//! may it do.
//!
//! Never does I/O, never asks anybody, never resolves a name, and never sees a secret. Reading the rules and carrying out
//! the decision is the business of `app`.
#![warn(missing_docs)]

mod file;
mod grants;
mod launch;
mod policy;
mod rules;

pub use file::{
    CapabilityRule, GrantRule, Headless, PluginFacts, PluginMatch, PluginRules, PolicyFile, PolicyFileError,
    Publisher, Signatures,
};
pub use grants::{Consent, GrantedBy, Right, Waiting, default_grants, granted, rights};
pub use launch::{Decision, LaunchFacts, RECORDING_SETTING, decide_launch};
pub use ostler_plugin_api::{HostPattern, HostPatternError};
pub use policy::{Bound, Policy, PolicyLayer};
pub use rules::{CrashReports, NativePin, RecordRule, Rules};
