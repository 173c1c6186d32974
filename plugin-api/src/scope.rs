//! Scopes: how far a capability reaches, as manifests, policies and users write it.
//!
//! Compares text and literal addresses. Never resolves a name, never touches a file.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{CommandPattern, HostPattern, HostPatternError, Invocation};

/// A kind of bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parameter {
    /// Hosts by name or address.
    Hosts,
    /// Addresses that are closed otherwise, such as loopback.
    Addresses,
    /// Folders of connections.
    Folders,
    /// Programs of this machine.
    Programs,
    /// Files, folders and sockets of this machine.
    Files,
    /// Names of events.
    Events,
}

impl Parameter {
    /// Returns the name, as manifests and policies write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Addresses => "addresses",
            Self::Folders => "folders",
            Self::Programs => "programs",
            Self::Files => "files",
            Self::Events => "events",
        }
    }
}

/// One layer of bounds. What a layer does not name (`None`) it does not bound; an empty list covers nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scope {
    /// Hosts, such as `api.example.com`, `*.example.com:8443`, `http://intranet`, or `setting:server`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostScope>>,
    /// Addresses that are closed otherwise, such as `127.0.0.1` or `10.0.0.0/8`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Vec<AddressRange>>,
    /// Folders of connections with everything below, such as `Servers/Production` or, meaning the same,
    /// `Servers/Production/*`; `*` is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folders: Option<Vec<String>>,
    /// Programs and how they may be started, such as `/usr/bin/pass show *`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub programs: Option<Vec<CommandPattern>>,
    /// Files and folders with what may be done, such as `read:/etc/hosts` or `write:/srv/out/**`; `read:*` is what another
    /// layer names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<String>>,
    /// Names of events; `*` at the end stands for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<String>>,
    /// What is read of answers and outputs, as the manifest's projections and outputs say it for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reads: Option<Vec<String>>,
}

impl Scope {
    /// Returns the parameters that the layer bounds.
    pub fn named(&self) -> impl Iterator<Item = Parameter> {
        [
            (self.hosts.is_some(), Parameter::Hosts),
            (self.addresses.is_some(), Parameter::Addresses),
            (self.folders.is_some(), Parameter::Folders),
            (self.programs.is_some(), Parameter::Programs),
            (self.files.is_some(), Parameter::Files),
            (self.events.is_some(), Parameter::Events),
        ]
        .into_iter()
        .filter_map(|(named, parameter)| named.then_some(parameter))
    }

    /// Tells whether the layer covers a host and port. `plain` says that the traffic is not encrypted by TLS, which a
    /// scope has to name (`http://`). `setting` resolves the plugin's settings to the host scope that they name.
    pub fn covers_host(
        &self,
        host: &str,
        port: u16,
        plain: bool,
        setting: &dyn Fn(&str) -> Option<HostScope>,
    ) -> bool {
        covers(self.hosts.as_deref(), |scope| match scope {
            HostScope::Setting(key) => {
                setting(key).is_some_and(|resolved| resolved.covers(host, port, plain))
            }
            scope => scope.covers(host, port, plain),
        })
    }

    /// Tells whether the layer opens an address that is closed otherwise.
    #[must_use]
    pub fn covers_address(&self, address: IpAddr) -> bool {
        covers(self.addresses.as_deref(), |range| range.contains(address))
    }

    /// Tells whether the layer covers a folder, given by the names on its path, outermost first.
    #[must_use]
    pub fn covers_folder(&self, path: &[&str]) -> bool {
        covers(self.folders.as_deref(), |folder| {
            let below = folder.strip_suffix("/*").unwrap_or(folder);
            let mut names = below.split('/').filter(|name| !name.is_empty()).peekable();
            // A text without a name is a slip of the pen: all is written '*'.
            folder == "*"
                || names.peek().is_some() && {
                    let mut path = path.iter();
                    names.all(|name| path.next() == Some(&name))
                }
        })
    }

    /// Tells whether the layer covers what a projection or an output reads.
    #[must_use]
    pub fn covers_read(&self, reads: &str) -> bool {
        covers(self.reads.as_deref(), |known| known == reads)
    }

    /// Tells whether every one of the layers covers a start of a program, and one of them by the program's name: `*` alone names nothing.
    #[must_use]
    pub fn all_cover_command(layers: &[&Self], invocation: &Invocation<'_>) -> bool {
        let bounds = || layers.iter().filter_map(|layer| layer.programs.as_ref());
        bounds().all(|known| known.iter().any(|pattern| pattern.covers(invocation)))
            && bounds().flatten().any(|pattern| !pattern.is_any() && pattern.covers(invocation))
    }

    /// Returns the paths that every one of the layers covers for one way of access (`read`, `write`, `watch`, `socket`): those that some layer
    /// names, without `/**` at their end, and no other layer leaves out. `*` alone names nothing.
    #[must_use]
    pub fn files_in_all(layers: &[&Self], access: &str) -> Vec<String> {
        let of_access = |layer: &Self| -> Option<Vec<String>> {
            let files = layer.files.as_ref()?;
            let paths = files.iter().filter_map(|file| file.strip_prefix(access)?.strip_prefix(':'));
            Some(paths.map(|path| path.strip_suffix("/**").unwrap_or(path).to_owned()).collect())
        };
        let bounds: Vec<Vec<String>> = layers.iter().filter_map(|layer| of_access(layer)).collect();
        let covered = |path: &str| {
            let below = |known: &String| {
                known == "*"
                    || path == known
                    || path.strip_prefix(known).is_some_and(|rest| rest.starts_with('/'))
            };
            bounds.iter().all(|known| known.iter().any(below))
        };
        let mut named: Vec<String> =
            bounds.iter().flatten().filter(|path| *path != "*" && covered(path)).cloned().collect();
        named.sort();
        named.dedup();
        named
    }

    /// Tells whether the layer covers an event.
    #[must_use]
    pub fn covers_event(&self, event: &str) -> bool {
        covers(self.events.as_deref(), |known| match known.strip_suffix('*') {
            Some(beginning) => event.starts_with(beginning),
            None => known == event,
        })
    }
}

impl std::fmt::Display for Scope {
    /// Writes the bounds for people, such as `hosts a.example, b.example; folders Lab`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fn words<T: ToString>(list: Option<&Vec<T>>) -> Option<String> {
            let words: Vec<String> = list?.iter().map(ToString::to_string).collect();
            Some(if words.is_empty() { "none".to_owned() } else { words.join(", ") })
        }
        let lists = [
            (Parameter::Hosts, words(self.hosts.as_ref())),
            (Parameter::Addresses, words(self.addresses.as_ref())),
            (Parameter::Folders, words(self.folders.as_ref())),
            (Parameter::Programs, words(self.programs.as_ref())),
            (Parameter::Files, words(self.files.as_ref())),
            (Parameter::Events, words(self.events.as_ref())),
        ];
        let named = lists.into_iter().filter_map(|(parameter, words)| Some((parameter.name(), words?)));
        let named = named.chain(words(self.reads.as_ref()).map(|words| ("reads", words)));
        let parts: Vec<String> = named.map(|(name, words)| format!("{name} {words}")).collect();
        f.write_str(&parts.join("; "))
    }
}

fn covers<T>(list: Option<&[T]>, fits: impl FnMut(&T) -> bool) -> bool {
    list.is_none_or(|list| list.iter().any(fits))
}

/// The text is no host of a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostScopeError {
    /// The host.
    #[error(transparent)]
    Host(#[from] HostPatternError),
    /// The port, or what stands before the host.
    #[error("'{0}' is no host of a scope: expected 'name', 'name:port', 'http://name' or 'setting:key'")]
    Shape(String),
}

/// Hosts of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostScope {
    /// Hosts by name or address.
    Named {
        /// The hosts.
        pattern: HostPattern,
        /// The port; none is every port.
        port: Option<u16>,
        /// Whether traffic without TLS is covered, too.
        plain: bool,
    },
    /// The host that a setting of the plugin names, such as the server it was configured for.
    Setting(String),
}

impl HostScope {
    /// Reads a host of a scope.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn new(text: &str) -> Result<Self, HostScopeError> {
        let shape = || HostScopeError::Shape(text.to_owned());
        if let Some(key) = text.strip_prefix("setting:") {
            return if key.is_empty() { Err(shape()) } else { Ok(Self::Setting(key.to_owned())) };
        }
        let plain = text.strip_prefix("http://");
        let rest = plain.or_else(|| text.strip_prefix("https://")).unwrap_or(text);
        let (host, port) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']').ok_or_else(shape)?;
                (
                    host,
                    if behind.is_empty() { None } else { Some(behind.strip_prefix(':').ok_or_else(shape)?) },
                )
            }
            None if rest.matches(':').count() == 1 => {
                rest.split_once(':').map(|(host, port)| (host, Some(port))).ok_or_else(shape)?
            }
            None => (rest, None),
        };
        let port = port.map(str::parse::<u16>).transpose().map_err(|_| shape())?;
        if port == Some(0) {
            return Err(shape());
        }
        Ok(Self::Named { pattern: HostPattern::new(host)?, port, plain: plain.is_some() })
    }

    fn covers(&self, to: &str, at: u16, unencrypted: bool) -> bool {
        match self {
            Self::Named { pattern, port, plain } => {
                pattern.matches(to) && port.is_none_or(|port| port == at) && (*plain || !unencrypted)
            }
            Self::Setting(_) => false,
        }
    }
}

impl std::fmt::Display for HostScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Setting(key) => write!(f, "setting:{key}"),
            Self::Named { pattern, port, plain } => {
                f.write_str(if *plain { "http://" } else { "" })?;
                match (pattern.as_str(), port) {
                    (host, Some(port)) if host.contains(':') => write!(f, "[{host}]:{port}"),
                    (host, Some(port)) => write!(f, "{host}:{port}"),
                    (host, None) => f.write_str(host),
                }
            }
        }
    }
}

impl std::str::FromStr for HostScope {
    type Err = HostScopeError;
    fn from_str(text: &str) -> Result<Self, HostScopeError> {
        Self::new(text)
    }
}

impl TryFrom<String> for HostScope {
    type Error = HostScopeError;
    fn try_from(text: String) -> Result<Self, HostScopeError> {
        Self::new(&text)
    }
}

impl From<HostScope> for String {
    fn from(scope: HostScope) -> Self {
        scope.to_string()
    }
}

/// The text is no range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{0}' is no range of addresses: expected an address such as '127.0.0.1', or a range such as '10.0.0.0/8'"
)]
pub struct AddressRangeError(String);

/// A range of addresses (RFC 4632 notation). An IPv4 address in IPv6 form counts as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AddressRange(IpNet);

impl AddressRange {
    /// Reads a range.
    ///
    /// # Errors
    /// Says what was expected.
    pub fn new(text: &str) -> Result<Self, AddressRangeError> {
        let range = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let range = range.map_err(|_| AddressRangeError(text.to_owned()))?;
        match range.addr() == range.addr().to_canonical() {
            true => Ok(Self(range)),
            false if range.prefix_len() == range.max_prefix_len() => {
                Ok(Self(range.addr().to_canonical().into()))
            }
            false => Err(AddressRangeError(text.to_owned())),
        }
    }

    /// Tells whether an address is in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl std::fmt::Display for AddressRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for AddressRange {
    type Err = AddressRangeError;
    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        Self::new(text)
    }
}

impl TryFrom<String> for AddressRange {
    type Error = AddressRangeError;
    fn try_from(text: String) -> Result<Self, AddressRangeError> {
        Self::new(&text)
    }
}

impl From<AddressRange> for String {
    fn from(range: AddressRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(toml: &str) -> Scope {
        toml::from_str(toml).unwrap()
    }

    #[test]
    fn hosts_are_covered_by_name_port_and_scheme() {
        let scope = scope(
            r#"hosts = ["api.example", "*.lab:8443", "http://intranet", "[::1]:80", "setting:server"]"#,
        );
        let setting = |key: &str| (key == "server").then(|| HostScope::new("vault.example:443").unwrap());
        let covers = |host, port, plain| scope.covers_host(host, port, plain, &setting);
        assert!(covers("api.example", 443, false) && covers("API.example.", 9, false));
        assert!(!covers("api.example", 80, true), "without TLS it has to be named");
        assert!(covers("a.lab", 8443, false) && !covers("a.lab", 443, false));
        assert!(covers("intranet", 80, true));
        assert!(covers("::1", 80, false) && !covers("::1", 81, false));
        assert!(covers("vault.example", 443, false) && !covers("vault.example", 80, false));
        assert!(!covers("evil.example", 443, false));
    }

    #[test]
    fn a_layer_bounds_only_what_it_names() {
        assert!(Scope::default().covers_host("x", 1, true, &|_| None));
        assert!(!scope("hosts = []").covers_host("x", 1, false, &|_| None));
        assert!(Scope::default().covers_folder(&["a"]));
    }

    #[test]
    fn addresses_are_covered_by_range() {
        let scope = scope(r#"addresses = ["127.0.0.1", "10.0.0.0/8", "fd00::/8", "0.0.0.0/32"]"#);
        let covers = |address: &str| scope.covers_address(address.parse().unwrap());
        for inside in ["127.0.0.1", "::ffff:127.0.0.1", "10.255.0.1", "fd12::1", "0.0.0.0"] {
            assert!(covers(inside), "{inside}");
        }
        for outside in ["127.0.0.2", "11.0.0.1", "fe80::1", "::1"] {
            assert!(!covers(outside), "{outside}");
        }
        assert!(AddressRange::new("0.0.0.0/0").unwrap().contains("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn a_folder_covers_what_is_below_it() {
        let lab = scope(r#"folders = ["Servers/Lab"]"#);
        assert!(lab.covers_folder(&["Servers", "Lab"]) && lab.covers_folder(&["Servers", "Lab", "A"]));
        assert!(!lab.covers_folder(&["Servers"]) && !lab.covers_folder(&["Servers", "Laboratory"]));
        assert!(scope(r#"folders = ["*"]"#).covers_folder(&[]));
        let lab = scope(r#"folders = ["Servers/*"]"#);
        assert!(lab.covers_folder(&["Servers"]) && lab.covers_folder(&["Servers", "Lab"]));
        assert!(!lab.covers_folder(&["Serv"]) && !lab.covers_folder(&[]));
        let slip = scope(r#"folders = ["", "/"]"#);
        assert!(!slip.covers_folder(&["Servers"]), "a slip of the pen is not everything");
    }

    #[test]
    fn files_are_those_that_all_layers_cover() {
        let asked = scope(r#"files = ["read:*"]"#);
        let user =
            scope(r#"files = ["read:/etc/token.conf", "read:/srv/tokens/**", "write:/srv/tokens/**"]"#);
        let policy = scope(r#"files = ["read:/srv/**"]"#);
        let read = |layers: &[&Scope]| Scope::files_in_all(layers, "read");
        assert_eq!(read(&[&asked, &user]), ["/etc/token.conf", "/srv/tokens"]);
        assert_eq!(read(&[&asked, &user, &policy]), ["/srv/tokens"]);
        assert_eq!(read(&[&asked]), Vec::<String>::new());
        assert_eq!(
            Scope::files_in_all(&[&asked, &user], "write"),
            Vec::<String>::new(),
            "it was not asked for"
        );
        let sibling = scope(r#"files = ["read:/srv/tokens-other"]"#);
        assert_eq!(read(&[&scope(r#"files = ["read:/srv/tokens/**"]"#), &sibling]), Vec::<String>::new());
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for text in [
            r#"hosts = ["a b"]"#,
            r#"hosts = ["a:b"]"#,
            r#"hosts = ["a:0"]"#,
            r#"hosts = ["setting:"]"#,
            r#"hosts = ["[::1"]"#,
            r#"addresses = ["10.0.0.0/33"]"#,
            r#"addresses = ["localhost"]"#,
            "host = []",
        ] {
            assert!(toml::from_str::<Scope>(text).is_err(), "{text}");
        }
    }
}
