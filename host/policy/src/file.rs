//! A policy file: what an administrator, or a user for themself, decided about plugins and launches.
//!
//! ```toml
//! record = "always"                    # these as in [policy] of the configuration
//! deny-kinds = ["telnet"]
//! deny-hosts = ["*.prod.example"]
//! deny-local-credentials = true
//! crash-reports = "without-input"
//!
//! [[native]]                           # native plugins that may run
//! id = "ostler.credential-pkcs11"
//! digest = "sha256:..."
//!
//! [[publisher]]                        # its plugins run only where one of these keys has signed them
//! name = "acme"
//! keys = ["RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"]
//!
//! [plugins]
//! publishers = ["bundled", "acme"]     # the first word of ids; 'bundled' are the plugins that come with the program
//! signatures = "required"              # or "optional": plugins of publishers that no [[publisher]] names
//! headless = "pre-granted"             # or "refuse": where nobody can be asked, install nothing that would ask
//!
//! [[plugins.allow]]                    # where any is named, no other plugin runs
//! id = "acme.importer-*"
//! versions = ">=1.2, <2"
//! digest = "sha256:..."
//!
//! [[plugins.deny]]                     # wins over what is allowed
//! id = "acme.importer-old"
//!
//! [[capability]]                       # the first entry that fits a plugin and a capability counts
//! name = "http"                        # "*" is every capability
//! plugins = "acme.*"                   # every plugin, where it is not named
//! grant = "ask"                        # deny, ask or pre-granted; not named: as without the policy
//! hosts = ["*.example.com"]            # no more than this: hosts, addresses, folders, programs, files, events
//! ```
//!
//! Reads text, never a file. An unknown key is an error: a rule that was misspelt must not be a rule that is not there.

use ostler_core::like;
use ostler_plugin_api::{Capability, Manifest, Scope, wildcard_matches};
use semver::VersionReq;
use serde::Deserialize;
use toml::Spanned;

use crate::{CrashReports, HostPattern, NativePin, RecordRule};

/// The publisher that stands for the plugins that come with the program.
pub(crate) const BUNDLED: &str = "bundled";

/// What is wrong with a policy file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}{}", .line.map(|line| format!("line {line}: ")).unwrap_or_default(),
    .near.as_ref().map(|near| format!("; did you mean '{near}'?")).unwrap_or_default())]
pub struct PolicyFileError {
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What may have been meant.
    pub near: Option<String>,
}

/// A policy file.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PolicyFile {
    /// Which sessions are recorded.
    pub record: Option<RecordRule>,
    /// Types of connection, or protocols of plans, that may not open.
    pub deny_kinds: Vec<String>,
    /// Hosts that no session may connect to.
    pub deny_hosts: Vec<HostPattern>,
    /// Whether credentials that are stored with a connection or folder are refused.
    pub deny_local_credentials: bool,
    /// What is kept of a plugin's crash.
    pub crash_reports: Option<CrashReports>,
    /// Native plugins that may run.
    pub native: Option<Vec<NativePin>>,
    /// Publishers with the keys that they sign with.
    #[serde(rename = "publisher")]
    pub publishers: Vec<Publisher>,
    /// Which plugins may run.
    pub plugins: PluginRules,
    /// How far capabilities reach, in the order in which they are looked through.
    #[serde(rename = "capability")]
    pub capabilities: Vec<Spanned<CapabilityRule>>,
}

/// A publisher whose plugins have to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The first word of the ids of its plugins.
    pub name: String,
    /// Its public keys, as minisign writes them.
    pub keys: Vec<String>,
}

/// What is wanted of plugins whose publisher no file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signatures {
    /// Nothing.
    #[default]
    Optional,
    /// They do not run.
    Required,
}

/// Which plugins may run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PluginRules {
    /// What is wanted of plugins whose publisher no [`Publisher`] names.
    pub signatures: Signatures,
    /// Publishers: the first words of ids, or `bundled`. A first word alone proves nothing; a digest does.
    pub publishers: Option<Vec<String>>,
    /// What becomes of a plugin that is installed where nobody can be asked.
    pub headless: Option<Headless>,
    /// The plugins that may run; where it is not named, all.
    pub allow: Option<Vec<Spanned<PluginMatch>>>,
    /// The plugins that may not.
    pub deny: Vec<Spanned<PluginMatch>>,
}

/// What becomes of a plugin that asks for more than it is granted without a question, where nobody can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Headless {
    /// It is installed, with what is granted without a question.
    #[default]
    PreGranted,
    /// It is not installed.
    Refuse,
}

/// Plugins by what is known of them; what is not named fits every plugin.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginMatch {
    /// The id; `*` stands for any characters.
    pub id: Option<String>,
    /// The versions.
    pub versions: Option<VersionReq>,
    /// The digest of the file, `sha256:<hex>`.
    pub digest: Option<String>,
}

/// What is decided about a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GrantRule {
    /// Given without asking, unless the user took it.
    PreGranted,
    /// Given where the user gave it.
    Ask,
    /// Not given.
    Deny,
}

/// What is decided about a capability of some plugins.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(from = "WrittenRule")]
pub struct CapabilityRule {
    /// The capability; none is every one.
    pub name: Result<Option<Capability>, String>,
    /// The plugins, with `*` for any characters.
    pub plugins: String,
    /// Whether it is given; none says nothing about it.
    pub grant: Option<GrantRule>,
    /// How far it reaches.
    pub scope: Scope,
}

/// A rule as the file writes it: the parameters stand beside the name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenRule {
    name: String,
    #[serde(default = "everything")]
    plugins: String,
    grant: Option<GrantRule>,
    hosts: Option<Vec<ostler_plugin_api::HostScope>>,
    addresses: Option<Vec<ostler_plugin_api::AddressRange>>,
    folders: Option<Vec<String>>,
    programs: Option<Vec<ostler_plugin_api::CommandPattern>>,
    files: Option<Vec<String>>,
    events: Option<Vec<String>>,
}

fn everything() -> String {
    "*".to_owned()
}

impl From<WrittenRule> for CapabilityRule {
    fn from(written: WrittenRule) -> Self {
        let WrittenRule { name, plugins, grant, hosts, addresses, folders, programs, files, events } =
            written;
        let name = match name.as_str() {
            "*" => Ok(None),
            // Kept for the check, which tells what may have been meant.
            other => other.parse().map(Some).map_err(|_| name),
        };
        Self {
            name,
            plugins,
            grant,
            scope: Scope { hosts, addresses, folders, programs, files, events, reads: None },
        }
    }
}

/// What is known of a plugin when policy is asked about it.
#[derive(Debug, Clone, Copy)]
pub struct PluginFacts<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// The digest of its file, `sha256:<hex>`.
    pub digest: &'a str,
    /// Whether it came with the program.
    pub bundled: bool,
    /// The public key that its file is signed with, where that was verified when it was installed.
    pub signed_by: Option<&'a str>,
}

impl PluginMatch {
    pub(crate) fn fits(&self, facts: &PluginFacts<'_>) -> bool {
        self.id.as_ref().is_none_or(|id| wildcard_matches(id, facts.manifest.id.as_str()))
            && self.versions.as_ref().is_none_or(|versions| versions.matches(&facts.manifest.version))
            && self.digest.as_ref().is_none_or(|digest| digest.eq_ignore_ascii_case(facts.digest))
    }
}

impl PluginRules {
    pub(crate) fn allows_publisher(&self, facts: &PluginFacts<'_>) -> bool {
        self.publishers.as_ref().is_none_or(|known| {
            // An installed file that calls itself 'bundled.x' is none of the bundled ones.
            known.iter().any(|known| match known.as_str() {
                BUNDLED => facts.bundled,
                known => known == facts.manifest.id.publisher(),
            })
        })
    }
}

impl PolicyFile {
    /// Parses the file's text.
    ///
    /// # Errors
    /// Names the line, what is wrong, and for a misspelt key what may have been meant.
    pub fn parse(text: &str) -> Result<Self, PolicyFileError> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            PolicyFileError {
                line: error.span().map(|span| line_of(text, span.start)),
                near: near_key(&message),
                message: message.replace('`', "'"),
            }
        })?;
        file.check(text)?;
        Ok(file)
    }

    /// Returns what is missing of the signature of a plugin, as the end of a sentence.
    pub(crate) fn lacks_signature(&self, facts: &PluginFacts<'_>) -> Option<String> {
        let publisher = facts.manifest.id.publisher();
        let own = || self.publishers.iter().filter(|known| known.name == publisher);
        let signed =
            |known: &Publisher| facts.signed_by.is_some_and(|key| known.keys.iter().any(|own| own == key));
        if facts.bundled || own().any(signed) {
            None
        } else if own().next().is_some() {
            Some(format!(
                "wants plugins of the publisher '{publisher}' to be signed with a key of theirs ([[publisher]])"
            ))
        } else if self.plugins.signatures == Signatures::Required {
            Some(format!(
                "wants plugins to be signed, and names no key of the publisher '{publisher}' (plugins.signatures)"
            ))
        } else {
            None
        }
    }

    /// Returns the first entry about a capability of a plugin.
    pub(crate) fn rule(&self, facts: &PluginFacts<'_>, capability: Capability) -> Option<&CapabilityRule> {
        self.capabilities.iter().map(Spanned::get_ref).find(|rule| {
            rule.name.as_ref().is_ok_and(|name| name.is_none_or(|name| name == capability))
                && wildcard_matches(&rule.plugins, facts.manifest.id.as_str())
        })
    }

    /// Checks what its shape does not say.
    fn check(&self, text: &str) -> Result<(), PolicyFileError> {
        let fault = |at: usize, message: String, near: Option<String>| {
            Err(PolicyFileError { line: Some(line_of(text, at)), message, near })
        };
        for rule in &self.capabilities {
            let (at, rule) = (rule.span().start, rule.get_ref());
            let name = match &rule.name {
                Ok(name) => name,
                Err(unknown) => {
                    let known = Capability::ALL.map(|capability| capability.name().to_owned());
                    let near = like(known.into_iter(), unknown, 1).pop();
                    return fault(at, format!("there is no capability '{unknown}'"), near);
                }
            };
            let parameters = name.map_or(&[][..], Capability::parameters);
            if let Some(named) = rule.scope.named().find(|named| !parameters.contains(named)) {
                let name = name.map_or("*", Capability::name);
                return fault(at, format!("the capability '{name}' has no {}", named.name()), None);
            }
            if let Err(message) = check_id(&rule.plugins) {
                return fault(at, message, None);
            }
        }
        for publisher in &self.publishers {
            let wrong = publisher.keys.iter().find(|key| !is_key(key));
            if let Some(wrong) = wrong {
                let at = text.find(wrong.as_str()).unwrap_or_default();
                let message = format!(
                    "'{wrong}' is no public key: expected the line of 56 letters that begins with 'RW'"
                );
                return fault(at, message, None);
            }
            if publisher.keys.is_empty() {
                let message = format!("the publisher '{}' needs at least one of its 'keys'", publisher.name);
                return fault(text.find("[[publisher]]").unwrap_or_default(), message, None);
            }
        }
        for entry in self.plugins.allow.iter().flatten().chain(&self.plugins.deny) {
            let (at, entry) = (entry.span().start, entry.get_ref());
            if entry.id.is_none() && entry.digest.is_none() {
                return fault(at, "an entry needs an 'id' or a 'digest'".to_owned(), None);
            }
            if let Some(Err(message)) = entry.id.as_deref().map(check_id) {
                return fault(at, message, None);
            }
            if entry.digest.as_ref().is_some_and(|digest| !is_digest(digest)) {
                let message = "a digest is written 'sha256:' and 64 hexadecimal digits".to_owned();
                return fault(at, message, None);
            }
        }
        Ok(())
    }
}

fn check_id(pattern: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.*".contains(c);
    if !pattern.is_empty() && pattern.chars().all(fits) {
        return Ok(());
    }
    Err(format!("'{pattern}' is no pattern of plugin ids: expected an id such as 'acme.importer-*'"))
}

fn is_key(text: &str) -> bool {
    text.len() == 56
        && text.starts_with("RW")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Returns the line of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Reads from the parser's message which key or word was not known, and returns the known one that is most like it.
fn near_key(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
    let unknown = quoted.next()?;
    like(quoted, &unknown, 1).pop()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = include_str!("file.rs");

    /// The example at the head of this file.
    fn example() -> String {
        let lines = FULL.lines().skip_while(|line| *line != "//! ```toml").skip(1);
        let lines = lines
            .take_while(|line| *line != "//! ```")
            .map(|line| line.strip_prefix("//!").unwrap_or_default().trim_start().to_owned() + "\n");
        let digest = format!("sha256:{}", "0".repeat(64));
        lines.collect::<String>().replace("sha256:...", &digest)
    }

    #[test]
    fn the_example_is_read_as_documented() {
        let file = PolicyFile::parse(&example()).unwrap();
        assert_eq!(
            (file.record, file.crash_reports),
            (Some(RecordRule::Always), Some(CrashReports::WithoutInput))
        );
        assert_eq!(file.plugins.allow.as_ref().map(Vec::len), Some(1));
        let rule = file.capabilities[0].get_ref();
        assert_eq!((&rule.name, rule.grant), (&Ok(Some(Capability::Http)), Some(GrantRule::Ask)));
        assert_eq!(PolicyFile::parse(""), Ok(PolicyFile::default()));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_what_was_meant() {
        let cases = [
            ("\nrecrod = \"always\"", "line 2: unknown field 'recrod'", Some("record")),
            ("[plugins]\npublisher = []", "line 2: unknown field 'publisher'", Some("publishers")),
            ("[[plugins.allow]]\nid = \"a.b\"\nversion = \"1\"", "line 3", Some("versions")),
            ("[[capability]]\nname = \"htpp\"", "line 1: there is no capability 'htpp'", Some("http")),
            (
                "[[capability]]\nname = \"log\"\ngrant = \"denny\"",
                "line 3: unknown variant 'denny'",
                Some("deny"),
            ),
            ("[[capability]]\nname = \"http\"\nhost = [\"a\"]", "line 3", Some("hosts")),
            (
                "\n[[capability]]\nname = \"log\"\nhosts = [\"a\"]",
                "line 2: the capability 'log' has no hosts",
                None,
            ),
            ("[[capability]]\nname = \"*\"\nhosts = [\"a\"]", "the capability '*' has no hosts", None),
            ("[[capability]]\nname = \"log\"\nplugins = \"A b\"", "no pattern of plugin ids", None),
            ("[[plugins.deny]]\nversions = \"1\"", "needs an 'id' or a 'digest'", None),
            ("[[plugins.deny]]\ndigest = \"sha256:12\"", "64 hexadecimal digits", None),
            ("[[plugins.allow]]\nid = \"a.b\"\nversions = \"one\"", "line 3", None),
            ("record = ", "line 1", None),
        ];
        for (text, words, near) in cases {
            let error = PolicyFile::parse(text).unwrap_err();
            assert!(error.to_string().contains(words), "{text:?}: {error}");
            assert_eq!(error.near.as_deref(), near, "{text:?}: {error}");
        }
    }
}
