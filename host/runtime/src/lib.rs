//! Runs plugins: compiles and caches components, links the capabilities that they were granted, makes an instance
//! for each call, stops what is over a limit, and hands back checked core types.
//!
//! The only crate that names wasmtime. A plugin is hostile: what it asks for and may not have is refused by value, what
//! it breaks is its own instance, and what it returns is bounded before anybody sees it. This crate never opens a
//! store, a connection or a recording (ports in `core` stand for them), never grants anything, and never runs guest code
//! while a plugin is loaded.
//!
//! Calls need a tokio runtime with its timers enabled.
#![warn(missing_docs)]

mod cache;
mod capabilities;
mod endpoint;
mod engine;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod instance;
mod kinds;
mod limiter;
mod limits;
mod log_book;
mod native;
mod output;
mod plugin;
mod rights;
mod runtime;
mod text;
mod ticker;
mod tls;
mod usage;
mod wasi;

pub use error::{LoadError, PluginError, RuntimeError, Said, SaidKind};
pub use kinds::driver::{DriveFailure, DriveLink};
pub use kinds::importer::{ImportOutlet, ImporterInfo, OptionInfo};
pub use kinds::launcher::{LauncherKind, PlanOutcome};
pub use limits::Limits;
pub use log_book::LogLine;
pub use native::{
    NativeDescription, NativeEntry, NativeError, NativePlugin, NativeRequirement, NativeSetup, native_child,
};
pub use plugin::{Plugin, WeakPlugin};
pub use runtime::{Ports, Runtime, RuntimeConfig};
pub use usage::{CapabilityUse, Fault, Refusal, Usage};
