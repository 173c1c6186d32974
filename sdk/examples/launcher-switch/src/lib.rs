//! Shows a VLAN of a network switch: the one that is set, or the one that the person names.

use ostler_sdk::launcher::{
    KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan, SshAuth, SshPlan, SshRun,
};
use ostler_sdk::prompt::{Field, Form, ask};
use ostler_sdk::types::{Endpoint, SecretField, Value};

const VLAN: &str = "switch.vlan";

/// The plugin.
pub struct Switch;
ostler_sdk::export_plugin!(Switch, kinds: [launcher]);

impl Launcher for Switch {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("switch", "Network switch", 22)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let vlan = match request.number(VLAN, 1..=4094)? {
            Some(vlan) => vlan,
            None => asked_for()?,
        };
        let server = Endpoint::new(&request.host, request.port);
        let mut plan = SshPlan::new(server, Value::text(request.user()?));
        // A slot is a name: the host puts the password into the protocol, and this code never sees it.
        if let Some(password) = request.slots(SecretField::Password).next() {
            plan = plan.auth(SshAuth::Password(password.clone()));
        }
        plan.run = SshRun::Command(format!("show vlan {vlan}"));
        Ok(plan.into())
    }
}

fn asked_for() -> Result<u32, PlanError> {
    let form = Form::new("Which VLAN?").field(Field::text("vlan", "VLAN"));
    // Nobody is there, the person said no, or the capability was not granted: the error says which.
    let answers = ask(&form).map_err(|error| PlanError::setting(VLAN, format!("is not set: {error}")))?;
    let vlan =
        answers.text("vlan").and_then(|text| text.parse().ok()).filter(|vlan| (1..=4094).contains(vlan));
    vlan.ok_or_else(|| PlanError::setting(VLAN, "must be a number from 1 to 4094"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vlan_that_is_set_is_shown() {
        let mut request = LaunchRequest::new("switch", "sw1.example", 22);
        request.credential.user = Some("admin".to_owned());
        request.settings = vec![ostler_sdk::types::Setting::new(VLAN, 7)];
        let Ok(SessionPlan::Ssh(plan)) = Switch::plan(request) else { panic!("it is a plan for SSH") };
        assert_eq!(plan.run, SshRun::Command("show vlan 7".to_owned()));
    }
}
