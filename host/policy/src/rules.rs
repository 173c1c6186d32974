//! The rules: what an administrator decided, as the `[policy]` table of the configuration.
//!
//! ```toml
//! [policy]
//! record = "always"                   # always, never, or by-setting (default)
//! deny-kinds = ["telnet"]             # types of connection, or protocols of plans
//! deny-hosts = ["*.prod.example"]     # names and addresses; * stands for any characters
//! ```
//!
//! An unknown key is an error: a rule that was misspelt must not be a rule that is not there.

use serde::{Deserialize, Serialize};

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
        let text = "record = \"always\"\ndeny-kinds = [\"telnet\"]\ndeny-hosts = [\"*.prod.example\"]";
        let expected = Rules {
            record: RecordRule::Always,
            deny_kinds: vec!["telnet".to_owned()],
            deny_hosts: vec![HostPattern::new("*.prod.example").unwrap()],
        };
        assert_eq!(toml::from_str(text), Ok(expected));
        assert_eq!(toml::from_str(""), Ok(Rules::default()));
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for text in
            ["records = \"always\"", "record = \"sometimes\"", "deny_kinds = []", "deny-hosts = [\"\"]"]
        {
            assert!(toml::from_str::<Rules>(text).is_err(), "{text}");
        }
    }
}
