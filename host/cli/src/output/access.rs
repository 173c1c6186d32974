//! Words for plans, sessions and known hosts.

use ostler_app::core::{Exit, PlanValue, SessionPlan, SshAuth, SshPlan, SshRun};
use ostler_app::{KnownHostView, PlanView, SessionReport};

use super::table::{Facts, Table};
use super::{Style, escape};

pub(crate) fn plan(view: &PlanView, style: Style) -> String {
    let mut facts = Facts::new();
    facts
        .add("connection", &view.connection)
        .add("plugin", &view.plugin)
        .add("credential", &view.credential)
        .add("recorded", if view.recorded { "yes" } else { "no" })
        .add("protocol", view.plan.protocol());
    if let SessionPlan::Ssh(plan) = &view.plan {
        ssh(&mut facts, plan);
    } else {
        facts.maybe("target", view.plan.target().map(ToString::to_string));
    }
    let mut text = facts.render(style);
    if !view.slots.is_empty() {
        text.push_str(&format!("{}\n", style.dim("slots, and where their secrets may go")));
        for (slot, sinks) in &view.slots {
            let sinks: Vec<String> = sinks.iter().map(|sink| escape(sink)).collect();
            text.push_str(&format!("  {} -> {}\n", escape(slot), sinks.join(", ")));
        }
    }
    text
}

fn ssh(facts: &mut Facts, plan: &SshPlan) {
    let ways: Vec<String> = plan.auth.iter().map(way).collect();
    facts
        .add("target", plan.target.to_string())
        .add("user", value(&plan.user))
        .add("log in with", ways.join(", then "))
        .add(
            "run",
            match &plan.run {
                SshRun::Shell => "the user's shell".to_owned(),
                SshRun::Command(line) => line.clone(),
            },
        )
        .add("terminal", if plan.terminal { "yes" } else { "no" })
        .add("connect within", format!("{} s", plan.connect_timeout_seconds))
        .add(
            "keepalive",
            match plan.keepalive_seconds {
                0 => "none".to_owned(),
                seconds => format!("after {seconds} s of silence"),
            },
        );
    for (name, text) in &plan.environment {
        facts.add("environment", format!("{name}={}", value(text)));
    }
}

fn way(auth: &SshAuth) -> String {
    match auth {
        SshAuth::Password(slot) => format!("password ({slot})"),
        SshAuth::KeyboardInteractive(Some(slot)) => format!("keyboard-interactive ({slot})"),
        SshAuth::KeyboardInteractive(None) => "keyboard-interactive (asked)".to_owned(),
        SshAuth::PrivateKey { key, passphrase: Some(passphrase) } => {
            format!("private key ({key}, opened with {passphrase})")
        }
        SshAuth::PrivateKey { key, passphrase: None } => format!("private key ({key})"),
        SshAuth::None => "no proof".to_owned(),
    }
}

fn value(value: &PlanValue) -> String {
    match value {
        PlanValue::Text(text) => text.clone(),
        PlanValue::Slot(slot) => format!("(slot {slot})"),
    }
}

pub(crate) fn session(report: &SessionReport, style: Style) -> String {
    let exit = match &report.end.exit {
        Exit::Status(status) => format!("status {status}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::Unknown => "not told".to_owned(),
    };
    let mut facts = Facts::new();
    facts
        .add("session", &report.session)
        .add("ended", report.end.reason.to_string())
        .add("exit", exit)
        .add("duration", format!("{}.{:03} s", report.duration_ms / 1000, report.duration_ms % 1000))
        .maybe("recording", report.recording.as_ref());
    facts.render(style)
}

pub(crate) fn known_hosts(hosts: &[KnownHostView], style: Style) -> String {
    if hosts.is_empty() {
        return "No host key is known.\n".to_owned();
    }
    let mut table = Table::new(&["HOST", "PORT", "ALGORITHM", "FINGERPRINT", "ADDED"]);
    for host in hosts {
        table.row([
            (&host.host).into(),
            host.port.to_string().into(),
            (&host.algorithm).into(),
            (&host.fingerprint).into(),
            (&host.added).into(),
        ]);
    }
    table.render(style)
}
