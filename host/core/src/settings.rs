//! Settings of connections and folders, and how they are inherited (feature CM-17).
//!
//! Knows no setting by name: what a key means is the business of the launcher that reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One value of a setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Several texts, in order.
    List(Vec<String>),
}

impl std::fmt::Display for SettingValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => f.write_str(&items.join(", ")),
        }
    }
}

/// Settings by key, such as `ssh.keepalive-seconds`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(pub BTreeMap<String, SettingValue>);

impl Settings {
    /// Lays the given layers over each other: the first that knows a key gives its value.
    #[must_use]
    pub fn effective<'a>(nearest_first: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = BTreeMap::new();
        for layer in nearest_first {
            for (key, value) in &layer.0 {
                all.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        Self(all)
    }

    /// Sets the values that are given, and removes what is named without one.
    pub fn change(&mut self, changes: &BTreeMap<String, Option<SettingValue>>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.0.insert(key.clone(), value.clone()),
                None => self.0.remove(key),
            };
        }
    }

    /// Returns the value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&SettingValue> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_sets_what_has_a_value_and_removes_what_has_none() {
        let mut settings =
            Settings([("a", 1), ("b", 2)].map(|(key, n)| (key.to_owned(), SettingValue::Integer(n))).into());
        settings.change(&[("a".to_owned(), None), ("c".to_owned(), Some(SettingValue::Flag(true)))].into());
        assert_eq!(settings.0.keys().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn the_nearest_layer_wins_key_by_key() {
        let own = Settings([("a".to_owned(), SettingValue::Integer(1))].into());
        let folder = Settings(
            [("a".to_owned(), SettingValue::Integer(2)), ("b".to_owned(), SettingValue::Flag(true))].into(),
        );
        let all = Settings::effective([&own, &folder]);
        assert_eq!(all.get("a"), Some(&SettingValue::Integer(1)));
        assert_eq!(all.get("b"), Some(&SettingValue::Flag(true)));
    }
}
