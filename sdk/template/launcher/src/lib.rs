//! Plans sessions over SSH.

use ostler_sdk::launcher::{KindInfo, LaunchRequest, Launcher, PlanError, SessionPlan, SshAuth, SshPlan};
use ostler_sdk::types::{Endpoint, SecretField, Value};

/// The plugin.
pub struct Plugin;
ostler_sdk::export_plugin!(Plugin, kinds: [launcher]);

impl Launcher for Plugin {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new("PLUGIN_NAME", "PLUGIN_NAME", 22)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        let server = Endpoint::new(&request.host, request.port);
        let mut plan = SshPlan::new(server, Value::text(request.user()?));
        // A slot is a name: the host puts the password into the protocol, and this code never sees it.
        if let Some(password) = request.slots(SecretField::Password).next() {
            plan = plan.auth(SshAuth::Password(password.clone()));
        }
        Ok(plan.into())
    }
}
