//! Audit events: who did what to what, how it came out, and why.
//!
//! An event never holds a secret. Once released, fields are added, never renamed.

use std::collections::BTreeMap;

use ostler_core::{ConnectionId, RecordingId, SessionId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::EventClass;

/// How it came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was done, or is about to be.
    Success,
    /// It was tried and failed.
    Failure,
    /// It was refused.
    Denied,
}

/// The plugin that an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRef {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The digest of its file.
    pub digest: String,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// What, such as `session.start`: the name of an [`EventClass`], or of one that only a newer program knows.
    pub class: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Why, where it did not succeed or that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The user of the operating system.
    pub actor: String,
    /// The plugin that acted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginRef>,
    /// The capability that was used or refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
    /// Host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<ConnectionId>,
    /// The session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording: Option<RecordingId>,
    /// The hash that proves the recording, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recording_root: Option<String>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, String>,
}

impl AuditEvent {
    /// Begins an event of a class, by nobody yet.
    #[must_use]
    pub fn of(class: EventClass, outcome: Outcome) -> Self {
        Self {
            class: class.name().to_owned(),
            outcome,
            reason: None,
            actor: String::new(),
            plugin: None,
            capability: None,
            target: None,
            connection: None,
            session: None,
            recording: None,
            recording_root: None,
            details: BTreeMap::new(),
        }
    }
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// The number of its line, from 0. Lines that open a batch have numbers too.
    pub sequence: u64,
    /// When.
    pub time: Timestamp,
    /// The machine's name.
    pub machine: String,
    /// The process.
    pub process: u32,
    /// What.
    pub event: AuditEvent,
}

/// What is sealed in a line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// The version of this shape.
    pub(crate) v: u32,
    pub(crate) time: Timestamp,
    pub(crate) machine: String,
    pub(crate) process: u32,
    #[serde(flatten)]
    pub(crate) event: AuditEvent,
}
