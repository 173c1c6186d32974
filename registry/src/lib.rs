//! Finding, checking and staging plugins: what a file says of itself, whether it fits this host, and the shelf of
//! bundled and installed plugins.
//!
//! Reads components without running or compiling them. Never decides what a plugin may do, and never trusts a file
//! because of where it lies.
#![warn(missing_docs)]

mod check;
mod digest;
mod inspect;
mod native;
mod settings;
mod shelf;
mod signature;
mod staging;

pub use check::{CheckError, CheckFault, check, check_new};
pub use digest::{Digest, ParseDigestError};
pub use inspect::{Code, InspectError, Inspection, LARGEST_PLUGIN, inspect, validate};
pub use settings::{
    PlaceHost, PlacePort, SchemaError, SecretPlace, SettingFault, SettingField, SettingShape, SettingsSchema,
};
pub use shelf::{BrokenPlugin, FoundPlugin, Origin, Shelf, ShelfError};
pub use signature::{PublisherKey, SignatureError, verify_signature};
