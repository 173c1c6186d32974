//! Grants: what a plugin asked for AND was given.
//!
//! A pure comparison. Who may give, and where grants are kept, is decided elsewhere.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Capability, Manifest};

/// The capabilities that a plugin was given.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Grants(pub BTreeSet<Capability>);

/// How a capability stands for a plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Asked for and given.
    Granted,
    /// Asked for, not given: calls are refused with a value.
    NotGranted,
    /// Not asked for: a component that imports it is refused.
    NotAsked,
}

/// Returns how a capability stands. Given without being asked for counts as not asked.
#[must_use]
pub fn standing(capability: Capability, manifest: &Manifest, grants: &Grants) -> Standing {
    if !manifest.asks(capability) {
        Standing::NotAsked
    } else if grants.0.contains(&capability) {
        Standing::Granted
    } else {
        Standing::NotGranted
    }
}
