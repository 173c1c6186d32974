//! Does a plugin fit this host? Compares what a file says of itself with what the host provides.
//!
//! Pure. Reports every fault, not the first one, so that an author mends all of them at once. Says nothing of rights:
//! asking for a capability is fine here, whoever grants it.

use ostler_plugin_api::{ApiError, Capability, Import, Kind, check_import, check_requirement, check_version};

use crate::{Code, Inspection, SchemaError, SettingsSchema};

/// What a native plugin can have: it is shut in to the files that its grant names, and is given its settings.
const NATIVE: [Capability; 2] = [Capability::Files, Capability::Settings];

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckFault {
    /// An import, or a version that the manifest names.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The manifest names a kind, and its interface is not exported.
    #[error("its manifest says that it is of the kind '{kind}', but it does not export '{interface}'", kind = .0.name(), interface = .0.interface())]
    MissingExport(Kind),
    /// It exports the interface of a kind that the manifest does not name.
    #[error("it exports '{interface}', but its manifest does not name the kind '{kind}'", kind = .0.name(), interface = .0.interface())]
    UnnamedKind(Kind),
    /// A native plugin is of a kind that has no native form.
    #[error("it is native, and a native plugin can't be of the kind '{kind}'", kind = .0.name())]
    NotNative(Kind),
    /// A native plugin asks for a capability that has no native form.
    #[error("it is native, and a native plugin can't have the capability '{0}'")]
    NotForNative(Capability),
    /// A schema of settings can't be used.
    #[error("its manifest: {0}")]
    Settings(#[from] SchemaError),
    /// The manifest names a kind twice.
    #[error("its manifest names the kind '{kind}' twice", kind = .0.name())]
    RepeatedKind(Kind),
}

/// A plugin does not fit this host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", describe(.faults))]
pub struct CheckError {
    /// Everything that does not fit, at least one thing.
    pub faults: Vec<CheckFault>,
}

impl CheckFault {
    /// Returns what to do about it, one clause.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Api(ApiError::UnknownImport { interface }) if interface.starts_with("wasi:") => {
                "plugins have no files, sockets or HTTP of their own; use a capability of the SDK".to_owned()
            }
            Self::Api(ApiError::UnknownImport { .. }) => {
                "use another version of the plugin, or of this program".to_owned()
            }
            Self::Api(error @ ApiError::Version { package, .. }) => {
                let older =
                    format!("use a version of the plugin that was built for a provided version of {package}");
                if error.is_newer() { format!("{older}, or a newer version of this program") } else { older }
            }
            Self::Api(ApiError::NotAsked { capability, .. }) => {
                format!(
                    "its author has to add [[capability]] name = \"{capability}\" with a reason to plugin.toml"
                )
            }
            Self::Settings(_) => "its author has to mend the schema in plugin.toml".to_owned(),
            Self::NotNative(_) | Self::NotForNative(_) => {
                "its author has to build it as a WebAssembly component".to_owned()
            }
            Self::MissingExport(_) | Self::UnnamedKind(_) | Self::RepeatedKind(_) => {
                "its author has to make 'kinds' in plugin.toml match what it exports".to_owned()
            }
        }
    }
}

/// Checks that this host can run a plugin: every import is known, fits and is asked for; the versions that the manifest
/// names are provided; the exports are those of its kinds.
///
/// # Errors
/// Lists everything that does not fit.
pub fn check(inspection: &Inspection) -> Result<(), CheckError> {
    let manifest = &inspection.manifest;
    let mut faults: Vec<CheckFault> = Vec::new();
    if inspection.code == Code::Native {
        let kinds = manifest.kinds.iter().filter(|kind| **kind != Kind::CredentialSource);
        let capabilities = manifest.capabilities.iter().filter(|request| !NATIVE.contains(&request.name));
        faults.extend(kinds.map(|kind| CheckFault::NotNative(*kind)));
        faults.extend(capabilities.map(|request| CheckFault::NotForNative(request.name)));
        return if faults.is_empty() { Ok(()) } else { Err(CheckError { faults }) };
    }
    for (name, wanted) in &manifest.api {
        faults.extend(check_requirement(name, wanted).err().map(CheckFault::Api));
    }
    for import in &inspection.imports {
        faults.extend(check_import(import, manifest).err().map(CheckFault::Api));
    }
    let exports: Vec<Import> = inspection.exports.iter().map(|name| Import::parse(name)).collect();
    for kind in [Kind::Launcher, Kind::Importer, Kind::CredentialSource, Kind::Workflow] {
        let named = manifest.kinds.iter().filter(|named| **named == kind).count();
        let exported = exports.iter().find(|export| export.interface == kind.interface());
        match (named, exported) {
            (0, Some(_)) => faults.push(CheckFault::UnnamedKind(kind)),
            (0, None) => {}
            (_, None) => faults.push(CheckFault::MissingExport(kind)),
            (_, Some(export)) => faults.extend(check_export(export).err().map(CheckFault::Api)),
        }
        if named > 1 {
            faults.push(CheckFault::RepeatedKind(kind));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(CheckError { faults }) }
}

/// Checks what [`check`] does and, beyond that, the schemas of settings: that costs more, and is done once, before a plugin is
/// installed.
///
/// # Errors
/// Lists everything that does not fit.
pub fn check_new(inspection: &Inspection) -> Result<(), CheckError> {
    let manifest = &inspection.manifest;
    let schemas = [("settings", &manifest.settings), ("connection-settings", &manifest.connection_settings)];
    let wrong = schemas.into_iter().filter_map(|(name, schema)| {
        SettingsSchema::new(name, schema.as_ref()?).err().map(CheckFault::Settings)
    });
    let mut faults = check(inspection).err().map(|error| error.faults).unwrap_or_default();
    faults.extend(wrong);
    if faults.is_empty() { Ok(()) } else { Err(CheckError { faults }) }
}

fn check_export(export: &Import) -> Result<(), ApiError> {
    let package = export.interface.split_once('/').map_or(export.interface.as_str(), |(package, _)| package);
    match &export.version {
        Some(version) => check_version(package, version),
        None => Err(ApiError::UnknownImport { interface: export.interface.clone() }),
    }
}

/// Says every fault, and behind those that need the same what to do.
fn describe(faults: &[CheckFault]) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for fault in faults {
        let (advice, sentence) = (fault.advice(), fault.to_string());
        match groups.iter_mut().find(|(known, _)| *known == advice) {
            Some((_, sentences)) => sentences.push(sentence),
            None => groups.push((advice, vec![sentence])),
        }
    }
    let groups: Vec<String> =
        groups.iter().map(|(advice, sentences)| format!("{} ({advice})", sentences.join("; "))).collect();
    groups.join("; ")
}
