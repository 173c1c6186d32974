//! Words for recordings and audit events.

use ostler_app::{AuditView, ExportedAudit, RecordingView, VerifiedAudit, VerifiedRecording};

use super::entries::size;
use super::table::{Cell, Table};
use super::{Style, escape};

pub(crate) fn recordings(list: &[RecordingView], style: Style) -> String {
    if list.is_empty() {
        return "There are no recordings.\n".to_owned();
    }
    let mut table =
        Table::new(&["RECORDING", "STARTED", "LENGTH", "STATE", "CONNECTION", "USER", "COMMAND", "SIZE"]);
    for recording in list {
        table.row([
            (&recording.id).into(),
            recording.started.as_deref().unwrap_or("?").into(),
            length(recording.duration_seconds).into(),
            Cell::painted(&recording.state, Style::state),
            recording.connection.as_deref().unwrap_or("?").into(),
            recording.user.as_deref().unwrap_or_default().into(),
            recording.command.as_deref().unwrap_or_default().into(),
            size(recording.bytes).into(),
        ]);
    }
    let mut text = table.render(style);
    for recording in list {
        if let Some(problem) = &recording.problem {
            text.push_str(&format!("{}: {}\n", escape(&recording.id), escape(problem)));
        }
    }
    text
}

pub(crate) fn recordings_verified(list: &[VerifiedRecording], style: Style) -> String {
    if list.is_empty() {
        return "There are no recordings to verify.\n".to_owned();
    }
    let mut table = Table::new(&["RECORDING", "STATE", "SEGMENTS", "EVENTS", "IN AUDIT LOG"]);
    for recording in list {
        table.row([
            (&recording.id).into(),
            Cell::painted(&recording.state, Style::state),
            recording.segments.to_string().into(),
            recording.events.to_string().into(),
            Cell::painted(if recording.audited { "yes" } else { "no" }, Style::state),
        ]);
    }
    let mut text = table.render(style);
    for recording in list {
        if let Some(problem) = &recording.problem {
            let id = escape(&recording.id);
            text.push_str(&format!("{} {id}: {}\n", style.red(&escape(&recording.state)), escape(problem)));
        }
    }
    text
}

pub(crate) fn audit(events: &[AuditView], style: Style) -> String {
    if events.is_empty() {
        return "No event is as you ask for.\n".to_owned();
    }
    let mut table = Table::new(&["NO", "TIME", "ACTOR", "EVENT", "OUTCOME", "TARGET", "WHAT"]);
    for event in events {
        table.row([
            event.sequence.to_string().into(),
            to_second(&event.time).into(),
            (&event.actor).into(),
            (&event.class).into(),
            Cell::painted(&event.outcome, Style::state),
            event.target.as_deref().unwrap_or_default().into(),
            what(event).into(),
        ]);
    }
    table.render(style)
}

/// Puts one event into one line.
pub(crate) fn audited(event: &AuditView, style: Style) -> String {
    let AuditView { sequence, class, outcome, actor, .. } = event;
    let target = event.target.as_deref().unwrap_or_default();
    let line = format!(
        "{sequence}  {}  {actor}  {class}  {outcome}  {target}  {}",
        to_second(&event.time),
        what(event)
    );
    let line = line.trim_end();
    if outcome == "success" { line.to_owned() } else { style.yellow(line) }
}

/// Leaves out the fraction of a second, which only machines care for.
pub(super) fn to_second(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}

fn what(event: &AuditView) -> String {
    let mut parts: Vec<String> = event.reason.iter().cloned().collect();
    parts.extend(event.plugin.as_ref().map(|plugin| format!("plugin {plugin}")));
    parts.extend(event.capability.clone());
    parts.extend(event.details.iter().map(|(key, value)| format!("{key}={value}")));
    parts.extend(event.recording.as_ref().map(|recording| format!("recording {recording}")));
    parts.join(", ")
}

pub(crate) fn audit_exported(exported: &ExportedAudit) -> String {
    match &exported.to {
        None => String::new(),
        Some(to) => {
            format!(
                "{} events went to {}; the next is in line {}\n",
                exported.count,
                escape(to),
                exported.next
            )
        }
    }
}

pub(crate) fn audit_verified(verified: &VerifiedAudit, style: Style) -> String {
    format!(
        "{} {} lines and {} checkpoints; root {}\n{}\n",
        style.green("The audit log is whole:"),
        verified.lines,
        verified.checkpoints,
        escape(&verified.root),
        if verified.anchored {
            "It continues the anchor."
        } else {
            "No anchor was given: whoever holds this machine's keys could have written all of it anew."
        }
    )
}

/// Puts a length into hours, minutes and seconds.
fn length(seconds: f64) -> String {
    let tenths = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_millis() / 100;
    let (whole, tenth) = (tenths / 10, tenths % 10);
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}.{tenth}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_on_a_clock() {
        assert_eq!(length(0.0), "0:00.0");
        assert_eq!(length(75.26), "1:15.2");
        assert_eq!(length(3723.0), "1:02:03");
        assert_eq!(length(f64::NAN), "0:00.0");
    }
}
