//! The digests of the plugins that come with the program, compiled in by the build script.

/// File name (without ending) and digest of each bundled plugin.
pub(crate) const DIGESTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled.rs"));
