//! The named limits of plugins, in one place.
//!
//! A limit that the WIT documents promise (key lengths, line lengths, form sizes) is a constant beside its capability;
//! the ones here may be set by the host.

use std::fmt;
use std::time::Duration;

/// What one plugin may use, per call where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all linear memories of an instance together.
    pub memory_bytes: usize,
    /// Elements of all tables of an instance together.
    pub table_elements: usize,
    /// Computing time of a short question: what kinds it opens, what options it has, whether it knows a file.
    pub detect_time: Duration,
    /// Computing time of a plan.
    pub plan_time: Duration,
    /// Computing time of reading a whole file.
    pub parse_time: Duration,
    /// Computing time of a driven session from one event to the next.
    pub event_time: Duration,
    /// Time that a call may sleep, beyond its computing time. Waits for the host (a person, the store) are not in it.
    pub sleep_time: Duration,
    /// Bytes that one host function may be handed, or one call may return.
    pub host_call_bytes: usize,
    /// The same in a session with a desktop: 64 MiB of pixels are shown at once, and what describes them.
    pub desktop_call_bytes: usize,
    /// Host objects (streams, pollables) that an instance may hold.
    pub resources: usize,
    /// Lines in the log.
    pub log_lines: u32,
    /// Time that all waits by the capability `clock` may take together.
    pub clock_waits: Duration,
    /// Time that all waits for events may take together.
    pub event_waits: Duration,
    /// Markers in the recording of a session.
    pub markers: u32,
    /// Questions to one capability of the store (connections, recordings, events).
    pub store_calls: u32,
    /// Changes through one capability of the store.
    pub store_changes: u32,
    /// Keys in the plugin's storage.
    pub storage_keys: usize,
    /// Bytes of all keys and values in the plugin's storage.
    pub storage_bytes: u64,
    /// Forms that a call may show.
    pub forms: u32,
    /// Entries that a file may have.
    pub import_entries: u64,
    /// Problems that an importer may report of a file.
    pub import_problems: u64,
    /// Calls that run at once, of all plugins together; more wait until one ends.
    pub concurrent_calls: u32,
    /// Driven sessions at once, of all plugins together; more wait until one ends.
    pub concurrent_drives: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 128 << 20,
            table_elements: 100_000,
            detect_time: Duration::from_secs(1),
            plan_time: Duration::from_secs(2),
            parse_time: Duration::from_secs(300),
            event_time: Duration::from_secs(5),
            sleep_time: Duration::from_secs(10),
            host_call_bytes: 16 << 20,
            desktop_call_bytes: 65 << 20,
            resources: 256,
            log_lines: 1000,
            clock_waits: Duration::from_secs(60),
            event_waits: Duration::from_secs(60),
            markers: 1000,
            store_calls: 10_000,
            store_changes: 1000,
            storage_keys: 1000,
            storage_bytes: 1 << 20,
            forms: 8,
            import_entries: 1_000_000,
            import_problems: 1_000_000,
            concurrent_calls: 32,
            concurrent_drives: 64,
        }
    }
}

/// A limit that ended a call: travels as the cause of a trap, out of the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LimitReached {
    /// What is limited, such as `memory`.
    pub(crate) limit: &'static str,
    /// How much was allowed, for people.
    pub(crate) allowed: String,
}

impl LimitReached {
    pub(crate) fn new(limit: &'static str, allowed: impl fmt::Display) -> Self {
        Self { limit, allowed: allowed.to_string() }
    }
}

impl fmt::Display for LimitReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the limit for {} is {}", self.limit, self.allowed)
    }
}

impl std::error::Error for LimitReached {}
