//! A launcher that speaks VNC itself, on the host's wire and desktop.
//!
//! It logs in by the server's challenge, which the host answers: this plugin never reads the password. Settings are in the README.

mod drive;
pub mod rfb;
pub mod settings;

use ostler_sdk::driver::{DriveError, DriveRequest, Driver, EndReason};
use ostler_sdk::launcher::{
    DrivenPlan, DrivenSurface, KindInfo, LaunchRequest, Launcher, PlanError, RunRequest, SessionPlan,
};
use ostler_sdk::types::Endpoint;

use crate::settings::Settings;

/// The type of connection.
const KIND: &str = "vnc";

/// The plugin.
pub struct VncLauncher;

ostler_sdk::export_plugin!(VncLauncher, kinds: [launcher, driver]);

impl Launcher for VncLauncher {
    fn describe() -> Vec<KindInfo> {
        vec![KindInfo::new(KIND, "VNC", 5900)]
    }

    fn plan(request: LaunchRequest) -> Result<SessionPlan, PlanError> {
        if request.kind != KIND {
            return Err(PlanError::Unsupported(format!(
                "this launcher opens '{KIND}', not '{}'",
                request.kind
            )));
        }
        if request.host.is_empty() {
            return Err(PlanError::Missing("a host".to_owned()));
        }
        if let RunRequest::Command(_) = request.run {
            return Err(PlanError::Unsupported("VNC runs no commands".to_owned()));
        }
        Settings::read(&request.settings).map_err(PlanError::BadSetting)?;
        let target = Endpoint::new(&request.host, request.port);
        let surface = DrivenSurface::Desktop;
        Ok(DrivenPlan { target, surface }.into())
    }
}

impl Driver for VncLauncher {
    fn drive(request: DriveRequest) -> Result<EndReason, DriveError> {
        drive::drive(&request)
    }
}
