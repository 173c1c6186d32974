//! Ports: what the runtime's capabilities and the engines need of rooms that they must not see. `app` fills
//! them.
//!
//! Each port is as narrow as its one user needs.

mod clock;
mod events;
mod network;
mod none;
mod recordings;
mod secrets;
mod tree;
mod uses;

pub use clock::{TimeZone, ZoneAt};
pub use events::{EventHistory, HostEvent, HostOutcome};
pub use network::{Resolver, SecretUses, WayIn, WayOut};
pub use none::NoHost;
pub use recordings::{FinishedRecording, Recorded, RecordedMoment, RecordedMoments, RecordingArchive};
pub use secrets::{PluginSecret, PluginSecrets};
pub use tree::{ConnectionTree, TreeChange};
pub use uses::UseLog;

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use crate::{Form, FormAnswers, Settings};

/// A future that can be sent to another thread; written out so that this crate needs no async library.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A time on the wall clock: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the whole seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

/// Tells the time. Tests fill it with a fixed one.
pub trait Clock: Send + Sync {
    /// Returns the time on the wall clock.
    fn now(&self) -> Timestamp;
    /// Returns the time since some fixed moment; never runs backwards.
    fn monotonic(&self) -> std::time::Duration;
}

/// A port could not do what was asked, for a reason outside of the plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PortError(pub String);

/// The key-value space of plugins, sealed in the store. Limits are kept by the caller.
pub trait PluginStorage: Send + Sync {
    /// Returns a value.
    ///
    /// # Errors
    /// Fails where the store can't be read.
    fn get(&self, plugin: &str, key: &str) -> Result<Option<Vec<u8>>, PortError>;

    /// Sets a value, durably; none deletes it.
    ///
    /// # Errors
    /// Fails where the store can't be written.
    fn set(&self, plugin: &str, key: &str, value: Option<&[u8]>) -> Result<(), PortError>;

    /// Returns all keys with the size of their values in bytes, in order.
    ///
    /// # Errors
    /// Fails where the store can't be read.
    fn keys(&self, plugin: &str) -> Result<Vec<(String, u64)>, PortError>;
}

/// The settings that a user or administrator gave a plugin.
pub trait PluginSettings: Send + Sync {
    /// Returns what is set for the plugin; defaults of the manifest are not in it.
    fn settings(&self, plugin: &str) -> Settings;
}

/// Why a form was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum PromptError {
    /// The person declined.
    #[error("the question was declined")]
    Declined,
    /// There is nobody to ask.
    #[error("there is nobody to ask: the program runs without a terminal")]
    Headless,
}

/// Asks a person.
pub trait Prompter: Send + Sync {
    /// Shows the form in the name of `asker` (a plugin id) and waits for the answers. Answers to password fields come
    /// as secrets under the slot `prompt.<field id>`.
    fn ask<'a>(&'a self, asker: &'a str, form: &'a Form) -> BoxFuture<'a, Result<FormAnswers, PromptError>>;
}

/// Authenticates compiled code in the cache with a key of this device.
pub trait CodeAuthenticator: Send + Sync {
    /// Returns a MAC over the parts, which can't be forged without the device's key.
    fn tag(&self, parts: &[&[u8]]) -> [u8; 32];
    /// Tells, in constant time, whether the tag is of these parts.
    fn verify(&self, parts: &[&[u8]], tag: &[u8; 32]) -> bool;
}
