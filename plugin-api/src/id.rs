//! Plugin ids: `publisher.name`, as manifests, grants and logs write them.
//!
//! An id says nothing about trust: who published a plugin is proved by digest or signature, never by its id.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The text is not a plugin id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a plugin id: expected publisher and name such as 'acme.importer-xyz', of a-z, 0-9 and '-', at most 100 bytes"
)]
pub struct PluginIdError;

/// Names a plugin: `publisher.name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginId(String);

impl PluginId {
    /// Checks a plugin id.
    ///
    /// # Errors
    /// Refuses all but two words of `a-z`, `0-9` and `-` with one dot between them, 100 bytes at most.
    pub fn new(id: &str) -> Result<Self, PluginIdError> {
        let word = |text: &str| {
            !text.is_empty()
                && !text.starts_with('-')
                && !text.ends_with('-')
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        match id.split_once('.') {
            Some((publisher, name)) if word(publisher) && word(name) && id.len() <= 100 => {
                Ok(Self(id.to_owned()))
            }
            _ => Err(PluginIdError),
        }
    }

    /// Returns the whole id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the dot.
    #[must_use]
    pub fn publisher(&self) -> &str {
        self.0.split_once('.').map_or("", |(publisher, _)| publisher)
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PluginId {
    type Error = PluginIdError;
    fn try_from(id: String) -> Result<Self, PluginIdError> {
        Self::new(&id)
    }
}

impl From<PluginId> for String {
    fn from(id: PluginId) -> Self {
        id.0
    }
}
