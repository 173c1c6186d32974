//! The rules: what an administrator decided, as the `[policy]` table of the configuration.
//!
//! ```toml
//! [policy]
//! record = "always"                   # always, never, or by-setting (default)
//! deny-kinds = ["telnet"]             # types of connection, or protocols of plans
//! deny-local-credentials = true       # no passwords and keys with connections and folders: they come from a source, or are asked for
//! deny-hosts = ["*.prod.example"]     # names and addresses; * stands for any characters
//! crash-reports = "with-input"        # none, without-input (default), or with-input: what a plugin was given stands in its report
//!
//! [[policy.native]]                   # native plugins that may run, each by its file
//! id = "ostler.credential-pkcs11"
//! digest = "sha256:..."
//! ```
//!
//! An unknown key is an error: a rule that was misspelt must not be a rule that is not there.

use serde::{Deserialize, Serialize};

use ostler_plugin_api::PluginId;

use crate::HostPattern;

/// What an administrator decided. Without any rule, everything may open, and the setting `recording` decides about
/// recording.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rules {
    /// Which sessions are recorded.
    pub record: RecordRule,
    /// Types of connection, or protocols of plans, that may not open.
    pub deny_kinds: Vec<String>,
    /// Hosts that no session may connect to.
    pub deny_hosts: Vec<HostPattern>,
    /// Whether credentials that are stored with a connection or folder are refused, and taken out of what is imported.
    pub deny_local_credentials: bool,
    /// Native plugins that may run; no other may.
    pub native: Vec<NativePin>,
    /// What is kept of a plugin's crash.
    pub crash_reports: CrashReports,
}

/// What is kept of a plugin's crash, in the store, sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CrashReports {
    /// Nothing but its line in the audit log.
    None,
    /// What ended the call.
    #[default]
    WithoutInput,
    /// What the plugin was given, too: a launch without its secrets, or the first bytes of a file.
    WithInput,
}

/// A native plugin that an administrator vouches for: this file and no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NativePin {
    /// The plugin's id, publisher and name, such as `ostler.credential-pkcs11`.
    pub id: PluginId,
    /// The digest of its file, `sha256:<hex>`.
    pub digest: String,
}

impl Rules {
    /// Decides whether a native plugin may run.
    ///
    /// # Errors
    /// Says what an administrator would have to write.
    pub fn decide_native(&self, id: &PluginId, digest: &str) -> Result<(), String> {
        match self.native.iter().find(|pin| pin.id == *id) {
            Some(pin) if pin.digest == digest => Ok(()),
            Some(_) => {
                Err(format!("the policy pins another file of the native plugin '{id}' (native, digest)"))
            }
            None => Err(format!(
                "native plugins run only where the policy pins them: [[policy.native]] id = \"{id}\" digest = \"{digest}\""
            )),
        }
    }
}

/// Which sessions are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordRule {
    /// All. A session that can't be recorded does not open.
    Always,
    /// None.
    Never,
    /// What the setting `recording` of connection, folder or configuration says: `on`, `off` or `required`. Where nothing
    /// is set, sessions are recorded.
    #[default]
    BySetting,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_as_documented() {
        let text = "record = \"always\"\ndeny-kinds = [\"telnet\"]\ndeny-hosts = [\"*.prod.example\"]\n\
            crash-reports = \"with-input\"\ndeny-local-credentials = true";
        let expected = Rules {
            record: RecordRule::Always,
            deny_kinds: vec!["telnet".to_owned()],
            deny_hosts: vec![HostPattern::new("*.prod.example").unwrap()],
            deny_local_credentials: true,
            native: Vec::new(),
            crash_reports: CrashReports::WithInput,
        };
        assert_eq!(toml::from_str(text), Ok(expected));
        assert_eq!(toml::from_str(""), Ok(Rules::default()));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for text in [
            "records = \"always\"",
            "record = \"sometimes\"",
            "deny_kinds = []",
            "crash-reports = true",
            "deny-hosts = [\"\"]",
        ] {
            assert!(toml::from_str::<Rules>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_native_plugin_runs_only_where_its_very_file_is_pinned() {
        let id = PluginId::new("acme.token").unwrap();
        let rules: Rules = toml::from_str("[[native]]\nid = \"acme.token\"\ndigest = \"sha256:1\"").unwrap();
        assert_eq!(rules.decide_native(&id, "sha256:1"), Ok(()));
        assert!(rules.decide_native(&id, "sha256:2").unwrap_err().contains("another file"));
        assert!(Rules::default().decide_native(&id, "sha256:1").unwrap_err().contains("[[policy.native]]"));
    }
}
