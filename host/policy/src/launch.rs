//! May this session open, and must it be recorded?
//!
//! Looks at the plan, not at what was asked for: what the plan says is what happens. Where a rule can't be understood,
//! the answer is no.

use ostler_core::{SessionPlan, SettingValue, Settings};

use crate::{RecordRule, Rules};

/// The setting that decides about recording where the rules leave it to settings: `on`, `off`, `required`, true or false.
pub const RECORDING_SETTING: &str = "recording";

/// What is known when a session is about to open.
#[derive(Debug, Clone, Copy)]
pub struct LaunchFacts<'a> {
    /// The user of the operating system.
    pub os_user: &'a str,
    /// The connection's name or path.
    pub connection: &'a str,
    /// The connection's type, such as `ssh`.
    pub kind: &'a str,
    /// What the launcher planned.
    pub plan: &'a SessionPlan,
    /// The launcher's plugin id.
    pub plugin: &'a str,
    /// The connection's effective settings.
    pub settings: &'a Settings,
}

/// What was decided about a launch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may open.
    Allow {
        /// Whether it is recorded.
        record: bool,
        /// Whether it may only open if it can be recorded (feature CM-128).
        required: bool,
    },
    /// It may not open.
    Deny {
        /// Why not, one clause that names the rule.
        reason: String,
    },
}

/// Decides whether a session may open, and whether it is recorded.
#[must_use]
pub fn decide_launch(facts: &LaunchFacts<'_>, rules: &Rules) -> Decision {
    if let Some(reason) = denied(facts, rules) {
        return Decision::Deny { reason };
    }
    let (record, required) = match rules.record {
        RecordRule::Always => (true, true),
        RecordRule::Never => (false, false),
        RecordRule::BySetting => match recording(facts.settings) {
            Ok(decided) => decided,
            Err(reason) => return Decision::Deny { reason },
        },
    };
    Decision::Allow { record, required }
}

fn denied(facts: &LaunchFacts<'_>, rules: &Rules) -> Option<String> {
    // Both names count, so that a launcher can't dodge the rule by planning the protocol under another type.
    for name in [facts.kind, facts.plan.protocol()] {
        if rules.deny_kinds.iter().any(|denied| denied.eq_ignore_ascii_case(name)) {
            return Some(format!("the policy denies '{name}' sessions (deny-kinds)"));
        }
    }
    let target = facts.plan.target()?;
    let pattern = rules.deny_hosts.iter().find(|pattern| pattern.matches(&target.host))?;
    let pattern = String::from(pattern.clone());
    Some(format!("the policy denies sessions to '{}' (deny-hosts, '{pattern}')", target.host))
}

/// Reads the setting: whether to record, and whether that is required.
fn recording(settings: &Settings) -> Result<(bool, bool), String> {
    match settings.get(RECORDING_SETTING) {
        None | Some(SettingValue::Flag(true)) => Ok((true, false)),
        Some(SettingValue::Flag(false)) => Ok((false, false)),
        Some(value) => match value.to_string().as_str() {
            "on" | "true" => Ok((true, false)),
            "off" | "false" => Ok((false, false)),
            "required" => Ok((true, true)),
            other => {
                Err(format!("the setting '{RECORDING_SETTING}' is '{other}'; it must be on, off or required"))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use ostler_core::{DrivenPlan, DrivenSurface, Endpoint, ProcessPlan};

    use super::*;
    use crate::HostPattern;

    const RECORDED: Decision = Decision::Allow { record: true, required: false };

    fn plan(host: &str) -> SessionPlan {
        let target = Endpoint { host: host.to_owned(), port: 23 };
        SessionPlan::Driven(DrivenPlan { target, surface: DrivenSurface::Terminal })
    }

    fn decide(kind: &str, plan: &SessionPlan, recording: Option<SettingValue>, rules: &Rules) -> Decision {
        let settings =
            Settings(recording.map(|value| (RECORDING_SETTING.to_owned(), value)).into_iter().collect());
        let facts = LaunchFacts {
            os_user: "uid 1000",
            connection: "Servers/Switch",
            kind,
            plan,
            plugin: "acme.launcher-telnet",
            settings: &settings,
        };
        decide_launch(&facts, rules)
    }

    fn denies(decision: &Decision, rule: &str) {
        assert!(matches!(decision, Decision::Deny { reason } if reason.contains(rule)), "{decision:?}");
    }

    #[test]
    fn without_rules_a_session_opens_and_is_recorded() {
        assert_eq!(decide("telnet", &plan("switch"), None, &Rules::default()), RECORDED);
    }

    #[test]
    fn a_denied_kind_does_not_open_by_its_type_or_its_protocol() {
        let rules = |kind: &str| Rules { deny_kinds: vec![kind.to_owned()], ..Rules::default() };
        denies(&decide("telnet", &plan("switch"), None, &rules("Telnet")), "deny-kinds");
        denies(&decide("telnet", &plan("switch"), None, &rules("driven")), "deny-kinds");
        assert_eq!(decide("telnet", &plan("switch"), None, &rules("rdp")), RECORDED);
    }

    #[test]
    fn a_denied_host_is_looked_for_in_the_plan() {
        let pattern = HostPattern::new("*.prod.example").unwrap();
        let rules = Rules { deny_hosts: vec![pattern], ..Rules::default() };
        denies(&decide("telnet", &plan("db.PROD.example"), None, &rules), "deny-hosts");
        assert_eq!(decide("telnet", &plan("db.test.example"), None, &rules), RECORDED);
        let local = ProcessPlan {
            program: "pwsh".to_owned(),
            arguments: vec![],
            environment: vec![],
            terminal: true,
        };
        assert_eq!(decide("process", &SessionPlan::Process(local), None, &rules), RECORDED);
    }

    #[test]
    fn always_and_never_win_over_the_setting() {
        let rules = |record| Rules { record, ..Rules::default() };
        let off = Some(SettingValue::Flag(false));
        let required = Some(SettingValue::Text("required".to_owned()));
        assert_eq!(
            decide("telnet", &plan("switch"), off, &rules(RecordRule::Always)),
            Decision::Allow { record: true, required: true }
        );
        assert_eq!(
            decide("telnet", &plan("switch"), required, &rules(RecordRule::Never)),
            Decision::Allow { record: false, required: false }
        );
    }

    #[test]
    fn the_setting_decides_where_the_rules_leave_it_to_settings() {
        let text = |text: &str| SettingValue::Text(text.to_owned());
        let cases = [
            (SettingValue::Flag(true), true, false),
            (SettingValue::Flag(false), false, false),
            (text("on"), true, false),
            (text("off"), false, false),
            (text("required"), true, true),
        ];
        for (value, record, required) in cases {
            let decision = decide("telnet", &plan("switch"), Some(value.clone()), &Rules::default());
            assert_eq!(decision, Decision::Allow { record, required }, "{value:?}");
        }
    }

    #[test]
    fn a_setting_that_can_not_be_understood_opens_nothing() {
        for value in
            [SettingValue::Text("of".to_owned()), SettingValue::Integer(1), SettingValue::List(vec![])]
        {
            denies(
                &decide("telnet", &plan("switch"), Some(value), &Rules::default()),
                "must be on, off or required",
            );
        }
    }
}
