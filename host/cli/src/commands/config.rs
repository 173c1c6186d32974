//! `ostler config`: the configuration in effect, its file, and where things live. Needs no passphrase.

mod file;

use std::path::PathBuf;

use clap::Subcommand;
use ostler_app::{Reply, Span, beside_file};
use serde_json::json;

use crate::commands::unlock::{IDLE, WHOLE};
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
  ostler config set log.level debug
  ostler config edit";

/// Show and change the configuration, and show where things live.
#[derive(Debug, Subcommand)]
#[command(after_help = KEYS)]
pub(crate) enum Config {
    /// Show the values in effect, where each comes from, and the places.
    #[command(after_help = KEYS)]
    Show,
    /// Print the path of the configuration file.
    #[command(after_help = "Examples:\n  cp \"$(ostler config path)\" /media/safe")]
    Path,
    /// Print the value of a key that holds.
    #[command(after_help = "Examples:\n  ostler config get log.level")]
    Get {
        /// The key, as TOML writes it.
        key: String,
    },
    /// Set a key in the file; comments and order stay.
    #[command(
        after_help = "Examples:\n  ostler config set log.level debug\n  ostler config set policy.deny-kinds '[\"telnet\"]'\n  \
                            ostler config set 'settings.\"ssh.keepalive-seconds\"' 60"
    )]
    Set {
        /// The key, as TOML writes it.
        key: String,
        /// The value: TOML, or else text.
        value: String,
    },
    /// Remove a key from the file, so that the default holds again.
    #[command(after_help = "Examples:\n  ostler config unset log.level")]
    Unset {
        /// The key, as TOML writes it.
        key: String,
    },
    /// Check the file, or another one, and say in which line and column what is wrong.
    #[command(after_help = "Examples:\n  ostler config check\n  ostler config check new.toml")]
    Check {
        /// Another file.
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Edit the file in $VISUAL or $EDITOR. What you wrote takes its place when it is right.
    #[command(after_help = "Examples:\n  EDITOR=nano ostler config edit")]
    Edit,
}

impl Config {
    /// Whether it must work where the configuration file is wrong.
    pub(crate) fn mends(&self) -> bool {
        !matches!(self, Self::Show | Self::Get { .. })
    }

    pub(crate) fn run(&self, context: &Context) -> Result<u8, CliError> {
        let file = context.config_file.as_path();
        match self {
            Self::Show => show(context)?,
            Self::Path if context.output.json() => context.output.value(&json!({ "path": file }))?,
            Self::Path => context.output.text(&format!("{}\n", file.display()))?,
            Self::Get { key } => get(context, key)?,
            Self::Set { key, value } => {
                let text = file::read(file)?.unwrap_or_default();
                file::replace(file, &file::set(file, &text, key, value)?)?;
                done(context, &format!("{key} is set in {}", file.display()))?;
            }
            Self::Unset { key } => {
                let text = file::read(file)?.unwrap_or_default();
                file::replace(file, &file::unset(file, &text, key)?)?;
                done(context, &format!("{key} is not set any more in {}", file.display()))?;
            }
            Self::Check { file: other } => {
                let file = other.as_deref().unwrap_or(file);
                let there = file::read(file)?;
                file::check(file, there.as_deref().unwrap_or_default())?;
                let words = if there.is_some() { "is right" } else { "is not there; defaults hold" };
                done(context, &format!("{} {words}", file.display()))?;
            }
            Self::Edit => edit(context)?,
        }
        Ok(0)
    }
}

fn done(context: &Context, words: &str) -> Result<(), CliError> {
    context.output.reply(&Reply::Done(words.to_owned()))
}

/// Has the person edit a copy, which takes the file's place when it is right. A wrong one is kept, and edited on the next
/// time.
fn edit(context: &Context) -> Result<(), CliError> {
    let file = context.config_file.as_path();
    let copy = beside_file(file, ".edit");
    let before = file::read(file)?;
    let text = match file::read(&copy)? {
        Some(kept) => {
            context.output.note(&format!("going on with what was kept in {}", copy.display()));
            kept
        }
        None => before.clone().unwrap_or_default(),
    };
    file::replace(&copy, &text)?;
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok());
    let editor = editor.filter(|editor| !editor.trim().is_empty()).unwrap_or_else(|| "vi".to_owned());
    #[expect(
        clippy::disallowed_methods,
        reason = "the person's own editor, as every program of the terminal starts it"
    )]
    let mut command = std::process::Command::new("/bin/sh");
    // An editor has no business with what opens a store.
    command.env_remove("OSTLER_PASSPHRASE_FILE").env_remove("OSTLER_STORE_KEY_FILE");
    let ended = command.args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(&copy).status();
    let kept = |why: String| CliError::ConfigKept { why, copy: copy.clone() };
    match ended {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(kept(format!("the editor '{editor}' failed ({status})"))),
        Err(error) => return Err(kept(format!("the editor '{editor}' can't be started: {error}"))),
    }
    let text = file::read(&copy)?.unwrap_or_default();
    file::check(file, &text).map_err(|error| kept(error.to_string()))?;
    let words = if Some(&text) == before.as_ref() {
        "nothing was changed".to_owned()
    } else {
        file::replace(file, &text)?;
        format!("{} is changed", file.display())
    };
    std::fs::remove_file(&copy)
        .map_err(|source| CliError::File { what: copy.display().to_string(), source })?;
    done(context, &words)
}

fn get(context: &Context, key: &str) -> Result<(), CliError> {
    let all = values(context);
    let mut value = Some(&all);
    for key in file::keys(key)? {
        value = value.and_then(|value| value.get(key.get()));
    }
    let Some(value) = value else { return Err(file::unknown(key)) };
    match value {
        value if context.output.json() => context.output.value(value),
        serde_json::Value::String(text) => context.output.text(&format!("{}\n", escape(text))),
        value => {
            let mut text = String::new();
            flatten("", value, &mut |path, leaf| {
                let path = if path.is_empty() { String::new() } else { format!("{} = ", escape(path)) };
                text.push_str(&format!("{path}{}\n", escape(&leaf.to_string())));
            });
            context.output.text(&text)
        }
    }
}

/// Returns everything that holds.
fn values(context: &Context) -> serde_json::Value {
    let places = &context.places;
    let configuration = &context.configuration;
    let plugins: serde_json::Map<String, serde_json::Value> = configuration
        .plugin
        .iter()
        .map(|(id, plugin)| (id.clone(), json!({ "settings": plugin.settings })))
        .collect();
    let unlock = &configuration.unlock;
    let span = |span: Option<Span>, otherwise| span.unwrap_or(Span(Some(otherwise)));
    json!({
        "places": {
            "store": places.store,
            "config": context.config_file,
            "device_key": places.device_key(),
            "log": log::file(&places.state),
            "cache": places.cache,
            "bundled_plugins": places.bundled_plugins,
            "installed_plugins": places.installed_plugins(),
            "known_hosts": places.known_hosts_files,
            "policies": places.policies.iter().chain(&places.further_policy).collect::<Vec<_>>(),
        },
        "log": { "level": context.log_level },
        "unlock": { "for": span(unlock.whole, WHOLE), "idle": span(unlock.idle, IDLE) },
        "settings": configuration.settings,
        "policy": configuration.policy,
        "plugin": plugins,
    })
}

fn show(context: &Context) -> Result<(), CliError> {
    let mut value = values(context);
    let text = file::read(&context.config_file)?.unwrap_or_default();
    let mut lines = String::new();
    let mut sources = serde_json::Map::new();
    flatten("", &value, &mut |path, leaf| {
        let source = source(context, path, &text);
        sources.insert(path.to_owned(), source.into());
        lines.push_str(&format!("{} = {}  ({source})\n", escape(path), escape(&leaf.to_string())));
    });
    if context.output.json() {
        if let Some(fields) = value.as_object_mut() {
            fields.insert("sources".to_owned(), sources.into());
        }
        return context.output.value(&value);
    }
    context.output.text(&lines)
}

/// Says where a value comes from.
fn source(context: &Context, path: &str, text: &str) -> &'static str {
    match path {
        "places.store" if context.store_named => "--store or OSTLER_STORE",
        "places.config" if context.config_named.is_some() => "--config or OSTLER_CONFIG",
        "log.level" if std::env::var_os("OSTLER_LOG").is_some_and(|level| !level.is_empty()) => "OSTLER_LOG",
        path if path.starts_with("places.") => "default",
        path if file::keys(path).is_ok_and(|keys| file::sets(text, &keys)) => "file",
        _ => "default",
    }
}

/// Takes a value apart: each leaf with the path of keys that leads to it, as TOML writes it.
fn flatten(path: &str, value: &serde_json::Value, take: &mut impl FnMut(&str, &serde_json::Value)) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, inner) in fields {
                // A key with a dot is quoted, as TOML does, so that the path can be read.
                let key = if key.contains('.') { format!("\"{key}\"") } else { key.clone() };
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, inner, take);
            }
        }
        leaf => take(path, leaf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_one_to_a_line() {
        let value = json!({ "a": { "b.c": 1, "d": ["x"] }, "e": null });
        let mut text = String::new();
        flatten("", &value, &mut |path, leaf| text.push_str(&format!("{path} = {leaf}\n")));
        assert_eq!(text, "a.\"b.c\" = 1\na.d = [\"x\"]\ne = null\n");
    }
}
