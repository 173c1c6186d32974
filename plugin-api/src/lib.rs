//! The contract between Ostler and its plugins: the WIT packages under `wit/`, the manifest that every plugin
//! carries, and the pure rules that compare what a plugin asks for with what it was granted.
//!
//! Depends on nothing of ours, does no I/O, and runs no plugin.
#![warn(missing_docs)]

mod api;
mod callback;
mod capability;
mod command;
mod grant;
mod guard;
mod host_pattern;
mod id;
mod manifest;
mod native;
mod projection;
mod scope;

pub use api::{
    ApiError, HOST_PACKAGES, HostPackage, Import, check_declared, check_import, check_requirement,
    check_version, floor,
};
pub use callback::Callback;
pub use capability::{Capability, UnknownCapability};
pub use command::{
    CommandPattern, CommandPatternError, Invocation, Output, OutputFormat, SYSTEM_FOLDERS, is_variable,
};
pub use grant::{Grant, Grants, Standing, standing};
pub use guard::{Guard, Guards};
pub use host_pattern::{HostPattern, HostPatternError, wildcard_matches};
pub use id::{PluginId, PluginIdError};
pub use manifest::{CapabilityRequest, Kind, MANIFEST_SECTION, Manifest, ManifestError};
pub use native::{
    LARGEST_NATIVE_MESSAGE, NATIVE_ABI, NATIVE_SECTION, NativeBuffer, NativeCall, NativeDescription,
    NativeEntry, NativeFailure, NativeFailureKind, NativeLeasedSecret, NativeReply, NativeRequest,
    NativeRequirement, NativeSecret,
};
pub use projection::{Projected, ProjectedBody, ProjectedSlot, Projection};
pub use scope::{AddressRange, AddressRangeError, HostScope, HostScopeError, Parameter, Scope};
