//! Tools for plugin authors: what `ostler plugin new`, `build`, `check`, `test`, `dev`, `pack`, `keygen`, `sign` and `verify` do.
//!
//! Knows projects, components and keys of publishers. Never runs a component, never opens a store, never installs.
#![warn(missing_docs)]

mod error;
mod keys;
mod pack;
mod project;
mod template;
mod watch;

pub use error::ToolError;
pub use keys::{KeyFiles, Signed, keygen, sign, verify};
pub use pack::{Packed, pack};
pub use project::{Checked, Project, check_file};
pub use template::{NewPlugin, TemplateKind, create};
pub use watch::Watch;
