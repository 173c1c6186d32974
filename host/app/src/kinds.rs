//! The types of connection that can be stored, with their default ports: the well-known ones, and those of the launchers.
//!
//! A well-known type can be stored although no launcher opens it yet: imports must lose nothing. Any other is one that some
//! launcher opens, so that a misspelt word is no type.

use std::collections::BTreeMap;

use ostler_plugin_api::Kind;

use crate::crashes::CrashInput;
use crate::plugins::plugin_id;
use crate::{AppError, Host};

/// The well-known types and their ports.
const KNOWN: [(&str, u16); 4] = [("ssh", 22), ("rdp", 3389), ("telnet", 23), ("vnc", 5900)];

/// Well-known types whose log-ins have no user name: nobody is asked for one.
const WITHOUT_USER: [&str; 1] = ["vnc"];

/// Whether a log-in of a type may need a user name.
pub(crate) fn has_user(kind: &str) -> bool {
    !WITHOUT_USER.contains(&kind)
}

/// Whether a type is the name of the protocol that its plans must speak.
pub(crate) fn names_protocol(kind: &str) -> bool {
    KNOWN.iter().any(|(known, _)| *known == kind)
}

/// Types of connection, each with its default port.
pub(crate) struct Kinds(BTreeMap<String, u16>);

impl Kinds {
    fn well_known() -> Self {
        Self(KNOWN.map(|(kind, port)| (kind.to_owned(), port)).into())
    }

    /// Returns the default port of a type.
    ///
    /// # Errors
    /// Fails where there is no such type, with those that there are.
    pub(crate) fn default_port(&self, kind: &str) -> Result<u16, AppError> {
        self.0.get(kind).copied().ok_or_else(|| {
            let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
            let reason = format!(
                "'{kind}' is unknown; there are {}; other types come with their plugins",
                names.join(", ")
            );
            AppError::bad("type", reason)
        })
    }
}

impl Host {
    /// Returns the types of connection, those of launchers only where one that is wanted is not well known: asking them
    /// means loading them.
    pub(crate) async fn kinds<'a>(
        &self,
        wanted: impl IntoIterator<Item = &'a str>,
    ) -> Result<Kinds, AppError> {
        let mut kinds = Kinds::well_known();
        if wanted.into_iter().all(|kind| kinds.0.contains_key(kind)) {
            return Ok(kinds);
        }
        for found in self.enabled_plugins(Kind::Launcher)? {
            let plugin = self.load(&found)?;
            match plugin.launcher_kinds().await {
                Ok(own) => kinds.0.extend(own.into_iter().map(|info| (info.kind, info.default_port))),
                // One broken launcher must not keep the others from being asked.
                Err(error) => {
                    tracing::warn!(plugin = plugin_id(&found), %error, "launcher could not be asked");
                    self.count_use(&found, &plugin, &|| Some(CrashInput::Nothing))?;
                }
            }
        }
        Ok(kinds)
    }
}
