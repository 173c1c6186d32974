//! Events as other systems read them: OCSF, and RFC 5424 syslog.
//!
//! One event gives one line of text without a line break. Nothing here sends anything: where the lines go is the caller's
//! business. The shapes are a contract with whoever reads them: fields are added, never renamed.

mod ocsf;
mod syslog;

pub use ocsf::ocsf;
pub use syslog::syslog;

use ostler_core::Timestamp;

use crate::AuditEvent;

/// The program, as it names itself to other systems.
const PRODUCT: &str = "Ostler";

/// Writes a time as RFC 3339 in UTC, to the microsecond.
fn rfc3339(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_microsecond(time.0).unwrap_or_default();
    format!("{time:.6}")
}

/// Returns what an event tells besides class, outcome and actor, by the names that the log has for it.
fn facts(event: &AuditEvent) -> Vec<(&str, String)> {
    let plugin = event.plugin.as_ref();
    let known = [
        ("reason", event.reason.clone()),
        ("plugin", plugin.map(|plugin| plugin.id.clone())),
        ("plugin-version", plugin.map(|plugin| plugin.version.clone())),
        ("plugin-digest", plugin.map(|plugin| plugin.digest.clone())),
        ("capability", event.capability.clone()),
        ("target", event.target.clone()),
        ("connection", event.connection.map(|id| id.to_string())),
        ("session", event.session.map(|id| id.to_string())),
        ("recording", event.recording.map(|id| id.to_string())),
        ("recording-root", event.recording_root.clone()),
    ];
    let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
    known.chain(event.details.iter().map(|(name, value)| (name.as_str(), value.clone()))).collect()
}
