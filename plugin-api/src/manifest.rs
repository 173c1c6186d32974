//! The manifest `plugin.toml`: what a plugin is, what it asks for and why.
//!
//! Parsing never trusts: unknown keys, unknown kinds and capabilities, empty reasons and over-long texts are
//! refused with the key and what to do.

use std::collections::BTreeMap;

use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::{
    AddressRange, Callback, Capability, CommandPattern, HostScope, Output, Parameter, PluginId, Projection,
    Scope,
};

/// The name of the custom section of a component that holds its manifest.
pub const MANIFEST_SECTION: &str = "ostler:plugin.toml";

/// The largest manifest that is read, in bytes.
const LARGEST: usize = 64 * 1024;
const LONGEST_TEXT: usize = 2000;

/// What a plugin exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Turns a connection into a session plan.
    Launcher,
    /// Reads foreign files.
    Importer,
    /// Acquires credentials that live elsewhere.
    CredentialSource,
    /// Hooks around a session, and jobs.
    Workflow,
}

impl Kind {
    /// Returns the WIT interface that a plugin of this kind exports, without its version.
    #[must_use]
    pub const fn interface(self) -> &'static str {
        match self {
            Self::Launcher => "ostler:launcher/launcher",
            Self::Importer => "ostler:importer/importer",
            Self::CredentialSource => "ostler:credential-source/credential-source",
            Self::Workflow => "ostler:workflow/workflow",
        }
    }

    /// Returns the name, as manifests write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Launcher => "launcher",
            Self::Importer => "importer",
            Self::CredentialSource => "credential-source",
            Self::Workflow => "workflow",
        }
    }
}

/// One capability that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenRequest", into = "WrittenRequest")]
pub struct CapabilityRequest {
    /// The capability.
    pub name: Capability,
    /// Why, for the person who grants it.
    pub reason: String,
    /// How far. Of the parameters that the capability has, each is bounded here: what is not named is not asked for.
    pub scope: Scope,
}

/// A request as the manifest writes it: the parameters stand beside the name.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRequest {
    name: Capability,
    reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hosts: Option<Vec<HostScope>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    addresses: Option<Vec<AddressRange>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folders: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    programs: Option<Vec<CommandPattern>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    events: Option<Vec<String>>,
}

impl From<WrittenRequest> for CapabilityRequest {
    fn from(written: WrittenRequest) -> Self {
        let WrittenRequest { name, reason, hosts, addresses, folders, programs, files, events } = written;
        let mut scope = Scope { hosts, addresses, folders, programs, files, events, reads: None };
        for parameter in name.parameters() {
            match parameter {
                Parameter::Hosts => drop(scope.hosts.get_or_insert_default()),
                Parameter::Addresses => drop(scope.addresses.get_or_insert_default()),
                Parameter::Folders => drop(scope.folders.get_or_insert_default()),
                Parameter::Programs => drop(scope.programs.get_or_insert_default()),
                Parameter::Files => drop(scope.files.get_or_insert_default()),
                Parameter::Events => drop(scope.events.get_or_insert_default()),
            }
        }
        Self { name, reason, scope }
    }
}

impl From<CapabilityRequest> for WrittenRequest {
    fn from(request: CapabilityRequest) -> Self {
        let CapabilityRequest { name, reason, scope } = request;
        let Scope { hosts, addresses, folders, programs, files, events, reads: _ } = scope;
        Self { name, reason, hosts, addresses, folders, programs, files, events }
    }
}

/// What a plugin says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The id.
    pub id: PluginId,
    /// The name for people.
    pub name: String,
    /// The plugin's own version.
    pub version: Version,
    /// What it does, one sentence.
    pub description: String,
    /// The licence, as an SPDX expression.
    #[serde(default)]
    pub license: Option<String>,
    /// What it exports, at least one kind.
    pub kinds: Vec<Kind>,
    /// The versions of WIT packages that it was built against, such as `launcher = "0.1"`.
    #[serde(default)]
    pub api: BTreeMap<String, VersionReq>,
    /// What it asks for.
    #[serde(default, rename = "capability")]
    pub capabilities: Vec<CapabilityRequest>,
    /// What of HTTP responses it reads.
    #[serde(default, rename = "projection")]
    pub projections: Vec<Projection>,
    /// What of the output of programs it reads.
    #[serde(default, rename = "output")]
    pub outputs: Vec<Output>,
    /// What it listens for, and what of that it reads.
    #[serde(default, rename = "callback")]
    pub callbacks: Vec<Callback>,
    /// A JSON Schema (draft 2020-12) of its settings, written as TOML.
    #[serde(default)]
    pub settings: Option<serde_json::Value>,
    /// A JSON Schema (draft 2020-12) of the settings of connections that a launcher reads.
    #[serde(default, rename = "connection-settings")]
    pub connection_settings: Option<serde_json::Value>,
}

/// What is wrong with a manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is not TOML, or not of this shape.
    #[error("plugin.toml{}: {message}", .line.map(|line| format!(" line {line}")).unwrap_or_default())]
    Shape {
        /// The line, counted from 1.
        line: Option<usize>,
        /// What the parser said.
        message: String,
    },
    /// It is larger than a manifest can be.
    #[error("plugin.toml has {bytes} bytes; at most 65536 are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A value can't be used.
    #[error("plugin.toml, {key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Why not.
        reason: String,
    },
}

impl Manifest {
    /// Parses and checks a manifest.
    ///
    /// # Errors
    /// Names the line or the key, and what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > LARGEST {
            return Err(ManifestError::TooLarge { bytes: bytes.len() });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| ManifestError::Shape { line: None, message: "it is not UTF-8".to_owned() })?;
        let mut manifest: Self = toml::from_str(text).map_err(|error| ManifestError::Shape {
            line: error
                .span()
                .map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1),
            message: error.message().to_owned(),
        })?;
        manifest.check()?;
        manifest.fill_in_reads();
        Ok(manifest)
    }

    /// Writes what is read of answers and outputs into what is asked for, so that it is agreed to with that.
    fn fill_in_reads(&mut self) {
        let of_answers: Vec<String> = self.projections.iter().filter_map(Projection::reads).collect();
        let of_outputs: Vec<String> = self.outputs.iter().filter_map(Output::reads).collect();
        let of_calls: Vec<String> = self.callbacks.iter().map(Callback::reads).collect();
        for (capability, reads) in [
            (Capability::Http, of_answers),
            (Capability::Process, of_outputs),
            (Capability::Inbound, of_calls),
        ] {
            if let Some(request) = self.capabilities.iter_mut().find(|request| request.name == capability) {
                request.scope.reads = Some(reads);
            }
        }
    }

    /// Tells whether the plugin asks for a capability.
    #[must_use]
    pub fn asks(&self, capability: Capability) -> bool {
        self.capabilities.iter().any(|request| request.name == capability)
    }

    /// Returns what the plugin asks of a capability, where it asks for it.
    #[must_use]
    pub fn request(&self, capability: Capability) -> Option<&CapabilityRequest> {
        self.capabilities.iter().find(|request| request.name == capability)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let value =
            |key: &str, reason: &str| ManifestError::Value { key: key.to_owned(), reason: reason.to_owned() };
        for (key, text) in [("name", &self.name), ("description", &self.description)] {
            check_text(text).map_err(|reason| value(key, reason))?;
        }
        if self.kinds.is_empty() {
            return Err(value("kinds", "at least one kind is needed, such as [\"importer\"]"));
        }
        for (index, request) in self.capabilities.iter().enumerate() {
            let key = format!("capability '{}'", request.name);
            check_text(&request.reason).map_err(|reason| value(&format!("{key}, reason"), reason))?;
            if self.capabilities.iter().skip(index + 1).any(|later| later.name == request.name) {
                return Err(value(&key, "is asked for twice"));
            }
            if let Some(parameter) = request.scope.named().find(|it| !request.name.parameters().contains(it))
            {
                let reason = format!("has no parameter '{}'", parameter.name());
                return Err(value(&key, &reason));
            }
        }
        for (key, schema) in
            [("settings", &self.settings), ("connection-settings", &self.connection_settings)]
        {
            if schema.as_ref().is_some_and(|schema| !schema.is_object()) {
                return Err(value(key, "must be a table: a JSON Schema written as TOML"));
            }
        }
        if !self.projections.is_empty() && !self.asks(Capability::Http) {
            return Err(value("projection", "is for the capability 'http', which is not asked for"));
        }
        for (index, projection) in self.projections.iter().enumerate() {
            projection.check().map_err(|reason| value(&format!("projection {}", index + 1), &reason))?;
        }
        if !self.outputs.is_empty() && !self.asks(Capability::Process) {
            return Err(value("output", "is for the capability 'process', which is not asked for"));
        }
        for (index, output) in self.outputs.iter().enumerate() {
            output.check().map_err(|reason| value(&format!("output {}", index + 1), &reason))?;
        }
        if !self.callbacks.is_empty() && !self.asks(Capability::Inbound) {
            return Err(value("callback", "is for the capability 'inbound', which is not asked for"));
        }
        for (index, callback) in self.callbacks.iter().enumerate() {
            callback.check().map_err(|reason| value(&format!("callback {}", index + 1), &reason))?;
        }
        if self.connection_settings.is_some() && !self.kinds.contains(&Kind::Launcher) {
            return Err(value("connection-settings", "only a launcher reads settings of connections"));
        }
        Ok(())
    }
}

fn check_text(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        Err("must not be empty")
    } else if text.len() > LONGEST_TEXT {
        Err("has more than 2000 bytes")
    } else if text.chars().any(char::is_control) {
        Err("has a control character")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        id = "acme.importer-xyz"
        name = "XYZ"
        version = "1.2.3"
        description = "Imports XYZ files."
        kinds = ["importer"]
        api = { importer = "0.1" }

        [[capability]]
        name = "prompt"
        reason = "To ask for the file's password."
    "#;

    #[test]
    fn a_full_manifest_is_read() {
        let manifest = Manifest::parse(GOOD.as_bytes()).unwrap();
        assert_eq!(manifest.id.publisher(), "acme");
        assert!(manifest.asks(Capability::Prompt));
        assert!(!manifest.asks(Capability::Storage));
    }

    #[test]
    fn a_parameter_that_is_not_named_is_not_asked_for() {
        let text = GOOD.replace("\"prompt\"", "\"http\"") + "\nhosts = [\"api.example\"]";
        let manifest = Manifest::parse(text.as_bytes()).unwrap();
        let scope = &manifest.request(Capability::Http).unwrap().scope;
        assert_eq!(
            (scope.hosts.as_ref().map(Vec::len), scope.addresses.as_deref()),
            (Some(1), Some(&[][..]))
        );
        assert_eq!(scope.folders, None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            (GOOD.replace("acme.importer-xyz", "Acme"), "line 2"),
            (GOOD.replace("\"importer\"]", "\"importers\"]"), "importers"),
            (GOOD.replace("\"prompt\"", "\"root\""), "there is no capability 'root'"),
            (GOOD.replace("To ask for the file's password.", " "), "must not be empty"),
            (GOOD.replace("[\"importer\"]", "[]"), "at least one kind"),
            (format!("{GOOD}\ncolour = 1"), "colour"),
            (GOOD.replace("1.2.3", "one"), "line 4"),
            ("\u{0}".to_owned(), "plugin.toml"),
            (format!("{GOOD}\nhosts = [\"a\"]"), "has no parameter 'hosts'"),
            (format!("{GOOD}\nhosts = [\"a b\"]"), "not a pattern of hosts"),
        ];
        for (text, expected) in cases {
            let error = Manifest::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} should contain {expected:?}");
        }
    }
}
