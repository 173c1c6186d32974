//! The configuration file: TOML, every key documented here, an unknown key is an error.
//!
//! ```toml
//! [log]
//! level = "info"                 # error, warn, info, debug or trace
//!
//! [unlock]                       # what 'ostler unlock' and 'ostler serve' take where nothing else is said
//! for = "8h"                     # a number with s, m, h or d, or "never"
//! idle = "30m"
//!
//! [settings]                     # global settings of connections; folders and connections override them
//! "ssh.keepalive-seconds" = 60
//!
//! [policy]                       # see ostler-policy
//! record = "always"              # always, never, or by-setting (the setting "recording" of folder or connection)
//!
//! [plugin."ostler.launcher-ssh".settings]
//! key = "value"
//! ```

use std::collections::BTreeMap;

use ostler_core::Settings;
use ostler_policy::Rules;
use serde::{Deserialize, Serialize};

use crate::Span;

/// What is wrong with the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration{}: {message}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct ConfigError {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
}

/// The configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The log.
    #[serde(default)]
    pub log: LogConfiguration,
    /// How long a store stays unlocked.
    #[serde(default)]
    pub unlock: UnlockConfiguration,
    /// Global settings of connections.
    #[serde(default)]
    pub settings: Settings,
    /// What may be done.
    #[serde(default)]
    pub policy: Rules,
    /// Settings of plugins, by plugin id.
    #[serde(default)]
    pub plugin: BTreeMap<String, PluginConfiguration>,
}

/// The log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfiguration {
    /// The level: `error`, `warn`, `info`, `debug` or `trace`.
    #[serde(default)]
    pub level: Option<LogLevel>,
}

/// How long `ostler unlock` holds a store unlocked.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnlockConfiguration {
    /// In all.
    #[serde(default, rename = "for")]
    pub whole: Option<Span>,
    /// Without a command.
    #[serde(default)]
    pub idle: Option<Span>,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// What looks wrong, too.
    Warn,
    /// What happens.
    Info,
    /// How it happens.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// Returns the name, as the file writes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// What is configured for one plugin.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginConfiguration {
    /// Its settings.
    #[serde(default)]
    pub settings: Settings,
}

impl Configuration {
    /// Parses the file's text.
    ///
    /// # Errors
    /// Names the line and what is wrong.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| ConfigError {
            line: error
                .span()
                .map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1),
            message: error.message().to_owned(),
        })
    }
}
