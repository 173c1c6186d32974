//! The capabilities by name, which WIT interfaces each gives, and which parameters bound it.
//!
//! The list is closed: a capability that is not here can't be asked for.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Parameter;

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
    /// Naming slots in plans and templates: secrets are used, never read.
    SecretsUse,
    /// Reading the bytes of a secret.
    SecretsReveal,
    /// Putting secrets into the plugin's own compartment of the vault.
    SecretsStore,
    /// Requests to granted hosts.
    Http,
    /// Byte streams to the target of a session or to granted hosts.
    Net,
    /// A terminal that a session of the plugin shows.
    Terminal,
    /// A desktop that a session of the plugin shows.
    Desktop,
    /// Reading connections and folders.
    ConnectionsRead,
    /// Changing connections and folders.
    ConnectionsWrite,
    /// Markers in the recording of a session.
    RecordingAnnotate,
    /// Reading finished recordings.
    RecordingRead,
    /// Files, folders and local sockets that somebody named.
    Files,
    /// Programs that somebody named.
    Process,
    /// Callbacks from outside.
    Inbound,
    /// The time.
    Clock,
    /// What happens in the host.
    Events,
}

impl Capability {
    /// All capabilities, in the order in which people see them.
    pub const ALL: [Self; 20] = [
        Self::SecretsUse,
        Self::SecretsReveal,
        Self::SecretsStore,
        Self::Http,
        Self::Net,
        Self::Terminal,
        Self::Desktop,
        Self::Prompt,
        Self::ConnectionsRead,
        Self::ConnectionsWrite,
        Self::RecordingAnnotate,
        Self::RecordingRead,
        Self::Files,
        Self::Process,
        Self::Inbound,
        Self::Storage,
        Self::Settings,
        Self::Log,
        Self::Clock,
        Self::Events,
    ];

    /// Returns the name, as manifests and grants write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Storage => "storage",
            Self::Settings => "settings",
            Self::Prompt => "prompt",
            Self::SecretsUse => "secrets.use",
            Self::SecretsReveal => "secrets.reveal",
            Self::SecretsStore => "secrets.store",
            Self::Http => "http",
            Self::Net => "net",
            Self::Terminal => "terminal",
            Self::Desktop => "desktop",
            Self::ConnectionsRead => "connections.read",
            Self::ConnectionsWrite => "connections.write",
            Self::RecordingAnnotate => "recording.annotate",
            Self::RecordingRead => "recording.read",
            Self::Files => "files",
            Self::Process => "process",
            Self::Inbound => "inbound",
            Self::Clock => "clock",
            Self::Events => "events",
        }
    }

    /// Returns the WIT interfaces that the capability gives, without their versions.
    #[must_use]
    pub const fn interfaces(self) -> &'static [&'static str] {
        match self {
            Self::Log => &["ostler:log/log"],
            Self::Storage => &["ostler:storage/storage"],
            Self::Settings => &["ostler:settings/settings"],
            Self::Prompt => &["ostler:prompt/prompt"],
            Self::SecretsUse => &["ostler:secrets/use-slots", "ostler:secrets/wire-slots"],
            Self::SecretsReveal => &["ostler:secrets-reveal/reveal"],
            Self::SecretsStore => &["ostler:secrets-store/store"],
            Self::Http => &["ostler:http/http"],
            Self::Net => &["ostler:net/net"],
            Self::Terminal => &["ostler:terminal/terminal"],
            Self::Desktop => &["ostler:desktop/desktop"],
            Self::ConnectionsRead => &["ostler:connections/read"],
            Self::ConnectionsWrite => &["ostler:connections/write"],
            Self::RecordingAnnotate => &["ostler:recording/annotate"],
            Self::RecordingRead => &["ostler:recording/read"],
            Self::Files => &["ostler:files/files"],
            Self::Process => &["ostler:process/process"],
            Self::Inbound => &["ostler:inbound/inbound"],
            Self::Clock => &["ostler:clock/clock"],
            Self::Events => &["ostler:events/events"],
        }
    }

    /// Returns the capability that gives a WIT interface, named without its version.
    #[must_use]
    pub fn giving(interface: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.interfaces().contains(&interface))
    }

    /// Returns the parameters that bound the capability. Each has to be asked for in the manifest: what is not named there
    /// is not covered.
    #[must_use]
    pub const fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Http | Self::Net => &[Parameter::Hosts, Parameter::Addresses],
            Self::ConnectionsRead | Self::ConnectionsWrite | Self::RecordingRead => &[Parameter::Folders],
            Self::Events => &[Parameter::Events, Parameter::Folders],
            Self::Files => &[Parameter::Files],
            Self::Process => &[Parameter::Programs],
            _ => &[],
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
            Self::SecretsReveal => "read secrets of a launch",
            Self::SecretsStore => "keep secrets of its own in the vault",
            Self::Http => "send requests to hosts",
            Self::Net => "open connections to hosts",
            Self::Terminal => "show a terminal",
            Self::Desktop => "show a desktop",
            Self::ConnectionsRead => "read connections and folders",
            Self::ConnectionsWrite => "change connections and folders",
            Self::RecordingAnnotate => "put markers into recordings",
            Self::RecordingRead => "read finished recordings",
            Self::Files => "use files and folders",
            Self::Process => "start programs",
            Self::Inbound => "be called from outside",
            Self::Clock => "read the time and the time zone",
            Self::Events => "hear what happens in the host",
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
