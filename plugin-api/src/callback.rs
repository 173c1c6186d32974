//! Callbacks: what a plugin listens for, and what of a request it may read. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::projection::{check_paths, check_slots, project};
use crate::{Projected, ProjectedBody, ProjectedSlot};

/// What of the requests to one callback a plugin may read.
///
/// Paths look into `{ "query": {..}, "form": {..}, "json": .. }`: the parameters of the query, those of a form, and a body of JSON. A
/// parameter that stands there several times is a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Callback {
    /// What it is for; the plugin opens it by this.
    pub purpose: String,
    /// The one part of its path, where another system wants to know it before: 1 to 48 of `a-z`, `0-9` and `-`. Else it is one that nobody
    /// guesses.
    #[serde(default)]
    pub path: Option<String>,
    /// Paths that may be read.
    #[serde(default)]
    pub read: Vec<String>,
    /// Headers that may be read.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Values that become slots, named `inbound.` and so; they are not readable, whatever `read` says.
    #[serde(default)]
    pub slots: Vec<ProjectedSlot>,
    /// What of the body is read.
    #[serde(default)]
    pub body: ProjectedBody,
}

impl Callback {
    /// Checks that it can be understood, and that it is not so wide that it says nothing.
    ///
    /// # Errors
    /// Says which part, and why.
    pub fn check(&self) -> Result<(), String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = |text: &str| (1..=48).contains(&text.len()) && text.chars().all(fits);
        for (what, text) in
            std::iter::once(("purpose", &self.purpose)).chain(self.path.iter().map(|path| ("path", path)))
        {
            if !fits(text) {
                return Err(format!("'{what}' must be 1 to 48 of a-z, 0-9 and '-'"));
            }
        }
        check_paths(self.read.iter().chain(self.slots.iter().map(|slot| &slot.path)))?;
        check_slots(&self.slots)?;
        if self.body == ProjectedBody::All && !(self.read.is_empty() && self.slots.is_empty()) {
            return Err("body = \"all\" leaves nothing to 'read' and 'slots'".to_owned());
        }
        Ok(())
    }

    /// Takes out of a request what may be read and what becomes a slot.
    #[must_use]
    pub fn project(&self, request: Value) -> Projected {
        project(&self.read, &self.slots, request)
    }

    /// Returns for people what the plugin listens for, and what it reads.
    #[must_use]
    pub fn reads(&self) -> String {
        let headers = self.headers.iter().map(|name| format!("header {name}"));
        let all = (self.body == ProjectedBody::All).then(|| "all".to_owned());
        let parts: Vec<String> = self.read.iter().cloned().chain(headers).chain(all).collect();
        let parts = if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") };
        format!("{parts} of calls for '{}'", self.purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callback_that_is_misspelt_or_too_wide_is_refused() {
        let callback = |toml: &str| toml::from_str::<Callback>(toml).unwrap().check();
        callback("purpose = \"sign-in\"\npath = \"oauth\"\nread = [\"$.query.state\"]\nslots = [{ path = \"$.query.code\", name = \"code\", field = \"code\" }]").unwrap();
        callback("purpose = \"hook\"\nbody = \"all\"\nheaders = [\"x-signature\"]").unwrap();
        for wrong in [
            "purpose = \"Sign in\"",
            "purpose = \"\"",
            "purpose = \"a\"\npath = \"a/b\"",
            "purpose = \"a\"\nread = [\"$\"]",
            "purpose = \"a\"\nread = [\"$.*\"]",
            "purpose = \"a\"\nbody = \"all\"\nread = [\"$.json.a\"]",
            "purpose = \"a\"\nslots = [{ path = \"$.query.code\", name = \"A\", field = \"code\" }]",
        ] {
            assert!(callback(wrong).is_err(), "{wrong}");
        }
    }
}
