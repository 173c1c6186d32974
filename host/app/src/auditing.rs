//! Writing audit events: who, what, on what, and how it came out.
//!
//! An event is written before the act where the act could do harm; whoever gets an error here must not act.

use std::sync::Arc;

use ostler_audit::{AuditError, AuditEvent, AuditLog, EventClass, Outcome, PluginRef};
use ostler_registry::FoundPlugin;

/// Writes audit events in the name of the user of this process.
#[derive(Clone)]
pub(crate) struct Auditor {
    log: Arc<AuditLog>,
    actor: String,
}

impl Auditor {
    pub(crate) fn new(log: Arc<AuditLog>) -> Self {
        Self { log, actor: actor() }
    }

    /// Returns the user of the operating system, as events name it.
    pub(crate) fn actor(&self) -> &str {
        &self.actor
    }

    /// Begins an event of a class.
    pub(crate) fn event(&self, class: EventClass, outcome: Outcome) -> AuditEvent {
        AuditEvent { actor: self.actor.clone(), ..AuditEvent::of(class, outcome) }
    }

    /// Writes an event, durably.
    pub(crate) fn write(&self, event: &AuditEvent) -> Result<(), AuditError> {
        self.log.append(event).map(|_| ())
    }

    /// Writes events durably, at the cost of one.
    pub(crate) fn write_all(&self, events: &[AuditEvent]) -> Result<(), AuditError> {
        if events.is_empty() {
            return Ok(());
        }
        self.log.append_all(events).map(|_| ())
    }

    /// Writes a plain success of a class with a few details.
    pub(crate) fn success(&self, class: EventClass, details: &[(&str, String)]) -> Result<(), AuditError> {
        let mut event = self.event(class, Outcome::Success);
        event.details = details.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        self.write(&event)
    }
}

/// Names a plugin in an event.
pub(crate) fn plugin_ref(plugin: &FoundPlugin) -> PluginRef {
    PluginRef {
        id: plugin.inspection.manifest.id.to_string(),
        version: plugin.inspection.manifest.version.to_string(),
        digest: plugin.inspection.digest.to_string(),
    }
}

/// The user that this process belongs to, by number: names can be changed by whoever owns the machine's directory.
fn actor() -> String {
    format!("uid {}", rustix::process::getuid().as_raw())
}
