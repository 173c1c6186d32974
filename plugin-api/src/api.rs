//! Which WIT packages, in which versions, this host provides, and whether an import fits.
//!
//! Decided from the bytes of a component (its imports), with the manifest's word only for a better message.

use semver::{Version, VersionReq};

use crate::{Capability, Manifest};

/// A WIT package version that this host provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostPackage {
    /// The package, such as `ostler:log`.
    pub name: &'static str,
    /// Its version as `major.minor.patch`.
    pub version: &'static str,
}

/// Every WIT package version that this host provides; each capability has at least one.
pub const HOST_PACKAGES: &[HostPackage] = &[
    HostPackage { name: "ostler:types", version: "0.1.0" },
    HostPackage { name: "ostler:log", version: "0.1.0" },
    HostPackage { name: "ostler:storage", version: "0.1.0" },
    HostPackage { name: "ostler:settings", version: "0.1.0" },
    HostPackage { name: "ostler:prompt", version: "0.1.0" },
    HostPackage { name: "ostler:secrets", version: "0.1.0" },
    HostPackage { name: "ostler:secrets", version: "0.2.0" },
    HostPackage { name: "ostler:net", version: "0.1.0" },
    HostPackage { name: "ostler:http", version: "0.1.0" },
    HostPackage { name: "ostler:terminal", version: "0.1.0" },
    HostPackage { name: "ostler:desktop", version: "0.1.0" },
    HostPackage { name: "ostler:driver", version: "0.1.0" },
    HostPackage { name: "ostler:importer", version: "0.1.0" },
    HostPackage { name: "ostler:launcher", version: "0.1.0" },
    HostPackage { name: "ostler:launcher", version: "0.2.0" },
    HostPackage { name: "ostler:credential-source", version: "0.1.0" },
    HostPackage { name: "ostler:workflow", version: "0.1.0" },
    HostPackage { name: "ostler:files", version: "0.1.0" },
    HostPackage { name: "ostler:process", version: "0.1.0" },
    HostPackage { name: "ostler:inbound", version: "0.1.0" },
    HostPackage { name: "ostler:clock", version: "0.1.0" },
    HostPackage { name: "ostler:connections", version: "0.1.0" },
    HostPackage { name: "ostler:recording", version: "0.1.0" },
    HostPackage { name: "ostler:secrets-reveal", version: "0.1.0" },
    HostPackage { name: "ostler:secrets-store", version: "0.1.0" },
    HostPackage { name: "ostler:events", version: "0.1.0" },
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

impl std::fmt::Display for Import {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.version {
            Some(version) => write!(f, "{}@{version}", self.interface),
            None => f.write_str(&self.interface),
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

impl ApiError {
    /// Tells whether what is wanted is newer than all that this host has.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        let Self::Version { package, wanted, .. } = self else { return false };
        let Ok(wanted) = Version::parse(wanted) else { return false };
        provided(package).all(|version| version < wanted)
    }
}

/// What a kind of plugin gets by itself: the file that it imports, the events of the session that it drives.
const BY_KIND: [&str; 2] = ["ostler:importer/feed", "ostler:driver/events"];

/// The version line of the WASI interfaces of the floor: any 0.2.
const FLOOR_LINE: (u64, u64) = (0, 2);

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
    manifest.api.iter().try_for_each(|(name, wanted)| check_requirement(name, wanted))
}

/// Checks that one of the host's versions of a package, named as manifests do (`launcher`), fits a requirement.
///
/// # Errors
/// Names the package and what would fit.
pub fn check_requirement(name: &str, wanted: &VersionReq) -> Result<(), ApiError> {
    let package = format!("ostler:{name}");
    if provided(&package).any(|version| wanted.matches(&version)) {
        Ok(())
    } else {
        Err(wrong_version(&package, &wanted.to_string()))
    }
}

/// Checks that what was built for a version of a package, such as `ostler:launcher`, runs on one of the host's.
///
/// # Errors
/// Names the package and what would fit.
pub fn check_version(package: &str, wanted: &Version) -> Result<(), ApiError> {
    if provided(package).any(|version| compatible(wanted, &version)) {
        Ok(())
    } else {
        Err(wrong_version(package, &wanted.to_string()))
    }
}

/// Checks that the host provides an import, that its version fits, and that the manifest asks for it.
///
/// # Errors
/// Says which of the three fails.
pub fn check_import(import: &Import, manifest: &Manifest) -> Result<(), ApiError> {
    if FLOOR.contains(&import.interface.as_str()) {
        return check_floor(import);
    }
    let unknown = || ApiError::UnknownImport { interface: import.interface.clone() };
    let (package, interface) = import.interface.split_once('/').ok_or_else(unknown)?;
    if provided(package).next().is_none() {
        return Err(unknown());
    }
    let wanted = import.version.as_ref().ok_or_else(unknown)?;
    check_version(package, wanted)?;
    match Capability::giving(&import.interface) {
        Some(capability) if !manifest.asks(capability) => {
            Err(ApiError::NotAsked { interface: import.interface.clone(), capability })
        }
        Some(_) => Ok(()),
        None if interface == "types" || BY_KIND.contains(&import.interface.as_str()) => Ok(()),
        None => Err(unknown()),
    }
}

fn check_floor(import: &Import) -> Result<(), ApiError> {
    match &import.version {
        Some(version) if (version.major, version.minor) == FLOOR_LINE && version.pre.is_empty() => Ok(()),
        version => Err(ApiError::Version {
            package: import.interface.clone(),
            wanted: version.as_ref().map_or_else(|| "no version".to_owned(), Version::to_string),
            provided: format!("{}.{}", FLOOR_LINE.0, FLOOR_LINE.1),
        }),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(import: &str) -> Result<(), ApiError> {
        let manifest = r#"
            id = "acme.x"
            name = "X"
            version = "1.0.0"
            description = "X."
            kinds = ["importer"]
            [[capability]]
            name = "log"
            reason = "To tell."
        "#;
        check_import(&Import::parse(import), &Manifest::parse(manifest.as_bytes()).unwrap())
    }

    #[test]
    fn an_import_passes_where_it_is_known_fits_and_is_asked_for() {
        for import in ["ostler:log/log@0.1.0", "ostler:importer/feed@0.1.0", "wasi:cli/stderr@0.2.6"] {
            assert_eq!(check(import), Ok(()), "{import}");
        }
    }

    #[test]
    fn an_import_is_refused_with_what_does_not_fit() {
        let cases = [
            ("ostler:prompt/prompt@0.1.0", "does not ask for the capability 'prompt'"),
            ("ostler:log/log@0.2.0", "this host provides 0.1.0"),
            ("ostler:log/log", "does not provide"),
            ("ostler:log/other@0.1.0", "does not provide"),
            ("wasi:sockets/tcp@0.2.6", "does not provide"),
            ("wasi:cli/stderr@0.3.0", "this host provides 0.2"),
            ("wasi:cli/stderr", "no version"),
            ("env", "does not provide"),
        ];
        for (import, expected) in cases {
            let error = check(import).unwrap_err().to_string();
            assert!(error.contains(expected), "{import}: {error:?} should contain {expected:?}");
        }
    }

    #[test]
    fn each_capability_has_a_package_that_the_host_provides() {
        for capability in Capability::ALL {
            for interface in capability.interfaces() {
                let (package, _) = interface.split_once('/').unwrap();
                assert!(provided(package).next().is_some(), "{interface}");
                assert_eq!(Capability::giving(interface), Some(capability));
            }
        }
    }
}
