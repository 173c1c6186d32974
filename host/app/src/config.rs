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
//! [network]                      # for what plugins send
//! proxy = "http://proxy.example:3128"
//! no-proxy = ["intranet", ".lab.example"]
//! ca-file = "/etc/ssl/company.pem"
//! inbound-listen = "192.0.2.7:8443"      # and for what is sent to them
//! inbound-certificate = "/etc/ostler/tls.pem"
//! inbound-key = "/etc/ostler/tls.key"
//!
//! [plugin."ostler.launcher-ssh".settings]
//! key = "value"
//! ```

use std::collections::BTreeMap;

use ostler_core::{LogLevel, Settings};
use ostler_policy::Rules;
use serde::{Deserialize, Serialize};

use crate::Span;
use crate::ports::NetworkConfiguration;

/// What is wrong with the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the configuration{}: {message}", .place.map(|(line, column)| format!(", line {line}, column {column}")).unwrap_or_default())]
pub struct ConfigError {
    /// The line and the column, counted from 1.
    pub place: Option<(usize, usize)>,
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
    /// The way to other hosts, for what plugins send.
    #[serde(default)]
    pub network: NetworkConfiguration,
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
            place: error.span().map(|span| place(text, span.start)),
            message: error.message().to_owned(),
        })
    }
}

/// Returns the line and the column of a byte, counted from 1.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    (line, before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
}

/// A key of the configuration file.
#[derive(Debug, Clone, Copy)]
pub struct ConfigKey {
    /// The key, as TOML writes it; a word in capitals stands for any.
    pub key: &'static str,
    /// What it can be.
    pub values: &'static str,
    /// What holds where it is not there.
    pub default: &'static str,
    /// What it decides.
    pub meaning: &'static str,
}

/// Every key of the configuration file. The guide's table is compared with it by a test.
pub const CONFIG_KEYS: [ConfigKey; 17] = [
    key("log.level", "`error`, `warn`, `info`, `debug`, `trace`", "`info`", "How much is logged."),
    key("unlock.for", "a time such as `8h`, or `never`", "`8h`", "How long `ostler unlock` holds, in all."),
    key("unlock.idle", "a time such as `30m`, or `never`", "`30m`", "How long it holds without a command."),
    key("settings.\"NAME\"", "flag, whole number, text or list", "", "A global setting of connections."),
    key("policy.record", "`always`, `never`, `by-setting`", "`by-setting`", "Which sessions are recorded."),
    key("policy.deny-kinds", "a list of types", "none", "Types of connection that may not open."),
    key("policy.deny-hosts", "a list of hosts, with `*`", "none", "Hosts that no session may connect to."),
    key(
        "policy.deny-local-credentials",
        "`true`, `false`",
        "`false`",
        "Whether passwords and keys are kept with connections and folders; imports leave them out then.",
    ),
    key(
        "policy.crash-reports",
        "`none`, `without-input`, `with-input`",
        "`without-input`",
        "What is kept of a plugin's crash; with its input, the launch (never a secret) or the first bytes of the file that it was given.",
    ),
    key(
        "network.proxy",
        "`http://host:port`",
        "none",
        "The proxy that plugins' HTTPS and HTTP requests go through.",
    ),
    key(
        "network.no-proxy",
        "a list of hosts; `.example.com` is all below",
        "none",
        "Hosts that are reached without the proxy.",
    ),
    key(
        "network.ca-file",
        "a file of PEM certificates",
        "none",
        "Certificates that are trusted beside the system's roots.",
    ),
    key(
        "network.inbound-listen",
        "`address:port`",
        "a free port of this machine alone",
        "Where plugins are called from outside, while one waits for it.",
    ),
    key(
        "network.inbound-url",
        "a URL",
        "the address",
        "How others reach that address, such as through a proxy.",
    ),
    key(
        "network.inbound-certificate",
        "a file of PEM certificates",
        "none",
        "The address's certificate with its chain; needed where other machines reach it.",
    ),
    key("network.inbound-key", "a file with a PEM key", "none", "The certificate's key."),
    key("plugin.\"ID\".settings.\"NAME\"", "as the plugin says", "", "A setting of a plugin."),
];

const fn key(
    key: &'static str,
    values: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> ConfigKey {
    ConfigKey { key, values, default, meaning }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_every_key_as_the_code_has_it() {
        let rows: String = CONFIG_KEYS
            .iter()
            .map(|ConfigKey { key, values, default, meaning }| {
                format!("| `{key}` | {values} | {default} | {meaning} |\n")
            })
            .collect();
        assert!(include_str!("../../guide/README.md").contains(&rows), "the guide should have:\n{rows}");
    }

    #[test]
    fn every_key_is_one_of_the_file() {
        let values = [
            "\"warn\"",
            "\"1h\"",
            "\"never\"",
            "7",
            "\"always\"",
            "[\"vnc\"]",
            "[\"*.x\"]",
            "true",
            "\"none\"",
            "\"http://p:1\"",
            "[\".x\"]",
            "\"/x\"",
            "\"127.0.0.1:1\"",
            "\"https://x\"",
            "\"/x\"",
            "\"/x\"",
            "true",
        ];
        for (ConfigKey { key, .. }, value) in CONFIG_KEYS.iter().zip(values) {
            Configuration::parse(&format!("{key} = {value}")).unwrap();
        }
    }

    #[test]
    fn a_mistake_has_its_line_and_column() {
        let places = [("[log]\nlevle = 1", (2, 1)), ("[log]\n  level = \"x\"", (2, 11)), ("[", (1, 2))];
        for (text, place) in places {
            assert_eq!(Configuration::parse(text).unwrap_err().place, Some(place), "{text}");
        }
    }
}
