//! The capabilities by name, and which WIT package gives each.
//!
//! The list is closed: a capability that is not here can't be asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The text names no capability.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no capability '{name}'; this host knows: {known}", known = Capability::names())]
pub struct UnknownCapability {
    /// What was asked for.
    pub name: String,
}

/// One group of host functions that a plugin may be granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Capability {
    /// Lines in the host's log.
    Log,
    /// A key-value space of its own.
    Storage,
    /// What was set for the plugin.
    Settings,
    /// Asking the person.
    Prompt,
    /// Naming slots in plans: secrets are used, never read.
    SecretsUse,
}

impl Capability {
    /// All capabilities, in the order in which people see them.
    pub const ALL: [Self; 5] = [Self::SecretsUse, Self::Prompt, Self::Storage, Self::Settings, Self::Log];

    /// Returns the name, as manifests and grants write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Storage => "storage",
            Self::Settings => "settings",
            Self::Prompt => "prompt",
            Self::SecretsUse => "secrets.use",
        }
    }

    /// Returns the WIT interface that the capability gives, without its version.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Log => "ostler:log/log",
            Self::Storage => "ostler:storage/storage",
            Self::Settings => "ostler:settings/settings",
            Self::Prompt => "ostler:prompt/prompt",
            Self::SecretsUse => "ostler:secrets/use-slots",
        }
    }

    /// Returns what it lets a plugin do, one clause for people.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Log => "write lines to the log",
            Self::Storage => "keep data of its own in the store",
            Self::Settings => "read what was set for it",
            Self::Prompt => "ask you questions",
            Self::SecretsUse => "use secrets of a launch without reading them",
        }
    }

    fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Capability {
    type Err = UnknownCapability;
    fn from_str(name: &str) -> Result<Self, UnknownCapability> {
        Self::ALL
            .into_iter()
            .find(|known| known.name() == name)
            .ok_or_else(|| UnknownCapability { name: name.to_owned() })
    }
}

impl TryFrom<String> for Capability {
    type Error = UnknownCapability;
    fn try_from(name: String) -> Result<Self, UnknownCapability> {
        name.parse()
    }
}

impl From<Capability> for String {
    fn from(capability: Capability) -> Self {
        capability.name().to_owned()
    }
}
