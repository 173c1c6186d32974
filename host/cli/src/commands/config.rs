//! `ostler config`: the configuration in effect, and where things live. Needs no passphrase.

use clap::Subcommand;
use serde_json::json;

use crate::context::Context;
use crate::error::CliError;
use crate::log;
use crate::output::escape;

const KEYS: &str = "\
The file is TOML; an unknown key is an error:

  [log]
  level = \"info\"                 error, warn, info, debug or trace

  [settings]                     global settings; folders and connections override them
  \"ssh.keepalive-seconds\" = 60

  [policy]
  record = \"always\"              always, never, or by-setting (the setting 'recording')
  deny-kinds = [\"telnet\"]        types of connection that may not open
  deny-hosts = [\"*.prod.example\"]

  [plugin.\"ostler.launcher-ssh\".settings]
  key = \"value\"

Examples:
  ostler config show
  ostler config path";

/// Show the configuration and where things live.
#[derive(Debug, Subcommand)]
#[command(after_help = KEYS)]
pub(crate) enum Config {
    /// Show the values in effect and the places.
    #[command(after_help = KEYS)]
    Show,
    /// Print the path of the configuration file.
    #[command(after_help = "Examples:\n  ${EDITOR:-vi} \"$(ostler config path)\"")]
    Path,
}

impl Config {
    pub(crate) fn run(&self, context: &Context) -> Result<u8, CliError> {
        match self {
            Self::Show => show(context)?,
            Self::Path if context.output.json() => {
                context.output.value(&json!({ "path": context.config_file }))?
            }
            Self::Path => context.output.text(&format!("{}\n", context.config_file.display()))?,
        }
        Ok(0)
    }
}

fn show(context: &Context) -> Result<(), CliError> {
    let places = &context.places;
    let configuration = &context.configuration;
    let plugins: serde_json::Map<String, serde_json::Value> = configuration
        .plugin
        .iter()
        .map(|(id, plugin)| (id.clone(), json!({ "settings": plugin.settings })))
        .collect();
    let value = json!({
        "places": {
            "store": places.store,
            "config": context.config_file,
            "device_key": places.device_key(),
            "log": log::file(&places.state),
            "cache": places.cache,
            "bundled_plugins": places.bundled_plugins,
            "installed_plugins": places.installed_plugins(),
            "known_hosts": places.known_hosts_files,
        },
        "log": { "level": context.log_level },
        "settings": configuration.settings,
        "policy": configuration.policy,
        "plugin": plugins,
    });
    if context.output.json() {
        return context.output.value(&value);
    }
    let mut text = String::new();
    flatten("", &value, &mut text);
    context.output.text(&text)
}

/// Writes a value as one line for each leaf, with the path of keys that leads to it.
fn flatten(path: &str, value: &serde_json::Value, text: &mut String) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, inner) in fields {
                // A key with a dot is quoted, as TOML does, so that the path can be read.
                let key = if key.contains('.') { format!("\"{key}\"") } else { key.clone() };
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, inner, text);
            }
        }
        leaf => text.push_str(&format!("{} = {}\n", escape(path), escape(&leaf.to_string()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_one_to_a_line() {
        let value = json!({ "a": { "b.c": 1, "d": ["x"] }, "e": null });
        let mut text = String::new();
        flatten("", &value, &mut text);
        assert_eq!(text, "a.\"b.c\" = 1\na.d = [\"x\"]\ne = null\n");
    }
}
