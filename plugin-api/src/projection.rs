//! Projections: what of an HTTP response a plugin may read, and what of it becomes a slot.
//!
//! Pure. A response that no projection matches gives its status only. Paths are JSONPath (RFC 9535).

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{HostPattern, wildcard_matches};

/// The most values that one response gives as slots.
const MOST_SLOTS: usize = 64;

/// What of a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectedBody {
    /// What the paths name.
    #[default]
    Json,
    /// All of it, as bytes: the plugin reads whatever the server sends.
    All,
}

/// A secret of a response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProjectedSlot {
    /// The path of the value, a text.
    pub path: String,
    /// The slot is `http.` and this: 1 to 48 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The field that the secret is for, such as `password`.
    pub field: String,
}

/// What of the responses of some URLs a plugin may read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Projection {
    /// The method; none is every one.
    #[serde(default)]
    pub method: Option<String>,
    /// The URL without a query, such as `https://*.example.com/api/*`; `*` stands for any characters. A host `*` is every host of
    /// the grant.
    pub url: String,
    /// Paths that may be read.
    #[serde(default)]
    pub read: Vec<String>,
    /// Headers that may be read.
    #[serde(default)]
    pub headers: Vec<String>,
    /// Values that become slots; they are not readable, whatever `read` says.
    #[serde(default)]
    pub slots: Vec<ProjectedSlot>,
    /// What of the body is read.
    #[serde(default)]
    pub body: ProjectedBody,
}

/// What a projection makes of a JSON body.
#[derive(Debug, Default, PartialEq)]
pub struct Projected {
    /// For each readable path what it selected.
    pub readable: Vec<(String, Vec<Value>)>,
    /// The slots with their values.
    pub slots: Vec<(ProjectedSlot, String)>,
}

impl Projection {
    /// Checks that the projection can be understood, and that it is not so wide that it says nothing.
    ///
    /// # Errors
    /// Says which part, and why.
    pub fn check(&self) -> Result<(), String> {
        let Parts { scheme, host, path, .. } =
            self.parts().ok_or("'url' must be such as 'https://api.example.com/items/*'")?;
        if !["http", "https"].contains(&scheme) || HostPattern::new(host).is_err() || !path.starts_with('/') {
            return Err(format!("'{}' is no URL of a projection", self.url));
        }
        check_paths(self.read.iter().chain(self.slots.iter().map(|slot| &slot.path)))?;
        check_slots(&self.slots)?;
        if self.body == ProjectedBody::All && !(self.read.is_empty() && self.slots.is_empty()) {
            return Err("body = \"all\" leaves nothing to 'read' and 'slots'".to_owned());
        }
        Ok(())
    }

    /// Tells whether the projection is for a request. The path is without the query.
    #[must_use]
    pub fn matches(&self, method: &str, scheme: &str, host: &str, port: u16, path: &str) -> bool {
        let Some(own) = self.parts() else { return false };
        let usual = if scheme == "https" { 443 } else { 80 };
        self.method.as_deref().is_none_or(|own| own.eq_ignore_ascii_case(method))
            && own.scheme == scheme
            && own.port.map_or(own.host == "*" || port == usual, |own| own == port)
            && HostPattern::new(own.host).is_ok_and(|pattern| pattern.matches(host))
            && wildcard_matches(own.path, path)
    }

    /// Takes out of a body what may be read and what becomes a slot.
    #[must_use]
    pub fn project(&self, body: Value) -> Projected {
        project(&self.read, &self.slots, body)
    }

    /// Returns for people what the plugin reads, if anything.
    #[must_use]
    pub fn reads(&self) -> Option<String> {
        let headers = self.headers.iter().map(|name| format!("header {name}"));
        let all = (self.body == ProjectedBody::All).then(|| "all".to_owned());
        let parts: Vec<String> = self.read.iter().cloned().chain(headers).chain(all).collect();
        (!parts.is_empty()).then(|| format!("{} of {}", parts.join(", "), self.url))
    }

    fn parts(&self) -> Option<Parts<'_>> {
        let (scheme, rest) = self.url.split_once("://")?;
        let (authority, path) = rest.split_at_checked(rest.find('/')?)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (authority, None),
        };
        Some(Parts { scheme, host, port, path })
    }
}

/// Takes out of a value what may be read and what becomes a slot.
pub(crate) fn project(read: &[String], slots: &[ProjectedSlot], mut body: Value) -> Projected {
    let mut projected = Projected::default();
    for slot in slots {
        let Ok(path) = JsonPath::parse(&slot.path) else { continue };
        let places: Vec<String> =
            path.query_located(&body).iter().map(|node| node.location().to_json_pointer()).collect();
        for place in places {
            let Some(value) = body.pointer_mut(&place) else { continue };
            // What is a secret is not read by another path either.
            if let Value::String(text) = std::mem::take(value)
                && projected.slots.len() < MOST_SLOTS
            {
                projected.slots.push((slot.clone(), text));
            }
        }
    }
    for read in read {
        let Ok(path) = JsonPath::parse(read) else { continue };
        let nodes = path.query(&body).all().into_iter().cloned().collect();
        projected.readable.push((read.clone(), nodes));
    }
    projected
}

/// Checks that paths into JSON can be read, and that none selects everything.
pub(crate) fn check_paths<'a>(paths: impl Iterator<Item = &'a String>) -> Result<(), String> {
    for path in paths {
        JsonPath::parse(path).map_err(|error| format!("'{path}' is no JSONPath (RFC 9535): {error}"))?;
        let bare: String = path.chars().filter(|c| !c.is_whitespace()).collect();
        let narrow = bare.chars().any(|c| c.is_alphabetic());
        // A filter may hold for everything; a list of members may have a star in it.
        let wide = ["..*", "..[*", ",*", "*,", "?", "..["].iter().any(|wide| bare.contains(wide));
        if !narrow || wide || bare.matches("..").count() > 1 {
            return Err(format!("'{path}' selects everything; name the members, or say that all is read"));
        }
    }
    Ok(())
}

/// Checks the names of slots.
pub(crate) fn check_slots(slots: &[ProjectedSlot]) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = |name: &str| (1..=48).contains(&name.len()) && name.chars().all(fits);
    match slots.iter().find(|slot| !fits(&slot.name)) {
        Some(slot) => Err(format!("'{}' is no name of a slot: 1 to 48 of a-z, 0-9 and '-'", slot.name)),
        None => Ok(()),
    }
}

/// The parts of a projection's URL.
struct Parts<'a> {
    scheme: &'a str,
    host: &'a str,
    port: Option<u16>,
    path: &'a str,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn projection(toml: &str) -> Projection {
        toml::from_str(&format!("url = \"https://api.example/items/*\"\n{toml}")).unwrap()
    }

    #[test]
    fn a_projection_is_for_its_method_host_port_and_path() {
        let own = projection("method = \"GET\"");
        assert!(own.matches("get", "https", "api.example", 443, "/items/1/parts"));
        for (method, scheme, host, port, path) in [
            ("POST", "https", "api.example", 443, "/items/1"),
            ("GET", "http", "api.example", 80, "/items/1"),
            ("GET", "https", "evil.example", 443, "/items/1"),
            ("GET", "https", "api.example", 8443, "/items/1"),
            ("GET", "https", "api.example", 443, "/secrets/1"),
        ] {
            assert!(!own.matches(method, scheme, host, port, path), "{method} {scheme} {host} {port} {path}");
        }
    }

    #[test]
    fn what_is_a_slot_is_not_readable_by_any_other_path() {
        let own = projection(
            "read = [\"$.items[*]\", \"$.total\"]\nslots = [{ path = \"$.items[*].secret\", name = \"s\", field = \"password\" }]",
        );
        own.check().unwrap();
        let body = json!({"total": 1, "items": [{"name": "a", "secret": "hunter2"}], "other": "x"});
        let projected = own.project(body);
        assert_eq!(projected.slots.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["hunter2"]);
        assert_eq!(
            projected.readable,
            [
                ("$.items[*]".to_owned(), vec![json!({"name": "a", "secret": null})]),
                ("$.total".to_owned(), vec![json!(1)])
            ]
        );
    }

    #[test]
    fn a_projection_that_is_too_wide_or_misspelt_is_refused() {
        for text in [
            "read = [\"$\"]",
            "read = [\"$.*\"]",
            "read = [\"$[*]\"]",
            "read = [\"$..*\"]",
            "read = [\"$.a..[*]\"]",
            "read = [\"$.a..[ * ]\"]",
            "read = [\"$[?@]\"]",
            "read = [\"$[:]\"]",
            "read = [\"$[0]\"]",
            "read = [\"$['a',*]\"]",
            "read = [\"$..a..a..a\"]",
            "read = [\"items\"]",
            "slots = [{ path = \"$.a\", name = \"A B\", field = \"password\" }]",
            "body = \"all\"\nread = [\"$.a\"]",
        ] {
            assert!(projection(text).check().is_err(), "{text}");
        }
        let bad = Projection { url: "api.example".to_owned(), ..projection("") };
        assert!(bad.check().is_err());
        assert!(projection("body = \"all\"").check().is_ok());
        assert!(projection("read = [\"$..name\", \"$.a.*.b\"]").check().is_ok());
    }
}
