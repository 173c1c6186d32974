//! May it? Pure decisions from facts and rules: may this session open, must it be recorded, what may a plugin do from
//! the start.
//!
//! Never does I/O, never asks anybody, never resolves a name, and never sees a secret. Reading the rules and carrying out
//! the decision is the business of `app`.
#![warn(missing_docs)]

mod grants;
mod launch;
mod rules;

pub use grants::default_grants;
pub use launch::{Decision, LaunchFacts, RECORDING_SETTING, decide_launch};
pub use ostler_plugin_api::{HostPattern, HostPatternError};
pub use rules::{CrashReports, NativePin, RecordRule, Rules};
