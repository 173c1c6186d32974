//! Which WIT packages, in which versions, this host provides, and whether an import fits.
//!
//! Decided from the bytes of a component (its imports), with the manifest's word only for a better message.

use semver::Version;

use crate::{Capability, Manifest};

/// A WIT package version that this host provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPackage {
    /// The package, such as `ostler:log`.
    pub name: &'static str,
    /// Its version as `major.minor.patch`.
    pub version: &'static str,
}

/// Every WIT package version that this host provides.
pub const HOST_PACKAGES: [HostPackage; 10] = [
    HostPackage { name: "ostler:types", version: "0.1.0" },
    HostPackage { name: "ostler:log", version: "0.1.0" },
    HostPackage { name: "ostler:storage", version: "0.1.0" },
    HostPackage { name: "ostler:settings", version: "0.1.0" },
    HostPackage { name: "ostler:prompt", version: "0.1.0" },
    HostPackage { name: "ostler:secrets", version: "0.1.0" },
    HostPackage { name: "ostler:importer", version: "0.1.0" },
    HostPackage { name: "ostler:launcher", version: "0.1.0" },
    HostPackage { name: "ostler:credential-source", version: "0.1.0" },
    HostPackage { name: "ostler:workflow", version: "0.1.0" },
];

/// The WASI interfaces of the floor: an empty environment, no files, no sockets, output to the log.
const FLOOR: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/stderr",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:cli/terminal-stderr",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// What a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The interface without its version, such as `ostler:log/log`.
    pub interface: String,
    /// The version, if the name carries one.
    pub version: Option<Version>,
}

impl Import {
    /// Splits an import's name, such as `ostler:log/log@0.1.0`.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        match name.split_once('@') {
            Some((interface, version)) => {
                Self { interface: interface.to_owned(), version: Version::parse(version).ok() }
            }
            None => Self { interface: name.to_owned(), version: None },
        }
    }
}

/// Why an import refuses a component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The host has no such interface.
    #[error("it imports '{interface}', which this host does not provide")]
    UnknownImport {
        /// The interface.
        interface: String,
    },
    /// The host has other versions of the package.
    #[error("it was built for {package} {wanted}; this host provides {provided}")]
    Version {
        /// The package.
        package: String,
        /// What the component imports or the manifest asks.
        wanted: String,
        /// What the host has.
        provided: String,
    },
    /// The manifest does not ask for what the component imports.
    #[error("it imports '{interface}' but its manifest does not ask for the capability '{capability}'")]
    NotAsked {
        /// The interface.
        interface: String,
        /// The capability that gives it.
        capability: Capability,
    },
}

/// Returns the WASI interfaces that every plugin gets.
#[must_use]
pub fn floor() -> &'static [&'static str] {
    &FLOOR
}

/// Checks that the versions which a manifest names are among the host's.
///
/// # Errors
/// Names the package and what would fit.
pub fn check_declared(manifest: &Manifest) -> Result<(), ApiError> {
    for (name, wanted) in &manifest.api {
        let package = format!("ostler:{name}");
        let fits = provided(&package).any(|version| wanted.matches(&version));
        if !fits {
            return Err(wrong_version(&package, &wanted.to_string()));
        }
    }
    Ok(())
}

/// Checks that the host provides an import, that its version fits, and that the manifest asks for it.
///
/// # Errors
/// Says which of the three fails.
pub fn check_import(import: &Import, manifest: &Manifest) -> Result<(), ApiError> {
    if FLOOR.contains(&import.interface.as_str()) {
        return Ok(());
    }
    let unknown = || ApiError::UnknownImport { interface: import.interface.clone() };
    let (package, interface) = import.interface.split_once('/').ok_or_else(unknown)?;
    if provided(package).next().is_none() {
        return Err(unknown());
    }
    let wanted = import.version.as_ref().ok_or_else(unknown)?;
    if !provided(package).any(|version| compatible(wanted, &version)) {
        return Err(wrong_version(package, &wanted.to_string()));
    }
    let capability =
        Capability::ALL.into_iter().find(|capability| capability.interface() == import.interface);
    match capability {
        Some(capability) if !manifest.asks(capability) => {
            Err(ApiError::NotAsked { interface: import.interface.clone(), capability })
        }
        Some(_) => Ok(()),
        None if interface == "types" || import.interface == "ostler:importer/feed" => Ok(()),
        None => Err(unknown()),
    }
}

/// A component built for `wanted` runs on `provided`: the same version line, and nothing newer than provided.
fn compatible(wanted: &Version, provided: &Version) -> bool {
    let line = |version: &Version| {
        if version.major > 0 { (version.major, 0) } else { (0, version.minor) }
    };
    wanted.pre == provided.pre && line(wanted) == line(provided) && wanted <= provided
}

fn provided(package: &str) -> impl Iterator<Item = Version> {
    HOST_PACKAGES
        .iter()
        .filter(move |known| known.name == package)
        .filter_map(|known| Version::parse(known.version).ok())
}

fn wrong_version(package: &str, wanted: &str) -> ApiError {
    let versions: Vec<String> = provided(package).map(|version| version.to_string()).collect();
    let provided = if versions.is_empty() { "no version of it".to_owned() } else { versions.join(", ") };
    ApiError::Version { package: package.to_owned(), wanted: wanted.to_owned(), provided }
}
