//! Words for plugins: what there is, and what one asks for, has, used and was refused.

use ostler_app::{
    CapabilityView, CrashReport, GrantedBy, PluginDetail, PluginLogLine, PluginView, SettingView,
    SourceEntryView,
};

use super::table::{Cell, Facts, Table};
use super::{Style, escape};

pub(crate) fn list(plugins: &[PluginView], style: Style) -> String {
    if plugins.is_empty() {
        return "There are no plugins; 'ostler doctor' says where they are looked for.\n".to_owned();
    }
    let mut table = Table::new(&["PLUGIN", "VERSION", "KIND", "ORIGIN", "STATE", "DESCRIPTION"]);
    for plugin in plugins {
        table.row([
            (&plugin.id).into(),
            (&plugin.version).into(),
            plugin.kinds.join(", ").into(),
            (&plugin.origin).into(),
            Cell::painted(&plugin.state, Style::state),
            (&plugin.description).into(),
        ]);
    }
    let mut text = table.render(style);
    for plugin in plugins {
        if let Some(problem) = &plugin.problem {
            text.push_str(&format!(
                "{} {}: {}\n",
                style.state(&plugin.state),
                escape(&plugin.id),
                escape(problem)
            ));
        }
    }
    text
}

/// What is known of a plugin's crashes.
pub(crate) fn crashes(reports: &[CrashReport], style: Style) -> String {
    if reports.is_empty() {
        return "No crash of it is known.\n".to_owned();
    }
    let mut table = Table::new(&["TIME", "VERSION", "CALL", "INPUT", "REASON"]);
    for report in reports {
        table.row([
            super::records::to_second(&report.time).into(),
            (&report.version).into(),
            (&report.call).into(),
            if report.input.is_some() { "kept" } else { "not kept" }.to_owned().into(),
            (&report.reason).into(),
        ]);
    }
    table.render(style)
}

/// The log of a plugin.
pub(crate) fn log(lines: &[PluginLogLine], style: Style) -> String {
    if lines.is_empty() {
        return "There is no such line in its log.\n".to_owned();
    }
    let line = |line: &PluginLogLine| {
        let time = super::records::to_second(&line.time);
        format!("{time} {} {}\n", style.level(line.level), escape(&line.text))
    };
    lines.iter().map(line).collect()
}

/// Settings of a plugin or of connections.
pub(crate) fn settings(settings: &[SettingView], style: Style) -> String {
    if settings.is_empty() {
        return "There are no settings.\n".to_owned();
    }
    let mut table = Table::new(&["SETTING", "VALUE", "FROM", "EXPECTED", "PLUGIN", "DESCRIPTION"]);
    for setting in settings {
        let value = match (&setting.value, setting.kind.as_str(), setting.origin.as_str()) {
            (Some(value), ..) => value.to_string(),
            (None, "secret", "set") => "(secret)".to_owned(),
            (None, ..) => String::new(),
        };
        let mut description =
            setting.description.clone().or_else(|| setting.title.clone()).unwrap_or_default();
        if !setting.places.is_empty() {
            description.push_str(&format!(" Goes to: {}.", setting.places.join(", ")));
        }
        table.row([
            (&setting.key).into(),
            value.into(),
            (&setting.origin).into(),
            (&setting.expected).into(),
            (&setting.plugin).into(),
            description.trim().to_owned().into(),
        ]);
    }
    table.render(style)
}

/// What a credential source holds.
pub(crate) fn entries(entries: &[SourceEntryView], style: Style) -> String {
    if entries.is_empty() {
        return "There is nothing that it shows without being signed in to.\n".to_owned();
    }
    let mut table = Table::new(&["ENTRY", "NAME", "KIND"]);
    for entry in entries {
        let kind = if entry.folder { "folder" } else { "credential" };
        table.row([(&entry.entry).into(), (&entry.name).into(), kind.to_owned().into()]);
    }
    table.render(style)
}

pub(crate) fn detail(detail: &PluginDetail, style: Style) -> String {
    let plugin = &detail.plugin;
    let mut facts = Facts::new();
    facts
        .add("plugin", &plugin.id)
        .add("name", &plugin.name)
        .add("version", &plugin.version)
        .add("description", &plugin.description)
        .add("kinds", plugin.kinds.join(", "))
        .add("origin", &plugin.origin)
        .add("state", &plugin.state)
        .maybe("problem", plugin.problem.as_ref())
        .add("file", detail.path.display().to_string())
        .add("digest", &plugin.digest)
        .maybe("signed with", detail.signed_by.as_ref())
        .add("imports", detail.imports.join(", "))
        .add("calls", detail.calls.to_string())
        .add("traps", detail.traps.to_string())
        .add("stopped at a limit", detail.limits.to_string())
        .add("computed", format!("{} ms", detail.guest_ms))
        .add("most memory", super::entries::size(detail.peak_memory_bytes));
    let mut text = facts.render(style);
    let mut table = Table::new(&["CAPABILITY", "GRANTED", "BY", "USED", "REFUSED", "MEANING", "WHY IT ASKS"]);
    for capability in &detail.capabilities {
        let by = match (&capability.granted_by, &capability.denied_by) {
            (Some(by), _) => given_by(*by),
            (None, Some(_)) => "denied",
            (None, None) => "",
        };
        table.row([
            (&capability.name).into(),
            Cell::painted(if capability.granted { "yes" } else { "no" }, Style::state),
            by.to_owned().into(),
            capability.used.to_string().into(),
            capability.refused.to_string().into(),
            (&capability.meaning).into(),
            (&capability.reason).into(),
        ]);
    }
    let capabilities = table.render(style);
    text.push('\n');
    text.push_str(if capabilities.is_empty() { "It asks for no capability.\n" } else { &capabilities });
    for capability in &detail.capabilities {
        text.push_str(&particulars(&plugin.id, capability));
    }
    text
}

fn given_by(by: GrantedBy) -> &'static str {
    match by {
        GrantedBy::Bundled => "bundled",
        GrantedBy::Default => "default",
        GrantedBy::Policy => "policy",
        GrantedBy::User => "user",
    }
}

/// What a table has no room for: how far a capability goes, what waits, and why calls were refused.
fn particulars(id: &str, capability: &CapabilityView) -> String {
    let mut lines = Vec::new();
    let asked = capability.parameters.to_string();
    if !asked.is_empty() {
        lines.push(format!("asks for {asked}"));
    }
    lines.extend(capability.bounds.iter().map(|bound| format!("only {bound}")));
    lines.extend(capability.denied_by.iter().map(|rule| format!("denied by {rule}")));
    if let Some(waiting) = &capability.waiting {
        let new = waiting.to_string();
        let new = if new.is_empty() { "all of it".to_owned() } else { new };
        let name = &capability.name;
        lines.push(format!("new and not granted: {new}; 'ostler plugin grant {id} {name}' allows it"));
    }
    let refusals = capability.refusals.iter();
    lines.extend(refusals.map(|refusal| format!("refused {} x: {}", refusal.times, refusal.reason)));
    lines.iter().map(|line| format!("{}: {}\n", escape(&capability.name), escape(line))).collect()
}
