//! Events as syslog messages (RFC 5424).
//!
//! The facts are structured data; the message itself is plain ASCII, so that no byte order mark is needed. No control
//! character and no line break gets into a message, so that it can stand on a line of a file.

use std::fmt::Write as _;

use super::{facts, rfc3339};
use crate::{AuditRecord, EventClass, Outcome, Severity};

/// The facility 'log audit' (RFC 5424, section 6.2.1).
const FACILITY: u8 = 13;
/// The name of the structured data, with the enterprise number that is free for examples (RFC 5612): we have none.
const DATA: &str = "ostler@32473";
/// The longest host name and message id (RFC 5424, section 6).
const MOST_HOST: usize = 255;
const MOST_ID: usize = 32;

/// Writes an event as one syslog message, without any framing.
#[must_use]
pub fn syslog(record: &AuditRecord) -> String {
    let event = &record.event;
    let class = EventClass::find(&event.class);
    let severity = class.map_or(Severity::Informational, |class| class.severity(event.outcome));
    let outcome = match event.outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Denied => "denied",
    };
    let id = word(&event.class, MOST_ID);
    let mut message = format!(
        "<{}>1 {} {} ostler {} {id} [{DATA} sequence=\"{}\" outcome=\"{outcome}\" actor=\"",
        FACILITY * 8 + level(severity),
        rfc3339(record.time),
        word(&record.machine, MOST_HOST),
        record.process,
        record.sequence,
    );
    value(&mut message, &event.actor);
    message.push('"');
    for (name, fact) in facts(event) {
        // Writing into a string can't fail.
        write!(message, " {}=\"", name_of(name)).unwrap_or_default();
        value(&mut message, &fact);
        message.push('"');
    }
    write!(message, "] {id}: {outcome}").unwrap_or_default();
    message
}

/// Returns syslog's severity.
const fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 6,
        Severity::Low => 5,
        Severity::Medium => 4,
        Severity::High => 3,
        Severity::Critical => 2,
    }
}

/// Makes a word of the header: printable ASCII, or the dash that stands for nothing.
fn word(text: &str, most: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(most).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

/// Makes the name of a parameter.
fn name_of(text: &str) -> String {
    let name: String =
        text.chars().filter(|c| c.is_ascii_graphic() && !"=]\"".contains(*c)).take(MOST_ID).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// Adds the value of a parameter: a quote, a backslash and a closing bracket are escaped, as section 6.3.3 says.
fn value(message: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' | '\\' | ']' => message.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                message.push(char::REPLACEMENT_CHARACTER)
            }
            c => message.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::Timestamp;

    use super::*;
    use crate::AuditEvent;

    #[test]
    fn an_event_is_a_message_of_rfc_5424() {
        let mut event = AuditEvent::of(EventClass::VaultUnlock, Outcome::Failure);
        event.actor = "uid 1000".to_owned();
        event.reason = Some("a \"bad\" [try]\\\n2".to_owned());
        event.details.insert("means".to_owned(), "pässphrase".to_owned());
        let record = AuditRecord {
            sequence: 7,
            time: Timestamp(1_700_000_000_000_042),
            machine: "büro pc".to_owned(),
            process: 99,
            event,
        };
        assert_eq!(
            syslog(&record),
            "<109>1 2023-11-14T22:13:20.000042Z bropc ostler 99 vault.unlock [ostler@32473 sequence=\"7\" \
             outcome=\"failure\" actor=\"uid 1000\" reason=\"a \\\"bad\\\" [try\\]\\\\\u{fffd}2\" \
             means=\"pässphrase\"] vault.unlock: failure"
        );
    }

    #[test]
    fn what_no_header_can_hold_is_left_out() {
        let mut event = AuditEvent::of(EventClass::HostStop, Outcome::Success);
        event.class = "a b\n".repeat(40);
        event.details.insert("]=\" \n".to_owned(), "x\ny".to_owned());
        let record =
            AuditRecord { sequence: 0, time: Timestamp(0), machine: "\u{7}".to_owned(), process: 1, event };
        let id = "ab".repeat(16);
        assert_eq!(
            syslog(&record),
            format!(
                "<110>1 1970-01-01T00:00:00.000000Z - ostler 1 {id} [ostler@32473 sequence=\"0\" outcome=\"success\" \
                 actor=\"\" -=\"x\u{fffd}y\"] {id}: success"
            )
        );
    }
}
